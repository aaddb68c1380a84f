package flow

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"unicode"

	"confer/cronofy"
	"confer/keystore"
)

// DefaultRedirectURI is fixed, port included, because Cronofy's list of
// permitted redirect URIs is exact for applications in production.
// https://docs.cronofy.com/developers/faqs/verify-application/
const DefaultRedirectURI = "http://127.0.0.1:8739/callback"

// RedirectURIs are those that confer uses unless one is given: the default, and
// those that are offered when its port is busy.
func RedirectURIs() []string {
	return []string{DefaultRedirectURI, "http://127.0.0.1:8740/callback", "http://127.0.0.1:8741/callback"}
}

// otherRedirectURIs are RedirectURIs but for the one on a port that cannot be had.
func otherRedirectURIs(port int) []string {
	return slices.DeleteFunc(RedirectURIs(), func(uri string) bool {
		u, err := url.Parse(uri)
		return err == nil && u.Port() == strconv.Itoa(port)
	})
}

// maxID is far above any id ever seen (28 characters), and well inside a
// keyring's key.
const maxID = 100

// ApplicationEntered answers step 2. An empty secret means the stored one.
type ApplicationEntered struct {
	ClientID     string
	ClientSecret cronofy.Secret
	RedirectURI  string
}

func (ApplicationEntered) page() Step { return StepApplication }

func (ev ApplicationEntered) apply(s State) (State, *Task) {
	before := s
	s.Answers.ClientSecret = ev.ClientSecret
	for _, known := range []State{s, before} {
		if p := cmp.Or(known.CheckNoSecret(ev.ClientID), known.CheckNoSecret(ev.RedirectURI)); p != nil {
			return s.refuse(p)
		}
	}
	s.Answers.ClientID, s.Answers.RedirectURI, s.Asking = ev.ClientID, ev.RedirectURI, false
	if p := cmp.Or(CheckClientID(ev.ClientID), CheckClientSecret(ev.ClientSecret), CheckRedirectURI(ev.RedirectURI)); p != nil {
		return s.refuse(p)
	}
	return s.start(CheckApplication{Answers: s.Answers, Store: s.Store})
}

// ApplicationAccepted ends CheckApplication.
type ApplicationAccepted struct {
	ClientSecret cronofy.Secret // as typed, or as found in the store
	Store        Store
	Ask          bool  // the operator must choose a store
	Unchecked    error // why the check could not tell; nil: it could, or was left out
}

func (ev ApplicationAccepted) apply(s State) (State, *Task) {
	s.Running, s.Asking = nil, ev.Ask
	s.Answers.ClientSecret, s.Store = ev.ClientSecret, ev.Store
	s.Notice = explainUnchecked(ev.Unchecked)
	if s.Store.Kind == keystore.File && s.Store.File == "" { // it is yet to be made
		s.Notice = strings.TrimSpace(s.Notice + " " + WeakPassphrase(s.Store.Passphrase.Reveal()))
	}
	s = s.accept(StepApplication)
	if !ev.Ask {
		s.Step = max(s.Step, StepApplication+1)
	}
	return s, nil
}

// RedirectURIChosen takes another redirect URI where a port was busy: on the page of
// the service account, whose authorization is then begun again, or to authorize
// with it.
type RedirectURIChosen struct{ URI string }

func (ev RedirectURIChosen) apply(s State) (State, *Task) {
	if s.Running != nil || s.Asking || s.Answers.RedirectSet || s.Step != StepAuthorize && s.Step != StepServiceAccount {
		return s, nil
	}
	s.Problem, s.Notice = nil, ""
	s.Answers.RedirectURI = ev.URI
	if s.Step == StepServiceAccount {
		return s, nil
	}
	return AuthorizeStarted{}.apply(s)
}

// CheckClientID says what is wrong with a client id, or nil.
func CheckClientID(id string) *Problem {
	switch {
	case id == "":
		return usage("The client id is missing.", "You find it at your application in Cronofy's developer dashboard.")
	case LooksLikeSecret(id):
		return usage("That looks like the client secret, not like the client id.", "Paste the client id here, and the secret into its own field.")
	case len(id) > maxID || strings.IndexFunc(id, notIDRune) >= 0:
		return usage("That is not a client id: it holds characters that ids do not have.", "Paste the client id alone, from your application in Cronofy's developer dashboard.")
	}
	return nil
}

// CheckClientSecret says what is wrong with a client secret, or nil. An empty one
// is the stored one.
func CheckClientSecret(s cronofy.Secret) *Problem {
	if s.Empty() {
		return nil
	}
	if err := NotBare(s.Reveal(), false); err != nil {
		return usage("That is not the client secret alone: "+err.Error()+".", "Paste it again, alone.")
	}
	return nil
}

func notIDRune(r rune) bool {
	return r > unicode.MaxASCII || !(r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune("_-.~", r))
}

// LoopbackRedirect tells whether a redirect URI is plain http to this machine,
// so that confer listens there itself (RFC 8252 section 7.3).
func LoopbackRedirect(uri string) bool {
	u, err := url.Parse(uri)
	return err == nil && u.Scheme == "http" && cronofy.LoopbackHost(u.Hostname())
}

