package command

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strings"

	"confer/cronofy"
	"confer/flow"
	"confer/internal/delegated"
	"confer/internal/profiles"
)

// delegatedSource gets access to the accounts of a list of addresses.
func (r *profilesRun) delegatedSource() (source, error) {
	token, err := r.serviceToken()
	if err != nil {
		return source{}, err
	}
	emails, rooms, err := r.addresses(token)
	if err != nil {
		return source{}, err
	}
	if len(emails) == 0 { // all of them are in the file of --out
		return source{accounts: profiles.Accounts(nil)}, nil
	}
	if err := delegated.CheckApplication(r.ctx, r.client); err != nil {
		return source{}, err
	}
	guessed, err := r.chooseScope(token)
	if err != nil {
		return source{}, err
	}
	desk, err := r.openDesk(token, emails)
	if err != nil {
		return source{}, err
	}
	if err := r.confirm(authorizing{calendars: len(emails), rooms: rooms, scopeGuessed: guessed}); err != nil {
		return source{}, err
	}
	fmt.Fprintf(r.s.err, "confer: listening on %s; each answer is waited for up to %s\n", desk.Addr(), r.f.timeout)
	r.watchAnswers(desk, len(emails))
	return source{accounts: addressed(emails), renew: r.deskRenewal(desk), once: true}, nil
}

func (r *profilesRun) openDesk(token *delegated.ServiceToken, emails []string) (*delegated.Desk, error) {
	desk, err := delegated.Open(r.ctx, delegated.Config{
		Client: r.client, ServiceToken: token, ClientSecret: r.app.ClientSecret, AcceptUnsigned: r.f.takeUnsigned,
		CallbackURL: r.f.callbackURL, Listen: r.f.listen, Scope: r.f.scope, Timeout: r.f.timeout, Keep: r.keeper(), Trouble: r.tellTrouble,
	}, emails)
	if err != nil {
		return nil, listenError(err)
	}
	r.later(func() { desk.Close(); r.tellRefused(desk.Refused()) })
	return desk, nil
}

func listenError(err error) error {
	var listen *delegated.ListenError
	if errors.As(err, &listen) {
		return &usageError{summary: "--listen: " + listenReason(listen.Err), hint: "name a free host:port of this machine"}
	}
	return err
}

// listenReason leaves out the address, which the flag has.
func listenReason(err error) string {
	var op *net.OpError
	var call *os.SyscallError
	if errors.As(err, &op) && op.Err != nil {
		err = op.Err
	}
	if errors.As(err, &call) {
		err = call.Err
	}
	return cronofy.CleanText(err.Error(), 160)
}

// addressed are accounts without tokens, whose Row is their place in the list.
func addressed(emails []string) accountList {
	return func(yield func(profiles.Account, error) bool) {
		for i, e := range emails {
			if !yield(profiles.Account{Email: e, Row: i + 1}, nil) {
				return
			}
		}
	}
}

func (r *profilesRun) deskRenewal(desk *delegated.Desk) func(context.Context, profiles.Account, cronofy.Secret) (cronofy.Secret, error) {
	return func(ctx context.Context, a profiles.Account, refused cronofy.Secret) (cronofy.Secret, error) {
		if !refused.Empty() {
			return cronofy.Secret{}, nil // it is new: a refusal stands
		}
		t, err := desk.Access(ctx, a.Row-1)
		if fatal := desk.Fatal(); fatal != nil {
			r.stop(fatal)
		}
		if errors.Is(err, profiles.ErrTokensLost) {
			r.stop(&profiles.RenewError{Err: err})
		}
		return t.AccessToken, err
	}
}

// keeper writes tokens down only where the operator named a file for them.
func (r *profilesRun) keeper() func(string, cronofy.Token) error {
	if r.tokens == nil {
		return nil
	}
	return func(email string, t cronofy.Token) error {
		return r.tokens.Append(profiles.Account{Email: email, Sub: t.Sub, AccessToken: t.AccessToken, RefreshToken: t.RefreshToken}, cronofy.Secret{})
	}
}

// addresses gives whom access is to be got to, and how many of them are rooms
// that only --resources named.
func (r *profilesRun) addresses(token *delegated.ServiceToken) (emails []string, rooms int, err error) {
	w := delegated.Wanted{Rooms: r.f.resources}
	if r.f.emails != "" {
		w.Open = func() (io.ReadCloser, error) { return openInput(r.ctx, r.f.emails, r.s.in) }
	}
	emails, people, err := delegated.Addresses(r.ctx, r.client, token, w)
	if err != nil {
		return nil, 0, err
	}
	if r.out.done == nil {
		return emails, len(emails) - people, nil
	}
	var left []string
	for i, e := range emails {
		if r.out.done.Has(profiles.Account{Email: e}) {
			continue
		}
		if left = append(left, e); i >= people {
			rooms++
		}
	}
	return left, rooms, nil
}

// chooseScope takes what the service account may delegate, unless a scope was
// named.
func (r *profilesRun) chooseScope(token *delegated.ServiceToken) (guessed bool, err error) {
	if r.f.scope != "" {
		return false, nil
	}
	scope, known, err := delegated.Scope(r.ctx, r.client, token)
	r.f.scope = scope
	return !known, err
}

// authorizing is what a confirmation is about.
type authorizing struct {
	calendars, rooms int  // rooms are those that only --resources named
	scopeGuessed     bool // nobody said what the service account may delegate
}

// confirm says what is about to happen, and asks.
func (r *profilesRun) confirm(a authorizing) error {
	what := plural(a.calendars, "calendar")
	if a.rooms > 0 && a.rooms < a.calendars {
		what += fmt.Sprintf(" (%s from --resources)", plural(a.rooms, "room"))
	}
	whose := ""
	if a.scopeGuessed {
		whose = " (Cronofy does not say what this service account may delegate; --scope names another)"
	}
	fmt.Fprintf(r.s.err, "confer: this authorizes %s in the application %s, with the scope %q%s; Cronofy may bill for each\n",
		what, cronofy.CleanText(r.app.ClientID, 100), cronofy.CleanText(r.f.scope, 200), whose)
	switch {
	case r.f.yes && a.scopeGuessed:
		return &usageError{summary: "missing: --scope", hint: "with --yes nobody looks at the scope above, and less than the application has could take something away from it: name the scope"}
	case r.f.yes:
		return nil
	}
	_, terminal := asTerminal(r.s.in)
	if r.f.noInput || !terminal || r.f.emails == "-" {
		return &usageError{summary: "missing: --yes", hint: "nobody can be asked here: add --yes if that is what you want"}
	}
	answer, err := askLine(r.ctx, r.s, "Go on? [y/N] ")
	if err != nil && !errors.Is(err, io.EOF) {
		return err
	}
	if a := strings.ToLower(answer); a != "y" && a != "yes" {
		fmt.Fprintln(r.s.err, "Nothing was authorized.")
		return &exitError{flow.ExitCancelled}
	}
	return nil
}

func plural(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}
