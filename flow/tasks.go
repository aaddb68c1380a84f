package flow

import (
	"context"
	"sync"

	"confer/internal/crash"
)

// Tasks carries out what Apply orders: one task at a time, each with an inbox.
// It owns every goroutine that a task needs; whoever makes it must Close it.
type Tasks struct {
	runner *Runner
	events chan Report
	wg     sync.WaitGroup

	mu     sync.Mutex
	id     int // of the task that may still report
	cancel context.CancelFunc
	inbox  chan Delivery
	closed bool
	late   []Report // after Close began
}

// inboxSize is how many deliveries may wait. A full inbox drops the newest: a
// person pressed a key dozens of times while the task was busy.
const inboxSize = 16

// NewTasks makes the runner ready for work.
func NewTasks(r *Runner) *Tasks {
	return &Tasks{runner: r, events: make(chan Report, 64), cancel: func() {}}
}

// Events are the reports of tasks, for Apply. The channel is never closed.
func (t *Tasks) Events() <-chan Report { return t.events }

// Follow does what a step from one State to the next asks for: it ends the
// task that is over, starts the one that is new, or delivers to the running one.
func (t *Tasks) Follow(before, after State, task *Task) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if before.Running != nil && before.Running != after.Running {
		t.cancel()
	}
	t.runner.remember(before, after, t.remark)
	if task == nil || t.closed {
		return
	}
	if d, ok := task.Effect.(Delivery); ok {
		if task.ID == t.id {
			select {
			case t.inbox <- d:
			default:
			}
		}
		return
	}
	t.start(*task)
}

func (t *Tasks) start(task Task) {
	ctx, cancel := context.WithCancel(context.Background())
	inbox := make(chan Delivery, inboxSize)
	t.id, t.cancel, t.inbox = task.ID, cancel, inbox
	t.wg.Go(func() {
		defer cancel()
		defer t.crashed(ctx, task.ID)
		t.runner.note("task", task.ID, task.Effect)
		t.runner.Do(ctx, task, inbox, func(ev Event) {
			t.runner.note("event", task.ID, ev)
			select {
			case t.events <- Report{task.ID, ev}:
			case <-ctx.Done():
				t.keepLate(Report{task.ID, ev})
			}
		})
	})
}

// remark reports what no task did. Where nobody takes reports it is dropped.
func (t *Tasks) remark(ev Event) {
	select {
	case t.events <- Report{Event: ev}:
	default:
	}
}

// crashed makes a task's panic its last report, so that the wizard goes on and
// the terminal stays whole.
func (t *Tasks) crashed(ctx context.Context, id int) {
	caught := crash.Caught(recover())
	if caught == nil {
		return
	}
	failed := Failed{Err: caught}
	t.runner.note("event", id, failed)
	select {
	case t.events <- Report{id, failed}:
	case <-ctx.Done():
	}
}

// keepLate keeps what comes after Close began. What comes after a mere Back is
// dropped, as Apply would.
func (t *Tasks) keepLate(r Report) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.closed {
		t.late = append(t.late, r)
	}
}

// Close ends the running task and waits until every goroutine is done. A code
// that is being exchanged is finished first: it cannot be had twice. It gives
// the reports that nobody took, for a last Apply.
func (t *Tasks) Close() []Report {
	t.mu.Lock()
	t.closed = true
	t.cancel()
	t.mu.Unlock()
	t.wg.Wait()
	t.runner.wait()
	var left []Report
	for {
		select {
		case r := <-t.events:
			left = append(left, r)
			continue
		default:
		}
		return append(left, t.late...)
	}
}