// CheckRedirectURI says what is wrong with a redirect URI, or nil.
// https://docs.cronofy.com/developers/faqs/verify-application/
func CheckRedirectURI(uri string) *Problem {
	const hint = "Give it exactly as it is registered at Cronofy, like " + DefaultRedirectURI + "."
	u, err := url.Parse(uri)
	switch {
	case uri == "":
		return usage("The redirect URI is missing.", hint)
	case err != nil || strings.IndexFunc(uri, func(r rune) bool { return r <= ' ' || r > '~' }) >= 0:
		return usage("The redirect URI is not an address.", hint)
	case u.Scheme != "http" && u.Scheme != "https", u.Hostname() == "", u.User != nil, strings.Contains(uri, "#"):
		return usage("The redirect URI must begin with http:// or https:// and name a host, with no user name and no part after #.", hint)
	case u.Port() != "" && !validPort(u.Port()):
		return usage("The port in the redirect URI is not a number from 1 to 65535.", hint)
	case LoopbackRedirect(uri) && u.Port() == "":
		return usage("The redirect URI needs a port, because confer listens there itself.", hint)
	case slices.Contains(unsafePorts, strings.TrimLeft(u.Port(), "0")):
		return usage("Browsers refuse to open port "+u.Port()+".", "Take another port, like that of "+DefaultRedirectURI+".")
	}
	for _, name := range []string{"code", "state", "error"} {
		if u.Query().Has(name) {
			return usage("The redirect URI holds "+name+"= already, which Cronofy's answer adds.", "Register one without it at Cronofy.")
		}
	}
	return nil
}

// unsafePorts are those that browsers refuse to open.
// https://fetch.spec.whatwg.org/#port-blocking
var unsafePorts = strings.Fields(`1 7 9 11 13 15 17 19 20 21 22 23 25 37 42 43 53 69 77 79 87 95
	101 102 103 104 109 110 111 113 115 117 119 123 135 137 139 143 161 179
	389 427 465 512 513 514 515 526 530 531 532 540 548 554 556 563 587
	601 636 989 990 993 995 1719 1720 1723 2049 3659 4045 4190 5060 5061
	6000 6566 6665 6666 6667 6668 6669 6679 6697 10080`)

func validPort(p string) bool {
	n, err := strconv.Atoi(p)
	return err == nil && n >= 1 && n <= 65535
}

// CheckListen says what is wrong with a host:port to listen on, or nil.
func CheckListen(addr string) *Problem {
	_, port, err := net.SplitHostPort(addr)
	if err != nil || !validPort(port) {
		return usage("An address to listen on is host:port.", "For example 127.0.0.1:8080.")
	}
	return nil
}

// CheckApplication asks Cronofy whether it knows the application, and the
// machine what its keyring can do. It ends in ApplicationAccepted.
type CheckApplication struct {
	Answers Answers
	Store   Store
	Chosen  bool // the operator has chosen the store just now: it is unlocked if need be, and tried
}

func (e CheckApplication) do(ctx context.Context, r *Runner, _ <-chan Delivery, say func(Event)) Event {
	a, store, ask, err := e.Answers, e.Store, false, error(nil)
	if e.Chosen {
		err = r.unlock(ctx, store)
	} else {
		store, ask, err = r.chooseStore(ctx, store)
	}
	if err != nil {
		return Failed{Err: err}
	}
	if ask && a.ClientSecret.Empty() { // the secret may be behind the question
		return ApplicationAccepted{Store: store, Ask: true}
	}
	if a, err = r.withSecret(ctx, a, store); err != nil {
		return Failed{Err: err}
	}
	unchecked, err := r.askAboutApplication(ctx, a, say)
	if err == nil && e.Chosen { // it may be readable and not writable
		err = r.testStore(ctx, a, store)
	}
	if err != nil {
		return Failed{Err: err}
	}
	return ApplicationAccepted{ClientSecret: a.ClientSecret, Store: store, Ask: ask, Unchecked: unchecked}
}

// askAboutApplication asks Cronofy about client id and secret. Only a clear no, or no
// connection at all, stops the operator: the documented check comes with the
// link token, and this one is inferred.
func (r *Runner) askAboutApplication(ctx context.Context, a Answers, say func(Event)) (unchecked, err error) {
	ctx, cancel := context.WithTimeout(ctx, callLimit)
	defer cancel()
	err = r.client(a, say).CheckApplication(ctx)
	var api *cronofy.Error
	var bad *cronofy.BadAnswerError
	switch {
	case err == nil:
		return nil, nil
	case errors.As(err, &bad),
		errors.As(err, &api) && api.Status != 401 && api.Code != "invalid_client" && api.Status != 429 && api.Status < 500:
		return err, nil
	}
	return nil, err
}

// explainUnchecked says why the check of the application could not tell; nil:
// it could.
func explainUnchecked(err error) string {
	if err == nil {
		return ""
	}
	why := "no answer"
	if bad := new(cronofy.BadAnswerError); errors.As(err, &bad) {
		why = bad.Reason
	} else if api := new(cronofy.Error); errors.As(err, &api) {
		why = cmp.Or(api.Code, fmt.Sprint("status ", api.Status))
	}
	return "Cronofy could not tell yet whether the client secret is right (" + why + "). The next step checks it again."
}

// ErrNoSecret says that no client secret was typed and none is stored.
var ErrNoSecret = errors.New("no client secret")
