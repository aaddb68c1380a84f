package flow

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"strings"

	"confer/cronofy"
	"confer/flow/callback"
	"confer/internal/delegated"
	"confer/internal/manage"
	"confer/internal/profiles"
)

func noServiceToken() *Problem {
	return usage("confer has no token of this service account.",
		"Go back to the service account and authorize it now, or choose another way.")
}

func callbackProblem(err error) *Problem {
	_, reason, _ := strings.Cut(err.Error(), ": ")
	if strings.HasPrefix(reason, "not ") {
		reason = "is " + reason
	}
	return usage("The callback URL cannot be used: it "+reason+".",
		"Give the public address of your tunnel or proxy, like https://hooks.example.com/cronofy.")
}

// explainDelegation is for what goes wrong with delegated access as a whole;
// nil: it is not about that.
func explainDelegation(err error) *Problem {
	var (
		emails  *delegated.ListError
		listen  *delegated.ListenError
		request *delegated.RequestError
	)
	switch {
	case errors.Is(err, ErrListChanged):
		return usage("The list of calendars has changed since you looked at it. Nothing was authorized.", "Look at the number again, then confirm.")
	case errors.As(err, &emails):
		return explainEmails(emails)
	case errors.As(err, &listen):
		return explainListen(listen)
	case errors.Is(err, delegated.ErrCallbackURL):
		return callbackProblem(err)
	case errors.Is(err, delegated.ErrClosed):
		return usage("The tokens of these calendars are not there any more.", "Begin again; the calendars are then authorized anew.")
	case errors.Is(err, delegated.ErrNoRooms):
		return usage("This service account sees no rooms.", "Give a list of e-mail addresses.")
	case errors.Is(err, delegated.ErrNotServiceAccount):
		return usage("The token is of an account, not of a service account.", "Go back to the service account and authorize it again.")
	case errors.Is(err, delegated.ErrNoServiceToken):
		return explainServiceToken(err)
	case errors.As(err, &request):
		return explainRequest(err)
	}
	return nil
}

func explainEmails(e *delegated.ListError) *Problem {
	p := usage("The e-mail addresses could not be read: "+cronofy.CleanText(e.Err.Error(), 200)+".",
		"Give a file with one e-mail address a line, or CSV with a column email.")
	if errors.Is(e.Err, fs.ErrNotExist) {
		p.Summary = "There is no such file with e-mail addresses."
	}
	return p
}

func explainListen(e *delegated.ListenError) *Problem {
	p := &Problem{Code: CodePort, Exit: ExitFailed, Hint: "Name a free host:port of this machine, and let your tunnel or proxy deliver there."}
	addr := cronofy.CleanText(e.Addr, 80)
	switch callback.ClassOf(e.Err) {
	case callback.PortInUse:
		p.Summary = "The address " + addr + " is in use by another program."
		p.Hint = "End that program, or name a free host:port, and let your tunnel or proxy deliver there."
	case callback.PortDenied:
		p.Summary = "This machine does not let confer listen on " + addr + "."
	case callback.PortUnavailable, callback.PortUnsafe:
		p.Summary = "confer cannot listen on " + addr + ": it is no address of this machine."
	default:
		p.Summary = "confer cannot listen on " + addr + "."
	}
	return p
}

func explainServiceToken(err error) *Problem {
	const again = "Go back to the service account and authorize it again."
	var lost *manage.NotKeptError
	switch {
	case errors.Is(err, manage.ErrMissing), errors.Is(err, manage.ErrGone), errors.Is(err, manage.ErrNoToken):
		return noServiceToken()
	case errors.As(err, &lost):
		return &Problem{Summary: "Cronofy replaced the token of this service account, and the new one could not be stored.", Hint: again, Code: CodeSecretStore, Exit: ExitFailed}
	case errors.Is(err, manage.ErrBusy):
		return &Problem{Summary: "Another confer works with the token of this service account.", Hint: "Try again when that one has ended.", Code: CodeSecretStore, Exit: ExitFailed}
	case cronofy.CodeOf(err) == "invalid_grant":
		return &Problem{Summary: "Cronofy does not accept the token of this service account any more: it was revoked or replaced.", Hint: again, Code: "invalid_grant", Exit: ExitRefused}
	}
	return nil
}

