package flow

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"

	"confer/cronofy"
	"confer/internal/delegated"
	"confer/internal/profiles"
)

// ErrListChanged says that the calendars are not those that were confirmed.
var ErrListChanged = errors.New("the list of calendars has changed")

// delegation is one task about delegated access.
type delegation struct {
	r       *Runner
	answers Answers
	client  *cronofy.Client
	service *delegated.ServiceToken
}

func (r *Runner) newDelegation(ctx context.Context, a Answers, s Store, say func(Event)) (*delegation, error) {
	a, err := r.withSecret(ctx, a, s)
	if err != nil {
		return nil, err
	}
	return &delegation{r: r, answers: a, client: r.client(a, say), service: r.serviceToken(a, s, say)}, nil
}

// addresses are whom access is to be got to; those from people on are rooms.
func (d *delegation) addresses(ctx context.Context) (all []string, people int, err error) {
	wants := d.answers.Accounts.Delegated
	w := delegated.Wanted{Rooms: wants.Rooms}
	if wants.Emails != "" {
		w.Open = func() (io.ReadCloser, error) { return d.r.OpenAccounts(ctx, wants.Emails) }
	}
	return delegated.Addresses(ctx, d.client, d.service, w)
}

func digest(addresses []string) string {
	sum := sha256.Sum256([]byte(strings.Join(addresses, "\n")))
	return hex.EncodeToString(sum[:])
}

// config is for a Desk. A zero plan listens and can ask for nothing.
func (d *delegation) config(p Plan) delegated.Config {
	wants := d.answers.Accounts.Delegated
	return delegated.Config{Client: d.client, ServiceToken: d.service, ClientSecret: d.answers.ClientSecret,
		CallbackURL: wants.CallbackURL, Listen: wants.Listen, Scope: p.Scope, Timeout: d.r.Timeout, Rand: d.r.Rand,
		AcceptUnsigned: wants.AcceptUnsigned}
}

// planDelegation finds out whom access would be got to, and whether it could be
// listened for, before anybody is asked to confirm.
func (r *Runner) planDelegation(ctx context.Context, e PlanDelegation, say func(Event)) Event {
	ctx, cancel := context.WithTimeout(ctx, callLimit)
	defer cancel()
	d, err := r.newDelegation(ctx, e.Answers, e.Store, say)
	if err != nil {
		return Failed{Err: err}
	}
	plan, err := d.plan(ctx)
	if err != nil {
		return Failed{Err: err}
	}
	return DelegationPlanned{plan}
}

func (d *delegation) plan(ctx context.Context) (Plan, error) {
	all, people, err := d.addresses(ctx)
	if err != nil {
		return Plan{}, err
	}
	leave, err := d.r.enterDoor(ctx)
	if err != nil {
		return Plan{}, err
	}
	defer leave()
	desk, err := delegated.Open(ctx, d.config(Plan{}), nil)
	if err != nil {
		return Plan{}, err
	}
	desk.Close()
	if err := delegated.CheckApplication(ctx, d.client); err != nil {
		return Plan{}, err
	}
	scope, known, err := delegated.Scope(ctx, d.client, d.service)
	return Plan{People: people, Rooms: len(all) - people, Scope: scope, ScopeGuessed: !known, Digest: digest(all)}, err
}

// enterDoor waits for the task before, which may still be closing its listener.
func (r *Runner) enterDoor(ctx context.Context) (leave func(), err error) {
	select {
	case r.door <- struct{}{}:
		r.freePort() // it may be the same one
		return func() { <-r.door }, nil
	case <-ctx.Done():
		return nil, fmt.Errorf("listen: %w", context.Cause(ctx))
	}
}

