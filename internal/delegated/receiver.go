// Package delegated gets access to people's and rooms' calendars through a
// service account: it asks Cronofy for many at once, takes the webhooks that
// answer on a listener of its own, and exchanges their codes for tokens.
//
// Each account has a callback URL of its own, with 128 random bits in its path,
// that works once. The public URL is the operator's (a tunnel, a proxy), the
// listener is ours, and it serves nothing else. Tokens stay in memory unless
// Config.Save takes them.
//
// https://docs.cronofy.com/developers/api/enterprise-connect/delegated-access/
package delegated

import (
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"io"
	"maps"
	"net"
	"net/http"
	"net/url"
	"path"
	"slices"
	"strings"
	"sync"
	"time"

	"confer/cronofy"
	"confer/internal/httpserver"
)

// Client is what of *cronofy.Client is needed here.
type Client interface {
	Resources(ctx context.Context, serviceAccountToken cronofy.Secret) ([]cronofy.Resource, error)
	UserInfo(ctx context.Context, accessToken cronofy.Secret) (cronofy.UserInfo, error)
	RequestDelegatedAccess(ctx context.Context, serviceAccountToken cronofy.Secret, reqs []cronofy.DelegatedAccess) error
	Exchange(ctx context.Context, code cronofy.Secret, redirectURI string) (cronofy.Token, error)
}

// Config says who asks for what, and where answers come in.
type Config struct {
	Client Client

	ServiceToken *ServiceToken // what accounts are asked for with

	ClientSecret   cronofy.Secret // webhooks are signed with it
	AcceptUnsigned bool           // take webhooks without a signature; a wrong one is never taken

	CallbackURL *url.URL     // public, see CallbackURL; each account's path is below it
	Listener    net.Listener // where what is sent to CallbackURL arrives
	Scope       string       // within the service account's delegated scope

	Timeout time.Duration // for one account, from the request to its webhook

	// Save is given an account's tokens before anybody else. When it fails they
	// are not used. It may be called by several goroutines at once; nil: none.
	Save func(email string, t cronofy.Token) error

	// Report is given the first Refusal of each kind at once. It may be called by
	// several goroutines at once.
	Report func(Refusal)
}

const batch = cronofy.MaxDelegatedAccess

// Receiver is one run of delegated access over a list of addresses. Its methods may
// be called from several goroutines.
type Receiver struct {
	cfg    Config
	emails []string
	server *httpserver.Server
	ctx    context.Context
	stop   context.CancelCauseFunc // with the error of all that have no result yet
	work   sync.WaitGroup
	turn   sync.Mutex // held by the one that asks Cronofy

	mu       sync.Mutex
	begun    []bool           // by batch: it is being asked for
	rows     map[int]*row     // of batches that are begun, until somebody fetches them
	live     map[string]*row  // by the last part of their callback URL
	told     map[Refusal]bool // kinds of Config.Report
	progress Progress
}

// Progress is how far the asking has come.
type Progress struct {
	Accounts int       // all of them
	Asked    int       // of these, those that were asked for, or may have been
	Answered int       // of these, those whose webhook was taken
	Until    time.Time // when the wait for the last of them ends
}

// row is one account, from the request to its token.
type row struct {
	email string
	id    string      // last part of its callback URL; in Receiver.live until its webhook or its end
	url   string      // its callback URL
	limit *time.Timer // when its webhook is waited for no longer

	done  chan struct{}
	token cronofy.Token
	err   error // both are written before done is closed

	why error // there is no webhook, if there is none in time; guarded by the Receiver
}

// end gives an account its result. It is for the one that has claimed the row.
func (r *row) end(token cronofy.Token, err error) {
	r.token, r.err = token, err
	r.limit.Stop()
	close(r.done)
}

