package flow

import (
	"errors"
	"fmt"
	"sort"
	"strings"

	"confer/cronofy"
	"confer/flow/callback"
)

// explainOAuth is for the codes of RFC 6749 sections 4.1.2.1 and 5.2. Unknown
// codes are shown as they are.
func explainOAuth(code, description string, at Step) Problem {
	p := Problem{Code: code, Exit: ExitRefused, Step: at, Hint: anotherLink}
	switch code {
	case "access_denied":
		p.Summary = "The administrator, or the provider, refused the authorization."
		if at == StepServiceAccount { // Enterprise Connect: no provider is asked
			p.Summary = "The calendar administrator refused the authorization."
			p.Hint = "Ask them why. It takes an administrator of the whole calendar domain. Then try again."
			break
		}
		p.Hint = "Ask the administrator why. Often an administrator of the provider is needed, or Cronofy's app must be allowed there first. Then try again."
	case "invalid_client":
		p.Summary = "Cronofy does not accept this client id and secret."
		p.Hint = "Check both, and that the data center is the one the application was made in."
		p.Step = StepApplication
	case "invalid_grant":
		if at < StepAuthorize { // there is no code yet
			p.Summary = "Cronofy answered with the error invalid_grant."
			p.Hint = "Check the client id, the secret and the data center, then try again."
			break
		}
		p.Summary = "Cronofy did not accept the authorization code: it was used before, is too old, or the redirect URI is not the one it was made for."
		p.Hint = "Try again: that makes a new link."
	case "invalid_scope":
		p.Summary, p.Hint = scopeWords(at)
	case "invalid_request", "unsupported_response_type", "unsupported_grant_type":
		p.Summary = "Cronofy did not understand the request (" + code + ")."
		p.Hint = "Check the redirect URI and try again. The README names the settings for what Cronofy does not document."
	case "unauthorized_client":
		p.Summary = "This application may not do that at Cronofy."
		p.Hint = "Ask Cronofy's support to enable enterprise conferencing, naming the client id."
	case "server_error":
		p.Summary, p.Exit = "Cronofy had a fault of its own.", ExitFailed
		p.Hint = "Try again in a moment. status.cronofy.com tells whether more is wrong."
	case "temporarily_unavailable":
		p.Summary, p.Exit = "Cronofy is not available just now.", ExitFailed
		p.Hint = "Try again in a moment. status.cronofy.com tells whether more is wrong."
	default:
		p.Summary = "Cronofy answered with the error " + code + "."
	}
	if description != "" {
		p.Summary = strings.TrimSuffix(p.Summary, ".") + ": " + description + "."
	}
	return p
}

func scopeWords(at Step) (summary, hint string) {
	if at == StepServiceAccount { // Enterprise Connect: the operator chose them
		return "Cronofy does not give this application the scopes that were asked for.",
			"Check them and try again, or ask Cronofy's support to enable Enterprise Connect, naming the client id."
	}
	return "Cronofy does not give this application the scope for Organizational Units.",
		"Ask Cronofy's support to enable enterprise conferencing, naming the client id."
}

// explainAPI is for answers outside 2xx. What is missing on Cronofy's side is
// not documented for the link token; the sentences say what is known.
func explainAPI(e *cronofy.Error, at Step) Problem {
	if e.Code != "" {
		return explainOAuth(e.Code, e.Description, at)
	}
	p := Problem{Step: at, Exit: ExitRefused}
	const ask = "Ask Cronofy's support to enable enterprise conferencing for this application, naming the client id."
	switch {
	case e.Status == 401:
		p.Code, p.Step = CodeUnauthorized, StepApplication
		p.Summary = "Cronofy does not accept this client secret."
		p.Hint = "Check the secret, and that the data center is the one the application was made in."
	case e.Status == 402:
		p.Code, p.Summary, p.Hint = CodePaymentRequired, "The plan of this Cronofy application does not include enterprise conferencing.", ask
	case e.Status == 403:
		p.Code, p.Summary, p.Hint = CodeForbidden, "This Cronofy application may not use enterprise conferencing.", ask
	case e.Status == 404:
		p.Code, p.Step = CodeNotFound, StepServiceAccount
		p.Summary = "Cronofy does not know this service account."
		p.Hint = "Check the id, that it was authorized for this application, and the data center."
	case e.Status == 422:
		p.Code, p.Step = CodeUnprocessable, StepServiceAccount
		p.Summary = "Cronofy does not accept this service account" + fieldText(e.Fields) + "."
		p.Hint = "Check the id, that it was authorized for this application, and the data center."
	case e.Status == 423:
		p.Code, p.Summary, p.Hint = CodeLocked, "Cronofy says that the account is locked.", "Wait a while before you try again, or ask Cronofy's support."
	case e.Status == 429:
		p.Code, p.Exit, p.Summary = CodeRateLimited, ExitFailed, "Cronofy's rate limit is used up."
		p.Hint = "Wait a minute, then try again."
		if e.RetryAfter > 0 {
			p.Hint = "Wait " + pause(e.RetryAfter) + ", then try again."
		}
	case e.Status >= 500:
		p.Code, p.Exit, p.Summary = CodeServerError, ExitFailed, "Cronofy had a fault of its own."
		p.Hint = "Try again in a moment. status.cronofy.com tells whether more is wrong."
	default:
		p.Code, p.Exit, p.Summary = CodeBadAnswer, ExitFailed, "Cronofy gave an answer that its API does not promise."
		p.Hint = "Check the data center, and whether a proxy stands in between. Then try again."
	}
	return p
}

