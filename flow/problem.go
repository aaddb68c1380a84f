package flow

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"time"

	"confer/cronofy"
	"confer/flow/callback"
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

// ErrNoSecret says that no client secret was typed and none is stored.
var ErrNoSecret = errors.New("no client secret")

// ErrNoBrowser says that the operator wants no browser opened.
var ErrNoBrowser = errors.New("no browser is wanted")

// RefusedError is an answer of the authorization endpoint that is not a code
// (RFC 6749 section 4.1.2.1). Its texts are cleaned.
type RefusedError struct{ Code, Description string }

func (e *RefusedError) Error() string {
	return strings.TrimSuffix("authorization refused: "+e.Code+" "+e.Description, " ")
}

// AccountsError says that the list of accounts could not be read.
type AccountsError struct{ Err error }

func (e *AccountsError) Error() string { return "read accounts: " + e.Err.Error() }

// Unwrap gives the cause.
func (e *AccountsError) Unwrap() error { return e.Err }

// Explain makes the sentence for an error that happened at a step. It is the
// only place where errors become sentences.
func Explain(err error, at Step) Problem { return explain(err, at) }

func usage(summary, hint string) *Problem {
	return &Problem{Summary: summary, Hint: hint, Code: CodeUsage, Exit: ExitUsage}
}

func explain(err error, at Step) Problem {
	p := sentence(err, at)
	p.Err = err
	return p
}

func sentence(err error, at Step) Problem {
	var (
		refused *RefusedError
		port    *callback.PortError
		api     *cronofy.Error
		bad     *cronofy.BadAnswerError
		network *cronofy.NetworkError
		list    *AccountsError
		ledger  *LedgerError
		lost    *LostError
	)
	switch {
	case errors.As(err, &refused):
		return explainOAuth(refused.Code, refused.Description, at)
	case errors.As(err, &port):
		return explainPort(port)
	case errors.As(err, &lost):
		return explainLost(lost, at)
	case errors.As(err, &ledger):
		return explainLedger(ledger)
	case isStoreError(err):
		return explainStore(err, storePage(at))
	case errors.As(err, &api):
		return explainAPI(api, at)
	case errors.As(err, &bad):
		return Problem{Summary: "Cronofy's answer is not what its API promises: " + bad.Reason + ".",
			Hint: "Check the data center, and whether a proxy or a login page stands in between. Then try again.",
			Code: CodeBadAnswer, Exit: ExitFailed, Step: at}
	case errors.As(err, &network):
		return explainNetwork(network, at)
	case errors.As(err, &list):
		return explainAccounts(list, at)
	}
	return explainEnd(err, at)
}

// explainEnd is for what ended a task and says nothing more.
func explainEnd(err error, at Step) Problem {
	switch {
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

func explainAccounts(e *AccountsError, at Step) Problem {
	p := Problem{Code: CodeUsage, Exit: ExitUsage, Step: at,
		Summary: "The accounts could not be read: " + cronofy.CleanText(e.Err.Error(), 200) + ".",
		Hint:    "Give a CSV file with a header, or JSON lines, with the columns email and access_token."}
	if errors.Is(e.Err, fs.ErrNotExist) {
		p.Summary = "There is no such file with accounts."
	}
	return p
}

func explainNetwork(e *cronofy.NetworkError, at Step) Problem {
	p := Problem{Code: CodeNetwork, Exit: ExitFailed, Step: at}
	p.Summary, p.Hint = e.Words()
	return p
}

func explainPort(e *callback.PortError) Problem {
	p := Problem{Code: CodePort, Exit: ExitFailed, Step: StepAuthorize, Offers: otherRedirectURIs(e.Port)}
	switch e.Class {
	case callback.PortInUse:
		p.Summary = fmt.Sprintf("Port %d is in use by another program.", e.Port)
		if e.Holder != "" {
			p.Summary = fmt.Sprintf("Port %d is in use by %s.", e.Port, e.Holder)
		}
		p.Hint = "End that program and try again, or " + otherPort + " In production the redirect URI with that port must be registered at Cronofy."
	case callback.PortDenied:
		p.Summary = fmt.Sprintf("This machine does not let confer listen on port %d.", e.Port)
		p.Hint = otherPortOnly + " In production the redirect URI with that port must be registered at Cronofy."
	case callback.PortUnsafe:
		p.Summary = fmt.Sprintf("Browsers refuse to open port %d.", e.Port)
		p.Hint = "Take another port in the redirect URI."
	default:
		p.Summary = fmt.Sprintf("confer cannot listen on %s.", e.Addr)
		p.Hint = otherURI
	}
	return p
}

func noSecret(err error) bool { return errors.Is(err, ErrNoSecret) }

// approvedProblem puts first what matters most after an approval. The screen, the
// events and the browser's page say the same.
func approvedProblem(p Problem, at Step, a Answers, held bool) Problem {
	p.Step = at
	p.Approved = true
	if held {
		p.Hint = heldHint(at)
		return p
	}
	var api *cronofy.Error
	if at != StepAuthorize {
		if errors.As(p.Err, &api) && (api.Code == "invalid_grant" || api.Code == "" && api.Status > 401 && api.Status < 423) {
			p.Summary = fmt.Sprintf("Cronofy did not give confer the service account's token (%s).", cmp.Or(api.Code, fmt.Sprint("status ", api.Status)))
			p.Hint = "The calendar administrator approved. Authorize once more: that makes a new code. If it goes on, check the secret and the data center."
		}
		return p
	}
	if errors.As(p.Err, &api) && api.Code == "" && api.Status > 401 && api.Status < 423 {
		p.Summary = fmt.Sprintf("Cronofy did not give confer a token of its own (status %d).", api.Status)
	}
	p.Hint = approvedWords + "try again with a new link, or go on to the profiles."
	if p.Code == "invalid_grant" && !LoopbackRedirect(a.RedirectURI) {
		p.Hint += " Before that, make sure that no server behind the redirect URI uses codes up: it must be a page that does nothing with them."
	}
	return p
}

// heldHint: nothing of what the administrator did is lost.
func heldHint(at Step) string {
	if at == StepServiceAccount {
		return "The calendar administrator approved. The account's token is here, in memory, and is yet to be stored: try that again, or choose another place."
	}
	return approvedWords + "it is here, in memory, and is yet to be stored. Try that again, choose another place, or go on to the profiles."
}

// pause is a wait in words.
func pause(d time.Duration) string {
	switch d = d.Round(time.Second); {
	case d == time.Second:
		return "a second"
	case d < 2*time.Minute:
		return fmt.Sprintf("%d seconds", int(d.Seconds()))
	}
	return fmt.Sprintf("%d minutes", int((d + time.Minute - 1).Minutes()))
}
