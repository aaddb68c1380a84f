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
	"context"
	"crypto/rand"
	"encoding/hex"
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
	RequestDelegatedAccess(ctx context.Context, serviceAccountToken cronofy.Secret, reqs []cronofy.DelegatedAccess) error
	Exchange(ctx context.Context, code cronofy.Secret, redirectURI string) (cronofy.Token, error)
}

// Config says who asks for what, and where answers come in.
type Config struct {
	Client Client

	ServiceToken *ServiceToken // what accounts are asked for with

	ClientSecret   cronofy.Secret // webhooks are signed with it
	AcceptUnsigned bool           // take webhooks without a signature; a wrong one is never taken

	CallbackURL string // public; each account's path is below it
	Listen      string // host:port where what is sent to CallbackURL arrives
	Scope       string // within the service account's delegated scope

	Timeout time.Duration // for one account, from the request to its webhook; zero: DefaultTimeout

	// Save is given an account's tokens before anybody else. When it fails they
	// are not used. It may be called by several goroutines at once; nil: none.
	Save func(email string, t cronofy.Token) error

	// Report is given the first Notice of each kind. It may be called by several
	// goroutines at once; nil: nobody is told.
	Report func(Notice)

	listen func(ctx context.Context, network, address string) (net.Listener, error) // nil: the system's
}

// DefaultTimeout is how long an account's webhook is waited for. Cronofy's own
// time is not documented.
const DefaultTimeout = 5 * time.Minute

const (
	batch = cronofy.MaxDelegatedAccess
	// maxUnderWay bounds the accounts that were asked for and have no token yet:
	// codes are short-lived, and exchanging this many takes 18 s at 500 calls a minute.
	maxUnderWay = 3 * batch
	// lateAfter is when an account without an answer makes room for another: one
	// mailbox that does not answer must not hold up the others.
	lateAfter = 15 * time.Second
)

// Receiver is one run of delegated access over a list of addresses. Its methods may
// be called from several goroutines.
type Receiver struct {
	cfg    Config
	base   *url.URL
	emails []string
	server *httpserver.Server
	addr   string // where it listens
	ctx    context.Context
	cancel context.CancelFunc
	work   sync.WaitGroup
	turn   chan struct{} // held by the one that asks Cronofy
	slots  chan struct{} // accounts under way

	mu       sync.Mutex
	begun    []bool          // by batch: it is being asked for
	rows     map[int]*row    // of batches that are begun, until somebody fetches them
	live     map[string]*row // by the last part of their callback URL
	fatal    error
	told     map[Refusal]bool // kinds of Config.Report
	progress Progress
}

// Progress is how far the asking has come.
type Progress struct {
	Asked    int       // accounts that were asked for, or may have been
	Answered int       // of these, those whose webhook was taken
	Until    time.Time // when the wait for the last of them ends
}

// row is one account, from the request to its token.
type row struct {
	email string
	id    string // last part of its callback URL; in Receiver.live until its webhook or its end
	url   string // its callback URL

	release     func()      // gives its slot back; nil without one
	late, limit *time.Timer // when it makes room for another, and when its webhook is waited for no longer

	once  sync.Once
	done  chan struct{}
	token cronofy.Token
	err   error // both are written before done is closed

	lost    error   // the request's answer was lost: why; guarded by the Receiver
	refused Refusal // of the last post that was not taken; guarded by the Receiver
}

// end gives an account its result; only the first one counts.
func (d *Receiver) end(r *row, token cronofy.Token, err error) {
	r.once.Do(func() {
		r.token, r.err = token, err
		d.claim(r.id)
		if r.release != nil {
			r.late.Stop()
			r.limit.Stop()
			r.release()
		}
		close(r.done)
	})
}

func (d *Receiver) endAll(rows []*row, err error) {
	for _, r := range rows {
		d.end(r, cronofy.Token{}, err)
	}
}

// Open listens. Nothing is asked of Cronofy before the first Access. The Receiver
// ends with ctx; Close must be called all the same. Its error is CallbackURL's
// or the system's.
func Open(ctx context.Context, cfg Config, emails []string) (*Receiver, error) {
	base, err := CallbackURL(cfg.CallbackURL)
	if err != nil {
		return nil, err
	}
	if cfg.listen == nil {
		cfg.listen = new(net.ListenConfig).Listen
	}
	if cfg.Timeout <= 0 {
		cfg.Timeout = DefaultTimeout
	}
	d := &Receiver{
		cfg: cfg, base: base, emails: emails, begun: make([]bool, len(emails)/batch+1), rows: map[int]*row{},
		turn: make(chan struct{}, 1), slots: make(chan struct{}, maxUnderWay), live: map[string]*row{}, told: map[Refusal]bool{},
	}
	l, err := cfg.listen(ctx, "tcp", cfg.Listen)
	if err != nil {
		return nil, err
	}
	d.ctx, d.cancel = context.WithCancel(ctx)
	context.AfterFunc(d.ctx, d.endLive)
	d.server, d.addr = httpserver.Serve(d, limits(), l), l.Addr().String()
	return d, nil
}