// delegate has the calendars authorized and looks at their profiles as the
// tokens come.
func (r *Runner) delegate(ctx context.Context, e Delegate, inbox <-chan Delivery, say func(Event)) Event {
	d, err := r.newDelegation(ctx, e.Answers, e.Store, say)
	if err != nil {
		return Failed{Err: err}
	}
	all, _, err := d.addresses(ctx)
	switch {
	case err != nil:
		return Failed{Err: err}
	case digest(all) != e.Plan.Digest:
		return Failed{Err: ErrListChanged}
	}
	leave, err := r.enterDoor(ctx)
	if err != nil {
		return Failed{Err: err}
	}
	defer leave()
	cfg := d.config(e.Plan)
	cfg.Asked = func(p delegated.Progress) { say(CalendarsAsked{p.Until}) }
	cfg.Trouble = func(err error) { say(AnswersHindered{err}) }
	desk, err := delegated.Open(ctx, cfg, all)
	if err != nil {
		return Failed{Err: err}
	}
	defer desk.Close()
	ctx, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	access := &accessDesk{desk: desk, client: d.client, accounts: addressed(all), stop: stop, say: say, got: make([]accessResult, len(all))}
	r.mu.Lock()
	r.access = access
	r.mu.Unlock()
	return r.watch(ctx, watched{answers: e.Answers, list: access.accounts, renew: access.renew}, inbox, say)
}

// addressed are accounts without tokens, whose Row is their place in the list.
func addressed(emails []string) []profiles.Account {
	accounts := make([]profiles.Account, len(emails))
	for i, email := range emails {
		accounts[i] = profiles.Account{Email: email, Row: i + 1}
	}
	return accounts
}

// lookAgain reads profiles with the tokens that are here: nothing is authorized
// a second time.
func (r *Runner) lookAgain(ctx context.Context, e LoadProfiles, inbox <-chan Delivery, say func(Event)) Event {
	r.mu.Lock()
	access := r.access
	r.mu.Unlock()
	if access == nil {
		return Failed{Err: delegated.ErrClosed}
	}
	return r.watch(ctx, watched{answers: e.Answers, list: access.accounts, renew: access.renew}, inbox, say)
}

// accessDesk remembers what a Desk gives once: tokens, and why there is none.
type accessDesk struct {
	desk     *delegated.Desk
	client   *cronofy.Client
	accounts []profiles.Account
	stop     context.CancelCauseFunc // ends the task, for what would come for every account
	say      func(Event)

	mu       sync.Mutex
	got      []accessResult
	answered int
	settled  int
}

type accessResult struct {
	there bool
	token cronofy.Token
	err   error
}

// renew is for profiles.Options.Renew.
func (a *accessDesk) renew(ctx context.Context, account profiles.Account, refused cronofy.Secret) (cronofy.Secret, error) {
	i := account.Row - 1
	got := a.result(i)
	switch {
	case got.there && (got.err != nil || !got.token.AccessToken.Equal(refused)):
		return got.token.AccessToken, got.err
	case got.there:
		return a.refresh(ctx, i, got.token)
	}
	token, err := a.desk.Access(ctx, i)
	if fatal := a.desk.Fatal(); fatal != nil {
		a.stop(fatal)
	}
	if ctx.Err() != nil {
		return cronofy.Secret{}, ctx.Err()
	}
	a.settle(i, accessResult{true, token, err})
	return token.AccessToken, err
}

// refresh replaces a token that has expired; both stay in memory.
func (a *accessDesk) refresh(ctx context.Context, i int, old cronofy.Token) (cronofy.Secret, error) {
	if old.RefreshToken.Empty() {
		return cronofy.Secret{}, nil // there is no newer one
	}
	fresh, err := a.client.Refresh(ctx, old.RefreshToken)
	if err != nil {
		return cronofy.Secret{}, err
	}
	if fresh.RefreshToken.Empty() {
		fresh.RefreshToken = old.RefreshToken // it stays valid
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	a.got[i].token = fresh
	return fresh.AccessToken, nil
}

func (a *accessDesk) result(i int) accessResult {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.got[i]
}

// settle keeps a result. The listener has nothing to wait for after the last one.
func (a *accessDesk) settle(i int, got accessResult) {
	if a.keep(i, got) {
		a.desk.Close()
	}
}

func (a *accessDesk) keep(i int, got accessResult) (last bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.got[i] = got
	a.settled++
	var request *delegated.RequestError
	if !errors.Is(got.err, delegated.ErrTimeout) && !errors.Is(got.err, delegated.ErrClosed) && !errors.As(got.err, &request) {
		a.answered++
		a.say(CalendarAnswered{a.answered})
	}
	return a.settled == len(a.got)
}
