package keystore

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"
)

// State is what a probe saw of the keyring.
type State string

// The states.
const (
	// Ready: the keyring is there and unlocked.
	Ready State = "ready"
	// Locked: it is there, and Unlock will open a window, or fail where none can be shown.
	Locked State = "locked"
	// NoCollection: the service runs but has neither a login nor a default keyring.
	NoCollection State = "no-collection"
	// NoService: there is a session bus, and nothing on it offers a keyring.
	NoService State = "no-service"
	// NoBus: there is no session bus, or not one that this user can use.
	NoBus State = "no-bus"
	// Silent: something did not answer within ProbeLimit or the context.
	Silent State = "silent"
	// Unsupported: this build has no keyring for the system it runs on.
	Unsupported State = "unsupported"
)

// sentinel is the error of a call that found this state; nil for Ready.
func (s State) sentinel() error {
	switch s {
	case Ready:
		return nil
	case Locked:
		return ErrLocked
	default:
		return ErrUnavailable
	}
}

// Status is the answer of Probe.
type Status struct {
	State State
	// Program is whose keyring it is, where that is known: "GNOME Keyring",
	// "KWallet", "KeePassXC".
	Program string
	// Detail is why, in the platform's words: one clean line of at most some
	// 300 characters, meant for a details line. Empty when there is nothing to add.
	Detail string
	// NoWindow: this session can show no window, so a locked keyring cannot ask.
	NoWindow bool
}

// Probe tells whether the keyring can be used, without asking the user for
// anything, unlocking or writing, within ProbeLimit and ctx. It never starts a
// session bus; the bus itself may start the keyring service that is installed
// for it, as it would for any program.
//
// On macOS and Windows it says Ready without touching anything: there is no way
// to ask there that could not open a window.
func Probe(ctx context.Context) Status {
	ctx, cancel := context.WithTimeout(ctx, ProbeLimit)
	defer cancel()
	return look(ctx)
}

// provider is a keyring without limits. Its errors are ErrNotFound, ErrTooBig and
// ErrDismissed, or the platform's own.
type provider interface {
	Get(c *call, key string) (string, error)
	// Has opens no window where the keyring is Ready.
	Has(c *call, key string) (bool, error)
	Set(c *call, key, secret string) error
	// Delete removes what there is, or says ErrNotFound.
	Delete(c *call, key string) error
	Unlock(c *call) error
}

// KeyringStore is the keyring of the operating system.
//
// Get, Set and Delete look first (Probe): a locked keyring is ErrLocked, no
// keyring is ErrUnavailable with the state. They end within ProbeLimit and
// CallLimit, unless the keyring shows a window meanwhile, as KeePassXC does for
// each access: then they wait for its answer up to PromptLimit, and OnWait tells.
// On macOS a window cannot be seen from here, and every call may take as long. A
// damaged gnome-keyring file is set aside by gnome-keyring itself, without a word:
// its secrets are ErrNotFound then.
type KeyringStore struct {
	provider provider
	probe    func(context.Context) Status
	guard    *guard
	call     time.Duration
}

// OpenKeyring gives the keyring. It touches nothing yet. A program needs one
// KeyringStore only: two of them do not wait for each other's calls.
func OpenKeyring() *KeyringStore {
	return &KeyringStore{provider: newProvider(), probe: Probe, guard: newGuard(), call: callLimit}
}

// Kind is Keyring.
func (k *KeyringStore) Kind() Kind { return Keyring }

// Get implements Store.
func (k *KeyringStore) Get(ctx context.Context, key string) (string, error) {
	if err := checkKey(key); err != nil {
		return "", &Error{Op: "get", Store: Keyring, Err: err}
	}
	return k.do(ctx, "get", "", job{run: func(c *call) (string, error) { return k.provider.Get(c, key) }})
}

// Has tells whether there is a secret of key, without a window and without
// reading it (but on macOS).
func (k *KeyringStore) Has(ctx context.Context, key string) (bool, error) {
	if err := checkKey(key); err != nil {
		return false, &Error{Op: "get", Store: Keyring, Err: err}
	}
	var has bool
	_, err := k.do(ctx, "get", "", job{run: func(c *call) (_ string, err error) {
		has, err = k.provider.Has(c, key)
		return "", err
	}})
	return has && err == nil, err
}

// Set implements Store. What is there already is not written again, because some
// keyrings ask each time. A Set that returns ErrTimeout is undone should it
// succeed later, as its caller was told that it failed: a new item is deleted, and
// one that it replaced is put back.
func (k *KeyringStore) Set(ctx context.Context, key, secret string) error {
	if err := checkItem(key, secret); err != nil {
		return &Error{Op: "set", Store: Keyring, Err: err}
	}
	s := &setting{provider: k.provider, key: key, secret: secret}
	_, err := k.do(ctx, "set", secret, job{run: s.run, late: s.undo})
	return err
}

// deleteTries is how often Delete looks whether a secret is gone, and deletePause
// the time between: a service may answer before it has deleted.
const (
	deleteTries = 5
	deletePause = 100 * time.Millisecond
)