// Addr is where the Receiver listens.
func (d *Receiver) Addr() string { return d.addr }

// Access gives the tokens of the i-th address, once. It asks for that address,
// together with its neighbours, unless they were asked for before, and waits for
// the answer. Its error is ctx's, ErrClosed, a *NoAnswerError, a *DeniedError, a
// *CallError, or Config.Save's.
func (d *Receiver) Access(ctx context.Context, i int) (cronofy.Token, error) {
	r := d.fetch(i)
	if r == nil {
		return cronofy.Token{}, ErrClosed
	}
	select {
	case <-r.done:
		return r.token, r.err
	case <-ctx.Done():
		return cronofy.Token{}, ctx.Err()
	}
}

// fetch gives a row once, so that memory does not grow with the list. The first of a
// batch has all of it asked for, unless the Receiver was closed.
func (d *Receiver) fetch(i int) *row {
	d.mu.Lock()
	defer d.mu.Unlock()
	if first := i / batch * batch; !d.begun[i/batch] {
		d.begun[i/batch] = true
		var rows []*row
		for n, email := range d.emails[first:min(len(d.emails), first+batch)] {
			r := &row{email: email, done: make(chan struct{})}
			d.rows[first+n] = r
			rows = append(rows, r)
		}
		if d.ctx.Err() == nil {
			d.work.Go(func() { d.ask(rows) })
		} else {
			for _, r := range rows { // nobody has them yet
				r.err = ErrClosed
				close(r.done)
			}
		}
	}
	r := d.rows[i]
	delete(d.rows, i)
	return r
}

// Fatal is the error that ended all asking: a *CallError with Every. nil while there
// is none.
func (d *Receiver) Fatal() error {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.fatal
}

func (d *Receiver) fail(err error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.fatal == nil && d.ctx.Err() == nil {
		d.fatal = err
	}
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
	d.cancel() // nothing is begun after this
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
	d.endAll(rows, ErrClosed)
}

// report tells the first of each kind.
func (d *Receiver) report(n Notice) {
	if d.cfg.Report == nil {
		return
	}
	d.mu.Lock()
	before := d.told[n.Refused]
	d.told[n.Refused] = true
	d.mu.Unlock()
	if !before {
		d.cfg.Report(n)
	}
}

// ask requests access for up to MaxDelegatedAccess accounts. When it returns each of
// them has an end or is waited for.
func (d *Receiver) ask(rows []*row) {
	d.turn <- struct{}{} // whoever holds it ends with the Receiver
	defer func() { <-d.turn }()
	err := d.Fatal()
	opened := 0
	for ; opened < len(rows) && err == nil; opened++ {
		if err = d.open(rows[opened]); err != nil {
			break
		}
	}
	d.endAll(rows[opened:], err)
	if opened > 0 {
		d.request(rows[:opened])
	}
}

// open takes a slot and makes the account's callback URL live.
func (d *Receiver) open(r *row) error {
	var id [16]byte         // 128 bits
	_, _ = rand.Read(id[:]) // it never fails
	select {
	case d.slots <- struct{}{}:
	case <-d.ctx.Done():
		return ErrClosed
	}
	r.id = hex.EncodeToString(id[:])
	r.url = d.base.JoinPath(r.id).String()
	r.release = sync.OnceFunc(func() { <-d.slots })
	d.mu.Lock()
	defer d.mu.Unlock()
	r.late = time.AfterFunc(lateAfter, r.release)
	r.limit = time.AfterFunc(d.cfg.Timeout, func() {
		if d.claim(r.id) != nil {
			d.end(r, cronofy.Token{}, d.timeout(r))
		}
	})
	if d.ctx.Err() != nil { // endLive may have looked before this
		return ErrClosed
	}
	d.live[r.id] = r
	return nil
}

// request sends the accounts in one call. What one address does to the others is
// not documented: when all are refused for what may be the fault of one, it
// asks for each half by itself.
func (d *Receiver) request(rows []*row) {
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
	if err := split(rows); err != nil {
		d.fail(err)
		d.endAll(rows, err)
		return
	}
	if refused == len(rows) && refused >= suspicious {
		d.fail(&CallError{Every: true, Err: last})
	}
}

// suspicious is how many addresses in a row must be refused, and no other
// accepted, until it is not the addresses.
const suspicious = 10

// asked notes accounts that Cronofy was asked for, or may have been: then lost says why
// that is not known.
func (d *Receiver) asked(rows []*row, lost error) {
	d.mu.Lock()
	d.progress.Asked += len(rows)
	d.progress.Until = time.Now().Add(d.cfg.Timeout)
	for _, r := range rows {
		r.lost = lost
	}
	d.mu.Unlock()
	if lost != nil {
		d.report(Notice{Lost: lost, Accounts: len(rows)})
	}
}

