package flow

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net"
	"strings"
	"time"

	"confer/cronofy"
	"confer/flow/callback"
	"confer/keystore"
)

// Problem is an error as the operator reads it.
type Problem struct {
	Summary  string   // what is the case: one sentence
	Hint     string   // what to do next: one or two sentences
	Code     string   // the "code" of a failed event
	Exit     int      // the exit code of a run that ends with it
	Step     Step     // the page where it can be put right
	Approved bool     // the administrator had approved before
	Offers   []string // other redirect URIs, when a port was busy
	Err      error    // as it was, for a details line; holds no secret
}

// Exit codes of the program; part of the contract for scripts.
const (
	ExitDone      = 0
	ExitFailed    = 1
	ExitUsage     = 2
	ExitTimeout   = 3
	ExitRefused   = 4
	ExitCancelled = 130
)

// Codes that are not OAuth's own; part of the contract for scripts.
const (
	CodeUnauthorized    = "unauthorized"
	CodePaymentRequired = "payment_required"
	CodeForbidden       = "forbidden"
	CodeNotFound        = "not_found"
	CodeUnprocessable   = "unprocessable"
	CodeLocked          = "locked"
	CodeRateLimited     = "rate_limited"
	CodeServerError     = "server_error"
	CodeBadAnswer       = "bad_answer"
	CodeNetwork         = "network"
	CodeTimeout         = "timeout"
	CodeCancelled       = "cancelled"
	CodeSecretStore     = "secret_store"
	CodePort            = "port"
	CodeUsage           = "usage"
)

// ErrTimeout says that the administrator did not finish in time.
var ErrTimeout = errors.New("the administrator did not finish in time")

// ErrNoBrowser says that the operator wants no browser opened.
var ErrNoBrowser = errors.New("no browser is wanted")

func usage(summary, hint string) *Problem {
	return &Problem{Summary: summary, Hint: hint, Code: CodeUsage, Exit: ExitUsage}
}

// Explain makes the sentence for an error that happened at a step. It is the
// only place where errors become sentences.
func Explain(err error, at Step) (p Problem) {
	defer func() { p.Err = err }()
	var (
		own     interface{ problem(at Step) Problem } // an error of this package
		port    *callback.PortError
		api     *cronofy.Error
		bad     *cronofy.BadAnswerError
		network *cronofy.NetworkError
		store   *keystore.Error
	)
	switch {
	case errors.As(err, &own):
		return own.problem(at)
	case errors.As(err, &port):
		return explainPort(port)
	case errors.As(err, &store):
		return explainStore(store, storePage(at))
	case errors.As(err, &api):
		return explainAPI(api, at)
	case errors.As(err, &bad):
		return Problem{Summary: "Cronofy's answer is not what its API documents: " + bad.Reason + ".",
			Hint: "Check the data center, and whether a proxy or a login page stands in between. Then try again.",
			Code: CodeBadAnswer, Exit: ExitFailed, Step: at}
	case errors.As(err, &network):
		summary, hint := network.Words()
		return Problem{Summary: summary, Hint: hint, Code: CodeNetwork, Exit: ExitFailed, Step: at}
	case rejected(err) != "": // it was pasted where nothing waited
		return Problem{Summary: rejected(err), Code: CodeUsage, Exit: ExitUsage, Step: at}
	case errors.Is(err, ErrTimeout):
		return Problem{Summary: "The administrator did not finish in time.",
			Hint: anotherLink + " --timeout sets how long confer waits.",
			Code: CodeTimeout, Exit: ExitTimeout, Step: StepAuthorize}
	case errors.Is(err, ErrNoSecret):
		return Problem{Summary: "No client secret is stored for this client id.", Hint: "Enter the client secret. You find it at your application in Cronofy's developer dashboard.",
			Code: CodeUsage, Exit: ExitUsage, Step: StepApplication}
	case errors.Is(err, context.Canceled):
		return Problem{Summary: "Cancelled.", Hint: "Start confer again to go on.", Code: CodeCancelled, Exit: ExitCancelled, Step: at}
	case errors.Is(err, context.DeadlineExceeded):
		return Problem{Summary: "Cronofy did not answer in time.", Hint: "Try again. If it goes on, check the network and status.cronofy.com.",
			Code: CodeNetwork, Exit: ExitFailed, Step: at}
	}
	return Problem{Summary: "Something unexpected went wrong.", Hint: "Try again. With --debug FILE confer writes down what happened; the file holds no secrets.",
		Code: CodeBadAnswer, Exit: ExitFailed, Step: at}
}

