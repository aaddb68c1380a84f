package flow

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
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
	)
	if p := explainDelegation(err); p != nil {
		p.Step = at
		return *p
	}
	switch {
	case errors.As(err, &refused):
		return explainOAuth(refused.Code, refused.Description, at)
	case errors.As(err, &port):
		return explainPort(port)
	case errors.Is(err, ErrTimeout):
		return Problem{Summary: "The administrator did not finish in time.",
			Hint: anotherLink + " --timeout sets how long confer waits.",
			Code: CodeTimeout, Exit: ExitTimeout, Step: StepAuthorize}
	case errors.Is(err, ErrNoSecret):
		return Problem{Summary: "No client secret is stored for this client id.", Hint: "Enter the client secret. You find it at your application in Cronofy's developer dashboard.",
			Code: CodeUsage, Exit: ExitUsage, Step: StepApplication}
	case errors.As(err, &ledger):
		return explainLedger(ledger)
	case isStoreError(err):
		return explainStore(err, at)
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
	p := Problem{Code: CodeNetwork, Exit: ExitFailed, Step: at, Hint: "Check the network, then try again."}
	via := ""
	if e.Proxy != "" {
		via = " through the proxy " + e.Proxy
	}
	switch e.Kind {
	case cronofy.NetworkDNS:
		p.Summary = fmt.Sprintf("The name %s could not be found.", e.Host)
		p.Hint = "Check the network and DNS, or set HTTPS_PROXY if this machine reaches the internet through a proxy."
	case cronofy.NetworkRefused:
		p.Summary = fmt.Sprintf("%s refused the connection%s.", e.Host, via)
		p.Hint = "Check the network, a firewall or the proxy, then try again."
	case cronofy.NetworkTimeout:
		p.Summary = fmt.Sprintf("%s did not answer in time%s.", e.Host, via)
	case cronofy.NetworkReset:
		p.Summary = fmt.Sprintf("The connection to %s broke off%s.", e.Host, via)
		p.Hint = "Try again. If it goes on, a firewall or proxy may be cutting it."
	case cronofy.NetworkTLS:
		p.Summary = fmt.Sprintf("The certificate of %s is not trusted.", e.Host)
		if e.Issuer != "" {
			p.Summary = fmt.Sprintf("The certificate of %s is not trusted; it was issued by %s.", e.Host, e.Issuer)
		}
		p.Hint = "If a company proxy opens TLS, give its certificate authority with --ca-file."
	case cronofy.NetworkProxy:
		p.Summary, p.Hint = proxyWords(e)
	default:
		p.Summary = fmt.Sprintf("%s could not be reached%s.", e.Host, via)
	}
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
		p.Hint = "End that program and try again, or take another port. In production the redirect URI with that port must be registered at Cronofy."
	case callback.PortDenied:
		p.Summary = fmt.Sprintf("This machine does not let confer listen on port %d.", e.Port)
		p.Hint = "Take another port. In production the redirect URI with that port must be registered at Cronofy."
	case callback.PortUnsafe:
		p.Summary = fmt.Sprintf("Browsers refuse to open port %d.", e.Port)
		p.Hint = "Take another port in the redirect URI."
	default:
		p.Summary = fmt.Sprintf("confer cannot listen on %s.", e.Addr)
		p.Hint = "Take another redirect URI, or paste the final address instead."
	}
	return p
}

func noSecret(err error) bool { return errors.Is(err, ErrNoSecret) }

func isStoreError(err error) bool {
	var store *keystore.Error
	if errors.As(err, &store) {
		return true
	}
	for _, e := range []error{keystore.ErrUnavailable, keystore.ErrLocked} {
		if errors.Is(err, e) {
			return true
		}
	}
	return false
}

func explainStore(err error, at Step) Problem {
	if at == StepServiceAccount || at == StepAuthorize {
		at = StepApplication // there the keyring is asked again, or another store chosen
	}
	p := Problem{Code: CodeSecretStore, Exit: ExitFailed, Step: at,
		Hint: "Try again, or keep secrets in memory for this run with --secret-store session."}
	var store *keystore.Error
	file := errors.As(err, &store) && store.Store == keystore.File
	switch {
	case file && errors.Is(err, keystore.ErrBusy):
		p.Summary = "The secrets file is in use by another confer."
		p.Hint = "Try again when that one has ended."
	case file && errors.Is(err, keystore.ErrTimeout):
		p.Summary = "The secrets file was not opened or written in time; deriving its key is slow on this machine."
	case file && errors.Is(err, keystore.ErrRefused):
		p.Summary = "The secrets file cannot be used" + because(store.Detail) + "."
		p.Hint = "Check the file, its folder and the room on the disk, then try again."
	case errors.Is(err, keystore.ErrLocked):
		p.Summary = "The system keyring is locked."
		p.Hint = "Unlock it and try again, or keep secrets in memory for this run with --secret-store session."
	case errors.Is(err, keystore.ErrTimeout), errors.Is(err, keystore.ErrBusy):
		p.Summary = "The system keyring did not answer in time; whether the secret was stored is unknown."
	case errors.Is(err, keystore.ErrTooBig):
		p.Summary = "The secret is too long for the store."
	case errors.Is(err, keystore.ErrPassphrase):
		p.Summary = "The passphrase does not open the secrets file."
		p.Hint = "Enter it again."
	case errors.Is(err, keystore.ErrDamaged):
		p.Summary = "The secrets file is damaged or was changed by another program."
		p.Hint = "Restore it from a backup, or move it away and enter the secrets again."
	case errors.Is(err, keystore.ErrNewer):
		p.Summary = "The secrets file was written by a newer confer."
		p.Hint = "Use that version, or move the file away and enter the secrets again."
	case errors.Is(err, keystore.ErrInsecure):
		p.Summary = "The secrets file is not yours alone, so confer does not use it."
		p.Hint = "Make the file and its folder yours alone (chmod 600 and 700), then try again."
	case errors.Is(err, keystore.ErrReadBack):
		p.Summary = "The store did not give back what was stored in it."
	case errors.Is(err, keystore.ErrNotFound):
		p.Summary = "The secret is not in the store any more."
	default:
		p.Summary = keyringWords(store)
	}
	return p
}

func because(detail string) string {
	if detail == "" {
		return ""
	}
	return ": " + cronofy.CleanText(detail, 160)
}

// keyringWords says why there is no keyring, where that is known.
func keyringWords(e *keystore.Error) string {
	if e != nil {
		switch e.State {
		case keystore.NoBus:
			return "The system keyring cannot be used: this session has no D-Bus."
		case keystore.NoService:
			return "The system keyring cannot be used: no keyring service runs in this session."
		case keystore.NoCollection:
			return "The keyring service runs, but there is no keyring in it yet."
		case keystore.Silent:
			return "The system keyring does not answer."
		case keystore.Unsupported:
			return "This build has no keyring for this system."
		case keystore.Ready, keystore.Locked:
		}
	}
	return "The system keyring cannot be used."
}

// approvedProblem puts first what matters most after an approval. The screen, the
// events and the browser's page say the same.
func approvedProblem(p Problem, at Step, a Answers, held bool) Problem {
	p.Step = at
	p.Approved = true
	if held {
		p.Hint = heldHint(at)
		return p
	}
	if at != StepAuthorize {
		return p
	}
	var api *cronofy.Error
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