// Delete implements Store. Several items of one key are all deleted.
func (k *KeyringStore) Delete(ctx context.Context, key string) error {
	if err := checkKey(key); err != nil {
		return &Error{Op: "delete", Store: Keyring, Err: err}
	}
	_, err := k.do(ctx, "delete", "", job{run: func(c *call) (string, error) {
		for n := range deleteTries {
			if n > 0 {
				time.Sleep(deletePause)
			}
			if err := k.provider.Delete(c, key); err != nil {
				return "", err
			}
			if has, err := k.provider.Has(c, key); err != nil || !has {
				return "", err
			}
		}
		return "", errStays
	}})
	if errors.Is(err, ErrNotFound) {
		err = nil
	}
	return err
}

var errStays = errors.New("the item is still there after it was deleted")

// Unlock makes the keyring ask for its password, where it is locked, and waits
// for the answer up to PromptLimit. It returns nil when the keyring is ready,
// ErrLocked when the window was closed or cannot be shown, and ErrTimeout with
// Error.Pending when it was given up: the window stays on the screen then, and
// other calls are ErrBusy until somebody answers it.
func (k *KeyringStore) Unlock(ctx context.Context) error {
	if k.guard.stuck() {
		return k.failure(ctx, "unlock", "", answer{err: ErrBusy})
	}
	s := k.probe(ctx)
	if s.State != Locked {
		return stateError("unlock", s)
	}
	a := k.guard.do(ctx, k.call, job{run: func(c *call) (string, error) { return "", k.provider.Unlock(c) }})
	if a.err == nil {
		return stateError("unlock", k.probe(ctx))
	}
	return k.failure(ctx, "unlock", "", a)
}

// do makes one call where the keyring is ready. secret is taken out of details.
func (k *KeyringStore) do(ctx context.Context, op, secret string, j job) (string, error) {
	if k.guard.stuck() {
		return "", k.failure(ctx, op, secret, answer{err: ErrBusy})
	}
	if s := k.probe(ctx); s.State != Ready {
		if ctx.Err() != nil {
			return "", k.failure(ctx, op, secret, answer{err: ErrTimeout, cause: ctx.Err()})
		}
		return "", stateError(op, s)
	}
	a := k.guard.do(ctx, k.call, j)
	if a.err != nil {
		return "", k.failure(ctx, op, secret, a)
	}
	return a.value, nil
}

// stateError is the error of a call that was not made because of s; nil for Ready.
func stateError(op string, s Status) error {
	if s.State == Ready {
		return nil
	}
	return s.Error(op)
}

// Error is the error of a call that finds the keyring so, and not Ready.
func (s Status) Error(op string) *Error {
	return &Error{Op: op, Store: Keyring, Err: s.State.sentinel(), State: s.State, Program: s.Program, Detail: s.Detail, NoWindow: s.NoWindow}
}

func (k *KeyringStore) failure(ctx context.Context, op, secret string, a answer) error {
	e := &Error{Op: op, Store: Keyring, Cause: a.cause, Pending: a.pending, Program: a.program}
	for _, known := range []error{ErrTimeout, ErrBusy, ErrReadBack, ErrNotFound, ErrTooBig} {
		if errors.Is(a.err, known) {
			e.Err = known
			return e
		}
	}
	e.Detail = detail(a.err, secret)
	if e.State = classify(a.err); e.State == "" {
		s := k.probe(ctx)
		e.State, e.NoWindow = s.State, s.NoWindow
		if s.Program != "" {
			e.Program = s.Program
		}
	}
	e.Err = e.State.sentinel()
	switch {
	case e.Err != nil:
	case errors.Is(a.err, ErrDismissed):
		e.Err = ErrDismissed
	default:
		e.Err = ErrRefused
	}
	return e
}

// setting is one Set: what was there before, and whether anything was changed.
type setting struct {
	provider    provider
	key, secret string
	before      string
	had, known  bool // had: there was an item before; known: that is known, so Set may have been called
}

func (s *setting) run(c *call) (string, error) {
	before, err := s.provider.Get(c, s.key)
	if err != nil && !errors.Is(err, ErrNotFound) {
		return "", err
	}
	if err == nil && before == s.secret {
		return "", nil
	}
	if c.isGivenUp() {
		return "", ErrTimeout
	}
	s.before, s.had, s.known = before, err == nil, true
	if err := s.provider.Set(c, s.key, s.secret); err != nil {
		return "", err
	}
	got, err := s.provider.Get(c, s.key)
	if errors.Is(err, ErrNotFound) || err == nil && got != s.secret {
		return "", ErrReadBack
	}
	return "", err
}

// undo brings back what was there before, as well as the keyring lets it.
func (s *setting) undo(c *call) {
	switch {
	case !s.known || s.restored(c):
	case s.had:
		_ = s.provider.Set(c, s.key, s.before)
	default:
		_ = s.provider.Delete(c, s.key)
	}
}

func (s *setting) restored(c *call) bool {
	got, err := s.provider.Get(c, s.key)
	if s.had {
		return err == nil && got == s.before
	}
	return errors.Is(err, ErrNotFound)
}