// explainUnchecked says why the check of the application could not tell; nil:
// it could.
func explainUnchecked(err error) string {
	if err == nil {
		return ""
	}
	why := "it did not say"
	var api *cronofy.Error
	var bad *cronofy.BadAnswerError
	switch {
	case errors.As(err, &bad):
		why = "its answer cannot be used (" + bad.Reason + ")"
	case errors.As(err, &api) && api.Code != "":
		why = "it answered with the error " + api.Code
	case errors.As(err, &api):
		why = fmt.Sprintf("it answered with status %d", api.Status)
	}
	return "Cronofy could not tell yet whether the client secret is right: " + why + ". The next check will."
}

func fieldText(fields map[string][]cronofy.FieldError) string {
	var out []string
	for name, errs := range fields {
		for _, e := range errs {
			out = append(out, name+" "+e.Description)
		}
	}
	if len(out) == 0 {
		return ""
	}
	sort.Strings(out)
	return " (" + strings.Join(out, ", ") + ")"
}

// explainBrowser says why no browser opened. That stops nothing.
func explainBrowser(err error) string {
	if errors.Is(err, ErrNoBrowser) {
		return "No browser was opened, as you asked. Open the link yourself, or send it."
	}
	return "No browser could be opened here. Open the link yourself, or send it."
}

// explainStray says what came back that was not the answer; the wait goes on.
func explainStray(err error) string {
	var fresh *newLinkError
	var lost *LostError
	switch {
	case errors.As(err, &lost):
		p := explainLost(lost, StepAuthorize)
		return p.Summary + " " + p.Hint
	case errors.As(err, &fresh):
		return "No new link could be made. " + sentence(fresh.err, StepAuthorize).Summary + " The link before it still counts."
	case errors.Is(err, callback.ErrStateEarlierRun):
		return "That came from an earlier run of confer. Open the link that confer made last."
	case errors.Is(err, callback.ErrStateUsed):
		return "That answer was used before: a new link is needed."
	case errors.Is(err, callback.ErrStateOtherAnswers):
		return "That answer belongs to other settings than these. Open the link that confer made last."
	case errors.Is(err, callback.ErrStateUnknown):
		return "That answer is not from this link: its state is missing or unknown. Open the link that confer made last."
	case errors.Is(err, callback.ErrHost):
		return "An answer came with another host name than the redirect URI's, so it was not taken. The proxy must pass Host on unchanged (nginx: proxy_set_header Host $http_host). Then load the page again in that browser."
	case errors.Is(err, callback.ErrMalformed):
		return "A browser came back with the right state, but without one clear answer: neither a code nor an error, or several. It was not taken."
	case errors.Is(err, callback.ErrStateMissing):
		return "A browser came back with an answer without its state, so nobody can tell whose it is. What stands between Cronofy and confer must pass the whole address on."
	case errors.Is(err, callback.ErrPasteBareCode):
		return "That is only the code. Paste the whole address from the browser's address bar: it holds the state too."
	case errors.Is(err, callback.ErrPasteNoState):
		return "That address has no state, so nobody can tell whose it is. Paste the whole address that the browser ended on."
	case errors.Is(err, callback.ErrPasteLink):
		return "That is the link to open, not the address that the browser ends on. Open it, approve, then paste the final address."
	case errors.Is(err, callback.ErrPasteTooLong):
		return "That is too long to be the address (over 16 KiB). Copy the address bar alone."
	case errors.Is(err, callback.ErrPasteTwice):
		return "That holds two answers. Paste one address alone."
	case errors.Is(err, callback.ErrPasteNoAnswer):
		return "There is no answer in that text. Paste the address that the browser ended on: it has code= and state= in it."
	}
	return "That was not the answer that confer waits for."
}