// timeout is why there was no webhook.
func (d *Receiver) timeout(r *row) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if r.lost != nil && r.refused == NotRefused {
		return &CallError{Err: r.lost}
	}
	return &NoAnswerError{r.refused}
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
		last := field[strings.LastIndexByte(field, '.')+1:]
		return last == "scope" || last == "callback_url"
	})
}

// call makes one request, and once more with another token if the first one was
// refused.
func (d *Receiver) call(rows []*row) error {
	reqs := make([]cronofy.DelegatedAccess, len(rows))
	for i, r := range rows {
		reqs[i] = cronofy.DelegatedAccess{Email: r.email, CallbackURL: r.url, Scope: d.cfg.Scope}
	}
	return d.cfg.ServiceToken.Use(d.ctx, func(ctx context.Context, token cronofy.Secret) error {
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
			d.fail(failed)
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
	status, handOver := d.take(w, req)
	w.WriteHeader(status)
	if handOver != nil {
		_ = http.NewResponseController(w).Flush()
		handOver()
	}
}

// take gives the status of the answer and, of a webhook that is taken, what is to
// be done once the answer is sent; else nil.
func (d *Receiver) take(w http.ResponseWriter, req *http.Request) (status int, handOver func()) {
	// A proxy may have taken a part of the path away: the last part is the secret.
	id := path.Base(req.URL.Path)
	r := d.find(id)
	if r == nil {
		return http.StatusNotFound, nil // whoever knows no path cannot make us read a body
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, req.Body, maxBody))
	if err != nil {
		d.refuse(r, Malformed)
		return http.StatusRequestEntityTooLarge, nil
	}
	if why := d.signed(req.Header.Values(cronofy.HMACHeader), body); why != NotRefused {
		d.refuse(r, why)
		return http.StatusUnauthorized, nil
	}
	hook, err := cronofy.ParseWebhook(body)
	if err != nil {
		d.refuse(r, Malformed)
		return http.StatusBadRequest, nil
	}
	if r = d.claim(id); r == nil {
		return http.StatusNotFound, nil
	}
	return http.StatusOK, func() { d.answered(r, hook) }
}

// answered goes on with a webhook that was taken.
func (d *Receiver) answered(r *row, hook cronofy.Webhook) {
	d.mu.Lock()
	closed := d.ctx.Err() != nil // and Close may have waited for all work
	if !closed {
		d.progress.Answered++
		d.work.Go(func() {
			token, err := d.exchange(r, hook)
			d.end(r, token, err)
		})
	}
	d.mu.Unlock()
	if closed {
		d.end(r, cronofy.Token{}, ErrClosed)
	}
}

func (d *Receiver) signed(headers []string, body []byte) Refusal {
	header := strings.Join(headers, ",")
	switch {
	case header != "" && cronofy.VerifyHMAC(header, body, d.cfg.ClientSecret):
		return NotRefused
	case header != "":
		return Forged
	case d.cfg.AcceptUnsigned:
		return NotRefused
	}
	return Unsigned
}

func (d *Receiver) find(id string) *row {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.live[id]
}

// refuse notes that a post to r's callback URL is not taken, and tells it. What is
// sent to paths that are nobody's is noise on a public address.
func (d *Receiver) refuse(r *row, why Refusal) {
	d.mu.Lock()
	r.refused = why
	d.mu.Unlock()
	d.report(Notice{Refused: why})
}

// claim gives the row of a live callback URL once.
func (d *Receiver) claim(id string) *row {
	d.mu.Lock()
	defer d.mu.Unlock()
	r := d.live[id]
	delete(d.live, id)
	return r
}

// limits: a webhook fits one packet or two; whoever needs longer is not Cronofy.
func limits() httpserver.Limits {
	return httpserver.Limits{Header: 5 * time.Second, Read: 10 * time.Second, Write: 5 * time.Second, HeaderBytes: 16 << 10,
		Connections: 256, Close: 100 * time.Millisecond}
}

// ErrClosed: the Receiver was closed before the account was answered.
var ErrClosed = errors.New("delegated access was ended")

// Refusal is why a post to a live callback URL was not taken.
type Refusal int

// The refusals.
const (
	NotRefused Refusal = iota
	Unsigned           // without a signature
	Forged             // with a wrong signature
	Malformed          // too large, or not a webhook
)

// Notice is what keeps answers from coming. Refused: a post to a live callback URL was
// not taken; the path is a secret, so it most likely was Cronofy's. Else the answer
// to a request was lost, so that it is not known whether access was asked for.
type Notice struct {
	Refused  Refusal
	Lost     error
	Accounts int // of the request
}

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
