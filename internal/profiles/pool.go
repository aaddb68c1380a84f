package profiles

import (
	"context"
	"fmt"
	"iter"
	"sync"

	"confer/internal/crash"
)

// pool does jobs side by side and hands their results on, one at a time. At most
// window results wait to be handed on; then no further job is begun.
type pool[J, R any] struct {
	window    int
	unordered bool
	do        func(context.Context, J) (R, bool) // false: given up because ctx ended
}

type outcome[R any] struct {
	value  R
	ok     bool
	caught *crash.Error
}

// run returns when every goroutine it began has ended. Its error is emit's, or
// ctx's if anything was left undone because of it. A panic in do becomes its own,
// with a *crash.Error, because nobody above could deal with one elsewhere.
func (p pool[J, R]) run(ctx context.Context, jobs iter.Seq[J], emit func(R) error) error {
	inner, stop := context.WithCancel(ctx)
	var work sync.WaitGroup
	defer work.Wait()
	defer stop()
	results := p.inOrder
	if p.unordered {
		results = p.asTheyCome
	}
	for r := range results(inner, &work, jobs) {
		if r.caught != nil {
			panic(r.caught)
		}
		if !r.ok {
			return fmt.Errorf("read profiles: %w", ctx.Err())
		}
		if err := emit(r.value); err != nil {
			return err
		}
	}
	return nil
}

// inOrder queues each job's own channel before the job is begun, so that the
// queue's length bounds the jobs under way.
func (p pool[J, R]) inOrder(ctx context.Context, work *sync.WaitGroup, jobs iter.Seq[J]) iter.Seq[outcome[R]] {
	queue := make(chan chan outcome[R], p.window)
	complete := false // written before queue is closed
	work.Go(func() {
		defer close(queue)
		for j := range jobs {
			out := make(chan outcome[R], 1)
			select {
			case queue <- out:
			case <-ctx.Done():
				return
			}
			work.Go(func() { out <- p.one(ctx, j) })
		}
		complete = true
	})
	return func(yield func(outcome[R]) bool) {
		for out := range queue {
			if !yield(<-out) {
				return
			}
		}
		if !complete {
			yield(outcome[R]{})
		}
	}
}

// asTheyCome gives each job a slot until its result was taken; the channel has
// room for all of them, so no job ever blocks on it.
func (p pool[J, R]) asTheyCome(ctx context.Context, work *sync.WaitGroup, jobs iter.Seq[J]) iter.Seq[outcome[R]] {
	slots, results := make(chan struct{}, p.window), make(chan outcome[R], p.window)
	complete := false // written before results is closed
	work.Go(func() {
		defer close(results)
		var running sync.WaitGroup
		defer running.Wait()
		for j := range jobs {
			select {
			case slots <- struct{}{}:
			case <-ctx.Done():
				return
			}
			running.Go(func() { results <- p.one(ctx, j) })
		}
		complete = true
	})
	return func(yield func(outcome[R]) bool) {
		for r := range results {
			<-slots
			if !yield(r) {
				return
			}
		}
		if !complete {
			yield(outcome[R]{})
		}
	}
}

func (p pool[J, R]) one(ctx context.Context, j J) (o outcome[R]) {
	defer func() {
		if caught := crash.Caught(recover()); caught != nil {
			o = outcome[R]{caught: caught}
		}
	}()
	v, ok := p.do(ctx, j)
	return outcome[R]{value: v, ok: ok}
}