// guard makes calls that cannot be cancelled, one at a time. A call that outlives
// its limit keeps its goroutine; until it ends, further calls fail at once with
// ErrBusy, so that however many are made only one goroutine is ever stuck, and
// only one window is ever open.
type guard struct {
	turn      chan struct{} // held by the running call
	prompt    time.Duration // for a window
	mu        sync.Mutex
	abandoned bool // the running call was given up
}

func newGuard() *guard { return &guard{turn: make(chan struct{}, 1), prompt: PromptLimit} }

// job is what a call does. run asks isGivenUp before it changes anything. When it
// was given up, late runs after run has ended and before the next call can start;
// it may be nil.
type job struct {
	run  func(*call) (string, error)
	late func(*call)
}

// call is a job that is being done.
type call struct {
	job
	windows           chan string // the program that opened a window; "": it is closed
	givenUp           chan struct{}
	finished, stopped bool // under guard.mu
	done              chan answer
}

// answer is the end of a job as its caller sees it. err is that of run,
// or ErrBusy (not begun) or ErrTimeout with the cause.
type answer struct {
	value   string
	err     error
	cause   error
	pending bool
	program string // that showed the last window
}

func (c *call) isGivenUp() bool {
	select {
	case <-c.givenUp:
		return true
	default:
		return false
	}
}

// window tells the caller that a program has opened a window ("": closed it).
func (c *call) window(program string) {
	select {
	case c.windows <- program:
	case <-c.givenUp:
	}
}

// someProgram stands for a keyring whose name is not known.
const someProgram = "the keyring"

// windowDelay is how long a prompt may be open before anybody is told: KWallet and
// KeePassXC answer some of theirs themselves, without a window.
const windowDelay = 500 * time.Millisecond

// do waits for its turn and does j, for at most limit without a window, and
// g.prompt for each window.
func (g *guard) do(ctx context.Context, limit time.Duration, j job) answer {
	if g.stuck() {
		return answer{err: ErrBusy}
	}
	if ctx.Err() != nil {
		return answer{err: ErrTimeout, cause: ctx.Err()}
	}
	timer := time.NewTimer(limit)
	defer timer.Stop()
	select {
	case g.turn <- struct{}{}:
	case <-ctx.Done():
		return answer{err: ErrBusy, cause: ctx.Err()}
	case <-timer.C:
		return answer{err: ErrBusy, cause: context.DeadlineExceeded}
	}
	c := &call{job: j, windows: make(chan string), givenUp: make(chan struct{}), done: make(chan answer, 1)}
	go g.work(c)
	return g.await(ctx, c, limit, timer)
}

func (g *guard) await(ctx context.Context, c *call, limit time.Duration, timer *time.Timer) answer {
	var announce <-chan time.Time
	wait := Wait{Store: Keyring, Over: true} // as long as nobody was told of a window
	var program string
	for {
		var a answer
		select {
		case a = <-c.done:
		case opened := <-c.windows:
			if announce = nil; !wait.Over {
				wait.Over = true
				tell(ctx, wait)
			}
			if opened == "" {
				timer.Reset(limit)
				continue
			}
			timer.Reset(g.prompt)
			announce = time.After(windowDelay)
			if program = opened; program == someProgram {
				program = ""
			}
			wait.Who, wait.Until = program, time.Now().Add(g.prompt)
			continue
		case <-announce:
			wait.Over = false
			tell(ctx, wait)
			continue
		case <-timer.C:
			a = g.giveUp(c, context.DeadlineExceeded)
		case <-ctx.Done():
			a = g.giveUp(c, ctx.Err())
		}
		if !wait.Over {
			wait.Over = true
			tell(ctx, wait)
		}
		a.program = program
		return a
	}
}

func (g *guard) stuck() bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.abandoned
}

func (g *guard) giveUp(c *call, cause error) answer {
	g.mu.Lock()
	if c.finished {
		g.mu.Unlock()
		return <-c.done
	}
	c.stopped, g.abandoned = true, true
	close(c.givenUp)
	g.mu.Unlock()
	return answer{err: ErrTimeout, cause: cause, pending: true}
}

func (g *guard) work(c *call) {
	var a answer
	a.value, a.err = contain(func() (string, error) { return c.run(c) })
	g.mu.Lock()
	c.finished = true
	stopped := c.stopped
	g.mu.Unlock()
	if stopped {
		if c.late != nil {
			_, _ = contain(func() (string, error) { c.late(c); return "", nil })
		}
		g.mu.Lock()
		g.abandoned = false
		g.mu.Unlock()
	}
	<-g.turn
	c.done <- a
}

// contain turns a panic of f into an error: in a goroutine of its own it would
// end the program. Its value stays out of the text, since it could hold anything.
func contain(f func() (string, error)) (value string, err error) {
	defer func() {
		if p := recover(); p != nil {
			value, err = "", fmt.Errorf("keyring client broke off (%T)", p)
		}
	}()
	return f()
}
