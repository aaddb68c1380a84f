package flow

import (
	"errors"

	"confer/cronofy"
	"confer/internal/profiles"
)

// explainAccount is for one account's row: its code and a sentence.
func explainAccount(err error) (code, message string) {
	if errors.Is(err, profiles.ErrOnlyRefreshToken) {
		return CodeUsage, "The list has no access token of this account, only a refresh token."
	}
	if errors.Is(err, cronofy.ErrUnsendable) {
		return CodeUsage, "The access token holds characters that tokens do not have."
	}
	p := explain(err, StepProfiles)
	var api *cronofy.Error
	if errors.As(err, &api) && api.Code == "" {
		switch api.Status {
		case 401:
			p.Summary = "The access token was not accepted: it is wrong, expired or revoked."
		case 402, 403:
			p.Summary = "This token may not read the account."
		case 404:
			p.Summary = "Cronofy does not know this account."
		case 422:
			p.Summary = "Cronofy did not accept the request for this account."
		}
	}
	return p.Code, p.Summary
}

// ExplainAccount gives the code and the sentence for an account that could not
// be read.
func ExplainAccount(err error) (code, message string) { return explainAccount(err) }

// AccountWords are for a row of the profiles' table whose account could not be
// read: the reason in a few words, and what to do next. code is that of the
// row's error, kind says where its token came from.
func AccountWords(code string, kind AccountsKind) (short, next string) {
	const again = "r looks again."
	switch code {
	case CodeUnauthorized:
		return "token refused", freshToken(kind) + " A token works in its own data center alone."
	case CodeUsage:
		return "no usable token", freshToken(kind)
	case CodePaymentRequired, CodeForbidden:
		return "may not be read", "Check the scope of the token, and the plan of the application that it comes from."
	case CodeNotFound:
		return "not known", "Check the data center, and that the token is of an account there."
	case CodeUnprocessable:
		return "not accepted", "Check this account in the list, then go back and read the list again."
	case CodeLocked:
		return "locked", "Wait a while, then " + again
	case CodeRateLimited:
		return "rate limit", "Wait a minute, then " + again
	case CodeServerError, "temporarily_unavailable":
		return "Cronofy's fault", "In a moment " + again + " status.cronofy.com tells whether more is wrong."
	case CodeBadAnswer:
		return "unusable answer", "Check the data center, and whether a proxy or a login page stands in between; then " + again
	case CodeNetwork:
		return "no connection", "Check the network, then " + again
	}
	return "refused", again
}

// freshToken says how another token is given.
func freshToken(kind AccountsKind) string {
	if kind == AccountsToken {
		return "Go back and paste a fresh access token of this account."
	}
	return "Put a fresh access token of this account into the list, then go back and read the list again."
}
