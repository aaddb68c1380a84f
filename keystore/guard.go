package keystore

import (
	"context"
	"fmt"
	"sync"
)

// guard runs calls that cannot be cancelled, one at a time. A call that outlives
// its context keeps its goroutine; until it ends, further calls fail at once with
// ErrBusy, so that however many are made only one goroutine is ever stuck.
type guard struct {
	sem       chan struct{} // holds the running call
	mu        sync.Mutex
	abandoned bool // the running call was given up
}

func newGuard() *guard { return &guard{sem: make(chan struct{}, 1)} }

// job is one call. run asks stopped before it changes anything. When it is given
// up, late runs after run has ended and before the next call can start; it may be
// nil.
type job struct {
	run  func(stopped func() bool) (string, error)
	late func()
}

// answer is the end of a job as its caller sees it. err is that of run,
// or ErrBusy (not begun) or ErrTimeout with the cause.
type answer struct {
	value   string
	err     error
	cause   error
	pending bool
}

type work struct {
	job
	finished, stopped bool // under guard.mu
	done              chan answer
}

func (g *guard) do(ctx context.Context, j job) answer {
	if g.stuck() {
		return answer{err: ErrBusy}
	}
	if ctx.Err() != nil {
		return answer{err: ErrTimeout, cause: ctx.Err()}
	}
	select {
	case g.sem <- struct{}{}:
	case <-ctx.Done():
		return answer{err: ErrBusy, cause: ctx.Err()}
	}
	w := &work{job: j, done: make(chan answer, 1)}
	go g.work(w)
	select {
	case a := <-w.done:
		return a
	case <-ctx.Done():
		return g.giveUp(ctx, w)
	}
}

func (g *guard) stuck() bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.abandoned
}

func (g *guard) giveUp(ctx context.Context, w *work) answer {
	g.mu.Lock()
	if w.finished {
		g.mu.Unlock()
		return <-w.done
	}
	w.stopped, g.abandoned = true, true
	g.mu.Unlock()
	return answer{err: ErrTimeout, cause: ctx.Err(), pending: true}
}

func (g *guard) work(w *work) {
	var a answer
	a.value, a.err = contain(func() (string, error) { return w.run(func() bool { return g.isStopped(w) }) })
	g.mu.Lock()
	w.finished = true
	stopped := w.stopped
	g.mu.Unlock()
	if stopped {
		g.afterwards(w)
	}
	<-g.sem
	w.done <- a
}

func (g *guard) isStopped(w *work) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	return w.stopped
}

func (g *guard) afterwards(w *work) {
	if w.late != nil {
		_, _ = contain(func() (string, error) { w.late(); return "", nil })
	}
	g.mu.Lock()
	g.abandoned = false
	g.mu.Unlock()
}

// contain turns a panic of f into an error. go-keyring v0.2.8 dereferences a nil
// signal when the bus closes during a prompt (secret_service.go, handlePrompt).
// The value of the panic stays out of the text: it could hold anything.
func contain(f func() (string, error)) (value string, err error) {
	defer func() {
		if p := recover(); p != nil {
			value, err = "", fmt.Errorf("keyring client broke off (%T)", p)
		}
	}()
	return f()
}