func explainPort(e *callback.PortError) Problem {
	const registered = " In production the redirect URI with that port must be registered at Cronofy."
	p := Problem{Code: CodePort, Exit: ExitFailed, Step: StepAuthorize, Offers: otherRedirectURIs(e.Port),
		Summary: fmt.Sprintf("confer cannot listen on %s.", e.Addr), Hint: otherURI}
	switch e.Class {
	case callback.PortInUse:
		p.Summary = fmt.Sprintf("Port %d is in use by %s.", e.Port, cmp.Or(e.Holder, "another program"))
		p.Hint = "End that program and try again, or " + otherPort + registered
	case callback.PortDenied:
		p.Summary = fmt.Sprintf("This machine does not let confer listen on port %d.", e.Port)
		p.Hint = otherPortOnly + registered
	}
	return p
}

const (
	askSupport   = "Ask Cronofy's support to enable enterprise conferencing for this application, naming the client id."
	checkAccount = "Check the id, that it was authorized for this application, and the data center."
)

// statusWords are for answers without an OAuth code, by their status; 500 is for all that
// is Cronofy's own fault, 0 for any other. Without a Step it is put right where it happened,
// without an Exit it is a refusal.
var statusWords = map[int]Problem{
	401: {Code: CodeUnauthorized, Step: StepApplication, Summary: "Cronofy does not accept this client secret.",
		Hint: "Check the secret, and that the data center is the one the application was made in."},
	402: {Code: CodePaymentRequired, Summary: "The plan of this Cronofy application does not include enterprise conferencing.", Hint: askSupport},
	403: {Code: CodeForbidden, Summary: "This Cronofy application may not use enterprise conferencing.", Hint: askSupport},
	404: {Code: CodeNotFound, Step: StepServiceAccount, Summary: "Cronofy does not know this service account.", Hint: checkAccount},
	422: {Code: CodeUnprocessable, Step: StepServiceAccount, Summary: "Cronofy does not accept this service account.", Hint: checkAccount},
	423: {Code: CodeLocked, Summary: "Cronofy says that the account is locked.", Hint: "Wait a while before you try again, or ask Cronofy's support."},
	429: {Code: CodeRateLimited, Exit: ExitFailed, Summary: "Cronofy's rate limit is used up.", Hint: "Wait a minute, then try again."},
	500: {Code: CodeServerError, Exit: ExitFailed, Summary: "Cronofy had an internal error.",
		Hint: "Try again in a moment. status.cronofy.com shows whether there is an outage."},
	0: {Code: CodeBadAnswer, Exit: ExitFailed, Summary: "Cronofy's answer is not one that its API documents.",
		Hint: "Check the data center, and whether a proxy stands in between. Then try again."},
}

// oauthWords are for the codes of RFC 6749 sections 4.1.2.1 and 5.2 that ask for an
// act of their own. Other codes are shown as they are.
var oauthWords = map[string]Problem{
	"access_denied": {Summary: "The administrator, or the provider, refused the authorization.",
		Hint: "Ask the administrator why. It takes an administrator of the calendars and one of the provider, and Cronofy's app must be allowed there first. Then try again."},
	"invalid_client": {Step: StepApplication, Summary: "Cronofy does not accept this client id and secret.",
		Hint: "Check both, and that the data center is the one the application was made in."},
	"invalid_grant": {Summary: "Cronofy did not accept the authorization code: it was used before, is too old, or the redirect URI is not the one it was made for.",
		Hint: "Try again: that makes a new approval link."},
	"invalid_scope":           notEnabled,
	"unauthorized_client":     notEnabled,
	"server_error":            statusWords[500],
	"temporarily_unavailable": statusWords[500],
}

var notEnabled = Problem{Summary: "Cronofy does not give this application the scope that was asked for.",
	Hint: "Check the scope, or ask Cronofy's support to enable Enterprise Connect and enterprise conferencing for it, naming the client id."}

func explainAPI(e *cronofy.Error, at Step) Problem {
	p, known := statusWords[min(e.Status, 500)]
	if e.Code != "" {
		p, known = oauthWords[e.Code]
	}
	switch {
	case e.Code != "" && !known:
		p = Problem{Summary: "Cronofy answered with the error " + e.Code + ".", Hint: "Check the redirect URI. " + anotherLink}
	case !known:
		p = statusWords[0]
	case e.Status == 422:
		var complaints []string
		for _, name := range e.FieldNames() {
			for _, complaint := range e.Fields[name] {
				complaints = append(complaints, name+" "+complaint)
			}
		}
		if len(complaints) > 0 {
			p.Summary = strings.TrimSuffix(p.Summary, ".") + " (" + strings.Join(complaints, ", ") + ")."
		}
	case e.Status == 429 && e.RetryAfter > 0:
		p.Hint = "Wait " + pause(e.RetryAfter) + ", then try again."
	}
	if e.Code != "" && e.Description != "" {
		p.Summary = strings.TrimSuffix(p.Summary, ".") + ": " + e.Description + "."
	}
	p.Code, p.Exit, p.Step = cmp.Or(e.Code, p.Code), cmp.Or(p.Exit, ExitRefused), cmp.Or(p.Step, at)
	return p
}

