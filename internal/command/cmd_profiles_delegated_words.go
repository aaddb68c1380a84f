package command

import (
	"cmp"
	"errors"
	"fmt"
	"strings"

	"confer/cronofy"
	"confer/flow"
	"confer/internal/delegated"
	"confer/internal/links"
)

// codeNoAnswer is of a calendar for which nothing came to the callback URL that
// could be taken.
const codeNoAnswer = "no_answer"

// explainCalendar is for one calendar whose access was asked for; an empty code:
// the error is not about that.
func explainCalendar(err error) (code, message string) {
	var (
		denied   *delegated.DeniedError
		request  *delegated.RequestError
		none     *delegated.NoAnswerError
		exchange *delegated.ExchangeError
	)
	switch {
	case errors.As(err, &denied):
		return deniedWords(denied)
	case errors.As(err, &none):
		return codeNoAnswer, noAnswerWords[none.Refused]
	case errors.Is(err, delegated.ErrClosed):
		return flow.CodeCancelled, "This calendar was not asked for."
	case errors.As(err, &request):
		return requestWords(request)
	case errors.As(err, &exchange):
		return exchangeWords(exchange)
	case cronofy.StatusOf(err) == 401: // of the token endpoint, which asks for client id and secret
		return cmp.Or(cronofy.CodeOf(err), flow.CodeUnauthorized), "Cronofy does not accept this client id and secret."
	}
	return "", ""
}

func deniedWords(e *delegated.DeniedError) (code, message string) {
	message = "Cronofy got no access to this calendar"
	if e.Description != "" {
		message += ": " + strings.TrimSuffix(e.Description, ".")
	}
	return cmp.Or(e.Code, "access_denied"), message + "."
}

var noAnswerWords = map[delegated.Refusal]string{
	delegated.NotRefused: "No answer came to the callback URL in time: what is sent there must arrive at confer.",
	delegated.Unsigned:   "An answer came without a signature, so it was refused.",
	delegated.Forged:     "An answer came with a signature that is not this client secret's, so it was refused.",
	delegated.Malformed:  "What came to the callback URL is not what Cronofy sends.",
}

// requestProblem says what Cronofy has against a request for access; nil:
// nothing that is special to it.
func requestProblem(err error) *flow.Problem {
	p := &flow.Problem{Exit: flow.ExitRefused}
	switch cronofy.StatusOf(err) {
	case 401:
		p.Code, p.Summary = flow.CodeUnauthorized, "Cronofy does not accept the token of this service account."
		p.Hint = "Authorize the service account again, or give another token with --service-account-token-file."
	case 402, 403:
		p.Code = flow.CodeForbidden
		if cronofy.StatusOf(err) == 402 {
			p.Code = flow.CodePaymentRequired
		}
		p.Summary = "This service account may not give access to accounts."
		p.Hint = "It needs the scope service_account/accounts/manage (for the rooms, service_account/resources/manage too), and the application a plan with Enterprise Connect."
	case 404:
		p.Code, p.Summary = flow.CodeNotFound, "Cronofy does not know this way to get access to accounts."
		p.Hint = "Ask Cronofy's support to enable Enterprise Connect for this application, naming the client id."
	case 422:
		var api *cronofy.Error
		errors.As(err, &api)
		p.Code, p.Summary = flow.CodeUnprocessable, "Cronofy does not accept the request: "+strings.Join(api.FieldNames(), ", ")+"."
		p.Hint = "Check --scope (within what the service account may delegate) and --callback-url."
	default:
		return nil
	}
	return p
}

func requestWords(err *delegated.RequestError) (code, message string) {
	if !err.Every && cronofy.StatusOf(err) == 422 {
		return flow.CodeUnprocessable, "Cronofy does not accept this e-mail address."
	}
	p := requestProblem(err)
	if p == nil {
		own := flow.Explain(err.Err, flow.StepProfiles)
		p = &own
	}
	if cronofy.AnswerLost(err) {
		p.Summary += " Whether access was asked for is not known."
	}
	return p.Code, p.Summary
}

func exchangeWords(err *delegated.ExchangeError) (code, message string) {
	switch {
	case cronofy.StatusOf(err) == 401:
		return explainCalendar(err.Err)
	case cronofy.CodeOf(err) == "invalid_grant":
		return "invalid_grant", "Cronofy did not accept the code that it had sent: it was used before, or is too old."
	}
	p := flow.Explain(err.Err, flow.StepProfiles)
	if s := cronofy.StatusOf(err); cronofy.CodeOf(err) == "" && s > 401 && s < 423 { // the sentences are a link token's
		p.Summary = fmt.Sprintf("Cronofy gave no token for this calendar (status %d).", s)
	}
	if cronofy.AnswerLost(err) {
		p.Summary += " Whether the code was used up is not known."
	}
	return p.Code, p.Summary
}

// serviceTokenProblem is for a stored token of a service account that could not
// be used.
func serviceTokenProblem(err error) flow.Problem {
	var lost *links.NotStoredError
	p := flow.Explain(err, flow.StepServiceAccount)
	switch {
	case errors.As(err, &lost):
		p.Summary, p.Code, p.Exit = "Cronofy replaced the token of this service account, and the new one could not be stored.", flow.CodeSecretStore, flow.ExitFailed
	case errors.Is(err, links.ErrBusy):
		p.Summary, p.Code, p.Exit = "Another confer works with the token of this service account.", flow.CodeSecretStore, flow.ExitFailed
	case cronofy.CodeOf(err) == "invalid_grant":
		p.Summary = "Cronofy does not accept the token of this service account any more: it was revoked or replaced."
		p.Hint = "Authorize it again in confer's wizard (Service account: authorize one now), or give its token with --service-account-token-file."
	}
	return p
}