// explainRequest says what Cronofy has against the request; nil: nothing special.
func explainRequest(err error) *Problem {
	p := &Problem{Exit: ExitRefused}
	switch cronofy.StatusOf(err) {
	case 401:
		p.Code, p.Summary = CodeUnauthorized, "Cronofy does not accept the token of this service account."
		p.Hint = "Go back to the service account and authorize it again."
	case 402, 403:
		p.Code = CodeForbidden
		if cronofy.StatusOf(err) == 402 {
			p.Code = CodePaymentRequired
		}
		p.Summary = "This service account may not give access to accounts."
		p.Hint = "It needs the scope service_account/accounts/manage (for the rooms, service_account/resources/manage too), and the application a plan with Enterprise Connect."
	case 404:
		p.Code, p.Summary = CodeNotFound, "Cronofy does not know this way to get access to accounts."
		p.Hint = "Ask Cronofy's support to enable Enterprise Connect for this application, naming the client id."
	case 422:
		var api *cronofy.Error
		errors.As(err, &api)
		p.Code, p.Summary = CodeUnprocessable, "Cronofy does not accept the request"+fieldText(api.Fields)+"."
		p.Hint = "Check the callback URL, and the scope that the service account may delegate."
	default:
		return nil
	}
	return p
}

// CodeNoAnswer is of a calendar for which nothing came to the callback URL that
// could be taken.
const CodeNoAnswer = "no_answer"

// explainCalendar is for one calendar's row, and for a token that could not be
// renewed; an empty code: it is not about that.
func explainCalendar(err error) (code, message string) {
	var renew *profiles.RenewError
	if !errors.As(err, &renew) {
		return "", ""
	}
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
		return CodeNoAnswer, noAnswerWords(none.Refused)
	case errors.Is(err, delegated.ErrClosed):
		return CodeCancelled, "This calendar was not asked for."
	case errors.As(err, &request):
		return requestWords(request)
	case errors.As(err, &exchange):
		return exchangeWords(exchange)
	case cronofy.StatusOf(err) == 401:
		return clientRefused(err)
	}
	return "", ""
}

// clientRefused is for a 401 of the token endpoint, which asks for client id and
// secret, not for an access token.
func clientRefused(err error) (code, message string) {
	return cmp.Or(cronofy.CodeOf(err), CodeUnauthorized), "Cronofy does not accept this client id and secret."
}

func noAnswerWords(why delegated.Refusal) string {
	switch why {
	case delegated.Unsigned:
		return "An answer came without a signature, so it was refused."
	case delegated.Forged:
		return "An answer came with a signature that is not this client secret's, so it was refused."
	case delegated.Malformed:
		return "What came to the callback URL is not what Cronofy sends."
	case delegated.NotRefused:
	}
	return "No answer came to the callback URL in time: what is sent there must arrive at confer."
}

func requestWords(err *delegated.RequestError) (code, message string) {
	if !err.Every && cronofy.StatusOf(err) == 422 {
		return CodeUnprocessable, "Cronofy does not accept this e-mail address."
	}
	p := explainRequest(err)
	if p == nil {
		own := sentence(err.Err, StepProfiles)
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
		return clientRefused(err)
	case cronofy.CodeOf(err) == "invalid_grant":
		return "invalid_grant", "Cronofy did not accept the code that it had sent: it was used before, or is too old."
	}
	p := sentence(err.Err, StepProfiles)
	if s := cronofy.StatusOf(err); cronofy.CodeOf(err) == "" && s > 401 && s < 423 { // the sentences are a link token's
		p.Summary = fmt.Sprintf("Cronofy gave no token for this calendar (status %d).", s)
	}
	if cronofy.AnswerLost(err) {
		p.Summary += " Whether the code was used up is not known."
	}
	return p.Code, p.Summary
}

// unsigned tells whether an answer came that had no signature.
func unsigned(err error) bool {
	var refused *delegated.RefusedError
	return errors.As(err, &refused) && refused.Refusal == delegated.Unsigned
}

// explainTrouble says what keeps answers from coming, while they are waited for.
func explainTrouble(err error) string {
	var refused *delegated.RefusedError
	var lost *delegated.LostError
	switch {
	case errors.As(err, &lost):
		return sentence(lost.Err, StepProfiles).Summary + " Whether access was asked for is not known; answers are waited for."
	case !errors.As(err, &refused):
	case refused.Refusal == delegated.Unsigned:
		return "An answer without a signature was refused. If Cronofy does not sign for you, go back: you can choose to take such answers."
	case refused.Refusal == delegated.Forged:
		return "An answer was refused: its signature is not this client secret's. Check the secret, and that nothing changes what is posted."
	}
	return "A post to a calendar's callback URL was refused: it is not what Cronofy sends."
}

func deniedWords(e *delegated.DeniedError) (code, message string) {
	code, message = "access_denied", "Cronofy got no access to this calendar"
	if e.Code != "" {
		code = e.Code
	}
	if e.Description != "" {
		message += ": " + strings.TrimSuffix(e.Description, ".")
	}
	return code, message + "."
}
