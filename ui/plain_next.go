package ui

import (
	"context"
	"time"
)

// plainKind is what a wait ended with.
type plainKind int

const (
	plainReported plainKind = iota // a task said something
	plainTicked
	plainPaused
	plainMore  // some input, no whole line yet
	plainLine  // a line of input
	plainEnded // the input ended
)

// plainWants says what to wait for besides the tasks' reports and the end of
// the context. A nil channel is not waited for.
type plainWants struct {
	input bool
	tick  <-chan time.Time
	pause <-chan time.Time
}

type plainGot struct {
	kind plainKind
	text string // of a plainLine
}

// next waits for one thing. Reports are applied here, whoever waits: what a
// task says is never late because a question is open.
func (p *plainWizard) next(w plainWants) (plainGot, error) {
	if p.broken != nil {
		return plainGot{}, p.broken
	}
	var reads <-chan plainRead
	if w.input {
		if text, ok := p.in.take(); ok {
			return plainGot{plainLine, text}, nil
		}
		if p.in.ended {
			return plainGot{kind: plainEnded}, nil
		}
		reads = p.in.read()
	}
	select {
	case <-p.ctx.Done():
		return plainGot{}, context.Cause(p.ctx)
	case r := <-p.cfg.Tasks.Events():
		p.apply(r)
		return plainGot{kind: plainReported}, nil
	case <-w.tick:
		return plainGot{kind: plainTicked}, nil
	case <-w.pause:
		return plainGot{kind: plainPaused}, nil
	case r := <-reads:
		p.in.feed(r)
		if text, ok := p.in.take(); ok {
			return plainGot{plainLine, text}, nil
		}
		return plainGot{kind: plainMore}, nil
	}
}