// Open serves Config.Listener. Nothing is asked of Cronofy before the first Access. The
// Receiver ends with ctx; Close must be called all the same.
func Open(ctx context.Context, cfg Config, emails []string) *Receiver {
	d := &Receiver{
		cfg: cfg, emails: emails, begun: make([]bool, len(emails)/batch+1), rows: map[int]*row{},
		live: map[string]*row{}, told: map[Refusal]bool{}, progress: Progress{Accounts: len(emails)},
	}
	d.ctx, d.stop = context.WithCancelCause(ctx)
	context.AfterFunc(d.ctx, d.endLive)
	d.server = httpserver.Serve(d, limits, cfg.Listener)
	return d
}

// Access gives the tokens of the i-th address, once. It asks for that address,
// together with its neighbours, unless they were asked for before, and waits for
// the answer. Its error is ctx's, ErrClosed, a *NoAnswerError, a *DeniedError, a
// *CallError, or Config.Save's.
func (d *Receiver) Access(ctx context.Context, i int) (cronofy.Token, error) {
	r := d.fetch(i)
	if r == nil {
		return cronofy.Token{}, cmp.Or(context.Cause(d.ctx), ErrClosed)
	}
	select {
	case <-r.done:
		return r.token, r.err
	case <-ctx.Done():
		return cronofy.Token{}, ctx.Err()
	}
}

// fetch gives a row once, so that memory does not grow with the list. The first of a
// batch has all of it asked for. nil: the Receiver has ended.
func (d *Receiver) fetch(i int) *row {
	d.mu.Lock()
	defer d.mu.Unlock()
	if first := i / batch * batch; !d.begun[i/batch] && d.ctx.Err() == nil {
		d.begun[i/batch] = true
		var rows []*row
		for n, email := range d.emails[first:min(len(d.emails), first+batch)] {
			r := &row{email: email, id: rand.Text(), done: make(chan struct{}), why: &NoAnswerError{}}
			r.url = d.cfg.CallbackURL.JoinPath(r.id).String()
			d.rows[first+n] = r
			rows = append(rows, r)
		}
		d.work.Go(func() { d.ask(rows) })
	}
	r := d.rows[i]
	delete(d.rows, i)
	return r
}

// Progress tells how far the asking has come.
func (d *Receiver) Progress() Progress {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.progress
}

// Close ends the listener and all that is under way, and waits for it. It may be
// called again.
func (d *Receiver) Close() {
	d.mu.Lock()
	d.stop(ErrClosed) // nothing is begun after this
	d.mu.Unlock()
	d.server.Close()
	d.work.Wait()
	d.endLive()
}

// endLive ends all that wait for a webhook.
func (d *Receiver) endLive() {
	d.mu.Lock()
	rows := slices.Collect(maps.Values(d.live))
	d.mu.Unlock()
	d.endAll(rows, context.Cause(d.ctx))
}

func (d *Receiver) endAll(rows []*row, err error) {
	for _, r := range rows {
		if d.claim(r.id) != nil {
			r.end(cronofy.Token{}, err)
		}
	}
}

// ask requests access for up to MaxDelegatedAccess accounts. When it returns each of
// them has an end or is waited for.
func (d *Receiver) ask(rows []*row) {
	d.turn.Lock()
	defer d.turn.Unlock()
	d.mu.Lock()
	for _, r := range rows {
		d.live[r.id] = r
		r.limit = time.AfterFunc(d.cfg.Timeout, func() {
			if d.claim(r.id) != nil {
				d.mu.Lock()
				why := r.why
				d.mu.Unlock()
				r.end(cronofy.Token{}, why)
			}
		})
	}
	d.mu.Unlock()
	if d.ctx.Err() != nil { // endLive may have looked before this
		d.endLive()
	} else {
		d.request(rows)
	}
}

