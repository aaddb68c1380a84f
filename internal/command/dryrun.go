package command

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"

	"confer/cronofy"
	"confer/flow"
	"confer/internal/atomicfile"
	"confer/keystore"
)

// drySecret stands for the client secret, which is not read for a dry run.
const drySecret = "CLIENT_SECRET"

// dryRun shows what a set-up would send and keep. The real client makes the requests.
func dryRun(ctx context.Context, w *wiring, tokensOut string, s streams) error {
	if tokensOut != "" { // refused where the real run would refuse it; nothing is left there
		file, err := createTokens(tokensOut, atomicfile.New, "name a new one")
		if err != nil {
			return err
		}
		_ = file.Close()
	}
	a := &w.known.Answers
	a.ClientSecret = cronofy.NewSecret(drySecret)
	a.Accounts = flow.Accounts{}
	kind := cmp.Or(w.known.Store.Kind, keystore.Keyring)
	kept := "the client secret and the refresh token in " + kind.Words() + ", and the link in links.json"
	if kind == keystore.None {
		kept = "nothing: the sandbox stores nothing"
	}
	w.known.Store = flow.Store{Kind: keystore.Session, Pinned: true}
	t := &dryTransport{out: s.out}
	w.runner.NewClient = func(site cronofy.Site, app cronofy.App, _ func(cronofy.Wait)) *cronofy.Client {
		return cronofy.New(site, app, cronofy.Options{HTTP: &http.Client{Transport: t}, Names: w.names, Limiter: cronofy.NewLimiter(0, 0)})
	}
	w.runner.Links, w.runner.OpenURL = nil, nil
	a.Listen = "127.0.0.1:0"          // the port of the redirect URI is not taken
	paste := make(chan flow.Event, 1) // of an answer, as soon as there is a link
	last := flow.Unattended(ctx, w.runner, w.known, paste, func(now flow.State, ev flow.Event) {
		r, ok := ev.(flow.Report)
		if !ok {
			return
		}
		if ready, ok := r.Event.(flow.LinkReady); ok {
			u, _ := url.Parse(ready.URL)
			state := u.Query().Get("state")
			fmt.Fprintf(s.out, "OPEN %s\n", strings.Replace(ready.URL, state, "STATE", 1))
			paste <- flow.Pasted{Text: now.Answers.RedirectURI + "?code=CODE&state=" + state}
		}
	})
	if last.Problem != nil {
		return &failure{*last.Problem}
	}
	if tokensOut != "" {
		kept += "; the tokens also in " + clip(tokensOut)
	}
	fmt.Fprintf(s.out, "KEEP %s\n", kept)
	return nil
}

// dryTransport writes requests down, with secrets masked, and answers as Cronofy would.
type dryTransport struct {
	out    io.Writer
	tokens int // link tokens that were asked for
}

func (t *dryTransport) RoundTrip(r *http.Request) (*http.Response, error) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, err
	}
	fmt.Fprintf(t.out, "%s %s\n", r.Method, r.URL)
	if strings.HasSuffix(r.URL.Path, "link_tokens") { // two look the same
		if t.tokens++; t.tokens == 1 {
			fmt.Fprintln(t.out, "  (checks the service account; this link token is not used)")
		} else {
			fmt.Fprintln(t.out, "  (for the approval link: a link token works once, for a short time)")
		}
	}
	if r.Header.Get("Authorization") != "" {
		fmt.Fprintln(t.out, "  Authorization: Bearer [client secret]")
	}
	fmt.Fprintf(t.out, "  %s\n", strings.ReplaceAll(string(body), drySecret, "[client secret]"))
	status, answer := t.answer(r, body)
	return &http.Response{StatusCode: status, Request: r, Header: http.Header{"Content-Type": {"application/json"}},
		Body: io.NopCloser(strings.NewReader(answer))}, nil
}

func (t *dryTransport) answer(r *http.Request, body []byte) (int, string) {
	if !strings.HasSuffix(r.URL.Path, "/oauth/token") {
		return http.StatusOK, `{"organizational_unit_authorization_link_token":{"ou_link_token":"LINK_TOKEN"}}`
	}
	if strings.Contains(string(body), `"grant_type":"refresh_token"`) {
		return http.StatusBadRequest, `{"error":"invalid_grant"}`
	}
	return http.StatusOK, `{"token_type":"bearer","access_token":"ACCESS_TOKEN","expires_in":3600,"scope":"organizational_unit_use_integrations"}`
}