func (e *BrowserError) problem(at Step) Problem {
	p := Problem{Code: CodeNetwork, Exit: ExitFailed, Step: at, Summary: "The built-in browser came to an end without an answer.",
		Hint: "It goes to the redirect URI. With --listen something must deliver from there to that address; without --listen confer listens at the redirect URI itself."}
	var dial *net.OpError
	switch {
	case e.Away != "":
		p.Summary = "The built-in browser does not leave this machine, and was sent to " + cronofy.CleanText(e.Away, 80) + "."
		p.Hint = "Take a redirect URI on this machine, or a real browser."
	case errors.As(e.Err, &dial) && dial.Addr != nil:
		p.Summary = "The built-in browser found nobody at " + dial.Addr.String() + "."
	case e.Err != nil:
		p.Summary = "The built-in browser could not go on: " + cronofy.CleanText(strings.TrimPrefix(e.Err.Error(), "browse approval: "), 160) + "."
	}
	return p
}

// BrowserError is the end of a built-in browser that brought no answer back.
type BrowserError struct {
	Approved bool   // it had approved before
	Away     string // the host on another machine that it was sent to; empty: none
	Err      error  // what it met; nil: nothing, and still no answer came. Holds no secret
}

func (e *BrowserError) Error() string {
	if e.Err == nil {
		return "the built-in browser brought no answer"
	}
	return "the built-in browser brought no answer: " + e.Err.Error()
}

// Unwrap gives the cause.
func (e *BrowserError) Unwrap() error { return e.Err }

// Sentences that hold for a wizard only, or that a script's end takes up.
const (
	otherPort     = "take another port."
	otherPortOnly = "Take another port."
	otherURI      = "Take another redirect URI, or paste the final address instead."
	anotherLink   = "Try again: that makes a new approval link, and every answer is kept."
	approvedWords = "The administrator approved; Cronofy has most likely made the link. Only confer's own token is missing: "
)

// ForScript is the problem for a run that kept no answers and has no page to go on to.
func (p Problem) ForScript() Problem {
	p.Hint = strings.NewReplacer(
		anotherLink, "Run it again: that makes a new approval link.",
		orMemory, "or give --secret-store session (the secrets are in memory for this run; --tokens-out FILE keeps the tokens) or --secret-store file (they are in a file, encrypted with a passphrase).",
		enterIt, "Give it with --secret-passphrase-fd, for example --secret-passphrase-fd 3 3<FILE.",
		enterAgain, "Give the right one with --secret-passphrase-fd.",
		otherPort, "give another redirect URI with --redirect-uri.",
		otherPortOnly, "Give another redirect URI with --redirect-uri.",
		otherURI, "Give another redirect URI with --redirect-uri.",
	).Replace(p.Hint)
	again := ", or go on with confer profiles."
	if p.Code == CodeSecretStore {
		again = " when the store works, or with --secret-store session; or go on with confer profiles."
	}
	if p.Approved {
		p.Hint = approvedWords + "run setup again for a new approval link" + again
	}
	return p
}

// ForStored is the problem for a command that asks for nothing but the passphrase.
func (p Problem) ForStored() Problem {
	p.Hint = strings.NewReplacer(
		againOrMemory, "Try again; confer doctor tells more.",
		", "+orMemory, ".",
		enterIt, "Give it with --secret-passphrase-fd, for example --secret-passphrase-fd 3 3<FILE, or run this in a terminal.",
		enterAgain, "Run this again with the right one.",
	).Replace(p.Hint)
	return p
}

// Details are an error's own words, cleaned; they hold no secret.
func (p Problem) Details() string {
	if p.Err == nil {
		return ""
	}
	text := p.Err.Error()
	if store, ok := errors.AsType[*keystore.Error](p.Err); ok {
		text += because(store.Detail)
	}
	return cronofy.CleanText(text, 400)
}

func pause(d time.Duration) string {
	switch d = d.Round(time.Second); {
	case d == time.Second:
		return "a second"
	case d < 2*time.Minute:
		return fmt.Sprintf("%d seconds", int(d.Seconds()))
	}
	return fmt.Sprintf("%d minutes", int((d + time.Minute - 1).Minutes()))
}