// request sends the accounts in one call. What one address does to the others is
// not documented: when all are refused for what may be the fault of one, it
// asks for each half by itself.
func (d *Receiver) request(rows []*row) {
	const suspicious = 10 // addresses, all refused: then it is not the addresses
	refused, last := 0, error(nil)
	var split func([]*row) error
	split = func(part []*row) error {
		err := d.call(part)
		switch {
		case err == nil, cronofy.AnswerLost(err): // then the webhooks may still come
			d.asked(part, err)
			return nil
		case failsForAll(err):
			return &CallError{Every: true, Err: err}
		case cronofy.StatusOf(err) == http.StatusUnprocessableEntity && len(part) > 1:
			half := len(part) / 2
			if err := split(part[:half]); err != nil {
				return err
			}
			return split(part[half:])
		}
		refused, last = refused+len(part), err
		d.endAll(part, &CallError{Err: err})
		return nil
	}
	err := split(rows)
	if err == nil && refused == len(rows) && refused >= suspicious {
		err = &CallError{Every: true, Err: last}
	}
	if err != nil {
		d.stop(err)
	}
}

// asked notes accounts that Cronofy was asked for, or may have been: then lost says why
// that is not known.
func (d *Receiver) asked(rows []*row, lost error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.progress.Asked += len(rows)
	d.progress.Until = time.Now().Add(d.cfg.Timeout)
	if lost != nil {
		for _, r := range rows {
			r.why = &CallError{Err: lost}
		}
	}
}

// failsForAll tells whether an error is about the request and not about one of its
// addresses.
func failsForAll(err error) bool {
	switch cronofy.StatusOf(err) {
	case http.StatusUnauthorized, http.StatusPaymentRequired, http.StatusForbidden, http.StatusNotFound, http.StatusLocked:
		return true
	}
	var api *cronofy.Error
	return errors.Is(err, ErrNoServiceToken) || errors.As(err, &api) && slices.ContainsFunc(api.FieldNames(), func(field string) bool {
		return strings.HasSuffix(field, "scope") || strings.HasSuffix(field, "callback_url")
	})
}

// call makes one request, and once more with another token if the first one was
// refused.
func (d *Receiver) call(rows []*row) error {
	reqs := make([]cronofy.DelegatedAccess, len(rows))
	for i, r := range rows {
		reqs[i] = cronofy.DelegatedAccess{Email: r.email, CallbackURL: r.url, Scope: d.cfg.Scope}
	}
	return d.cfg.ServiceToken.use(d.ctx, func(ctx context.Context, token cronofy.Secret) error {
		return d.cfg.Client.RequestDelegatedAccess(ctx, token, reqs)
	})
}

func (d *Receiver) exchange(r *row, h cronofy.Webhook) (cronofy.Token, error) {
	if h.Code.Empty() {
		return cronofy.Token{}, &DeniedError{Code: h.Error, Description: h.ErrorDescription}
	}
	t, err := d.cfg.Client.Exchange(d.ctx, h.Code, r.url)
	if err != nil {
		failed := &CallError{Exchange: true, Every: cronofy.ClientRefused(err), Err: err}
		if failed.Every {
			d.stop(failed)
		}
		return cronofy.Token{}, failed
	}
	if d.cfg.Save != nil {
		if err := d.cfg.Save(r.email, t); err != nil {
			return cronofy.Token{}, err
		}
	}
	return t, nil
}

// maxBody is what a webhook may have, in bytes; real ones have less than 1,000.
const maxBody = 64 << 10

// ServeHTTP takes webhooks. The answer is sent before anything is done with the
// code, because Cronofy waits only seconds for it.
func (d *Receiver) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	h := w.Header()
	h.Set("Cache-Control", "no-store")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Content-Length", "0")
	if req.Method != http.MethodPost {
		h.Set("Allow", http.MethodPost)
		w.WriteHeader(http.StatusMethodNotAllowed)
		return
	}
	status, r, hook := d.take(w, req)
	w.WriteHeader(status)
	if r != nil {
		_ = http.NewResponseController(w).Flush()
		d.answered(r, hook)
	}
}

