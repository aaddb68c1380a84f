package cronofy

import (
	"cmp"
	"context"
	"maps"
	"time"
)

// Token is what the token endpoint gives. A refresh answers without Sub, and
// without RefreshToken if the old one stays valid.
// https://docs.cronofy.com/developers/api/authorization/request-token/
type Token struct {
	AccessToken  Secret
	RefreshToken Secret // empty if none came
	TokenType    string // "bearer"
	Scope        string // space-separated
	Sub          string // sub, else service_account_id, else account_id, else empty
	ExpiresIn    time.Duration
}

// Exchange trades an authorization code for tokens. redirectURI is exactly the
// one that the code was sent to. It is not repeated once it may have arrived,
// because a code works once.
func (c *Client) Exchange(ctx context.Context, code Secret, redirectURI string) (Token, error) {
	grant := map[string]string{"grant_type": "authorization_code", "code": code.Reveal(), "redirect_uri": redirectURI}
	return c.token(ctx, c.credentialCall("exchange code", "/oauth/token", grant, code))
}

// Refresh gets a new access token. The refresh token may change: store the new one first.
// It is not repeated once it may have arrived; AnswerLost tells.
// https://docs.cronofy.com/developers/api/authorization/refresh-token/
func (c *Client) Refresh(ctx context.Context, refreshToken Secret) (Token, error) {
	grant := map[string]string{"grant_type": "refresh_token", "refresh_token": refreshToken.Reveal()}
	return c.token(ctx, c.credentialCall("refresh token", "/oauth/token", grant, refreshToken))
}

// CheckApplication finds out whether client id and secret belong together at
// this site, by presenting a refresh token that cannot exist: invalid_grant is
// good news and gives nil. ClientRefused tells whether an error is a refusal of
// the client; all others say nothing about it. (RFC 6749 section 5.2; what
// Cronofy answers to a wrong secret is seen in its SDKs, not documented.)
func (c *Client) CheckApplication(ctx context.Context) error {
	grant := map[string]string{"grant_type": "refresh_token", "refresh_token": "this-is-not-a-refresh-token"}
	k := c.credentialCall("check application", "/oauth/token", grant, Secret{})
	k.safe = true
	_, err := c.token(ctx, k)
	if err == nil {
		return &BadAnswerError{Op: k.op, Reason: "a token that cannot exist was accepted"}
	} else if CodeOf(err) == "invalid_grant" {
		return nil
	}
	return err
}

// Revoke ends an access or refresh token and the authorization behind it. A
// token that is unknown or already revoked is no error (RFC 7009 section 2.2).
// https://docs.cronofy.com/developers/api/authorization/revoke/
func (c *Client) Revoke(ctx context.Context, token Secret) error {
	k := c.credentialCall("revoke token", "/oauth/token/revoke", map[string]string{"token": token.Reveal()}, token)
	k.safe = true
	return c.do(ctx, k)
}

func (c *Client) token(ctx context.Context, k call) (Token, error) {
	var out object
	k.out = &out
	if err := c.do(ctx, k); err != nil {
		return Token{}, err
	}
	token := Token{
		AccessToken: out.secret("access_token"), RefreshToken: out.secret("refresh_token"),
		TokenType: name(out.text("token_type")), Scope: CleanText(out.words("scope"), maxScope),
		Sub:       name(cmp.Or(out.text("sub"), out.text("service_account_id"), out.text("account_id"))),
		ExpiresIn: out.seconds("expires_in"),
	}
	if token.AccessToken.Empty() {
		return Token{}, &BadAnswerError{Op: k.op, Reason: "no access_token"}
	}
	return token, nil
}

// credentialCall is a call that shows client id and secret in its body, and no
// Authorization header.
func (c *Client) credentialCall(op, path string, extra map[string]string, hidden Secret) call {
	body := map[string]string{"client_id": c.app.ClientID, "client_secret": c.app.ClientSecret.Reveal()}
	maps.Copy(body, extra)
	return call{op: op, path: path, body: body, hidden: []Secret{hidden}, oauth: true}
}