// take gives the status of the answer, and the account whose webhook is taken; nil: none is.
func (d *Receiver) take(w http.ResponseWriter, req *http.Request) (status int, r *row, hook cronofy.Webhook) {
	// A proxy may have taken a part of the path away: the last part is the secret.
	id := path.Base(req.URL.Path)
	if r = d.find(id); r == nil {
		return http.StatusNotFound, nil, hook // whoever knows no path cannot make us read a body
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, req.Body, maxBody))
	if err != nil {
		d.refuse(r, Malformed)
		return http.StatusRequestEntityTooLarge, nil, hook
	}
	if why := d.signed(req.Header.Values(cronofy.HMACHeader), body); why != NotRefused {
		d.refuse(r, why)
		return http.StatusUnauthorized, nil, hook
	}
	if hook, err = cronofy.ParseWebhook(body); err != nil {
		d.refuse(r, Malformed)
		return http.StatusBadRequest, nil, hook
	}
	if r = d.claim(id); r == nil {
		return http.StatusNotFound, nil, hook
	}
	return http.StatusOK, r, hook
}

// answered goes on with a webhook that was taken.
func (d *Receiver) answered(r *row, hook cronofy.Webhook) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.ctx.Err() != nil { // and Close may have waited for all work
		r.end(cronofy.Token{}, context.Cause(d.ctx))
		return
	}
	d.progress.Answered++
	d.work.Go(func() { r.end(d.exchange(r, hook)) })
}

func (d *Receiver) signed(headers []string, body []byte) Refusal {
	header := strings.Join(headers, ",")
	switch {
	case header == "" && !d.cfg.AcceptUnsigned:
		return Unsigned
	case header != "" && !cronofy.VerifyHMAC(header, body, d.cfg.ClientSecret):
		return Forged
	}
	return NotRefused
}

func (d *Receiver) find(id string) *row {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.live[id]
}

// refuse notes that a post to r's callback URL is not taken, and tells it: the path is a
// secret, so it most likely was Cronofy's. What is sent to paths that are nobody's is
// noise on a public address.
func (d *Receiver) refuse(r *row, why Refusal) {
	d.mu.Lock()
	r.why = &NoAnswerError{why}
	before := d.told[why]
	d.told[why] = true
	d.mu.Unlock()
	if !before {
		d.cfg.Report(why)
	}
}

// claim gives the row of a live callback URL once.
func (d *Receiver) claim(id string) *row {
	d.mu.Lock()
	defer d.mu.Unlock()
	r := d.live[id]
	delete(d.live, id)
	return r
}

var limits = httpserver.Limits{HeaderBytes: 16 << 10, Connections: 256, Close: 100 * time.Millisecond}

// ErrClosed: the Receiver was closed before the account was answered.
var ErrClosed = errors.New("delegated access was ended")

// Refusal is why a post to a live callback URL was not taken, in words: it came ...
type Refusal string

// The refusals.
const (
	NotRefused Refusal = ""
	Unsigned   Refusal = "without a signature"
	Forged     Refusal = "with a signature that is not this client secret's"
	Malformed  Refusal = "that Cronofy cannot have sent" // too large, or not a webhook
)

// NoAnswerError is an account for which no webhook was taken in time.
type NoAnswerError struct{ Refused Refusal } // of the last post to its callback URL

func (e *NoAnswerError) Error() string { return "no answer came to the callback URL in time" }

// DeniedError is a webhook that brought an error in place of a code. Its texts are
// cleaned and may be empty; which values Cronofy sends is not documented.
type DeniedError struct {
	Code        string // "access_denied"
	Description string
}

// Error is one line: "delegated access denied: access_denied: There is no such mailbox".
func (e *DeniedError) Error() string {
	return strings.Join([]string{"delegated access denied", e.Code, e.Description}, ": ")
}

// CallError is a call about accounts that failed: the request for access, or the
// exchange of a code. Every: it would fail for every other account as well, so no
// more are asked for.
type CallError struct {
	Exchange, Every bool
	Err             error
}

// Error is that of the call.
func (e *CallError) Error() string { return e.Err.Error() }

// Unwrap gives the call's error.
func (e *CallError) Unwrap() error { return e.Err }
