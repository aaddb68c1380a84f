package profiles

import (
	"cmp"
	"context"
	"hash/maphash"
	"time"
)

// DefaultWatch is how long profiles are looked for by themselves.
const DefaultWatch = 10 * time.Minute

// Row is one account's newest record; Index is its place in the list given.
type Row struct {
	Index  int
	Record Record
	Token  uint64 // the same for the same access token, in this process alone; it tells nothing of it
}

// NameLike keeps the name that an earlier look at the same token had learned, where
// this one, which was refused, has none.
func (r Row) NameLike(before Row) Row {
	if r.Token != before.Token || r.Record.State != Failed {
		return r
	}
	a, b := &r.Record.Account, before.Record.Account
	a.Sub, a.Email, a.Name = cmp.Or(a.Sub, b.Sub), cmp.Or(a.Email, b.Email), cmp.Or(a.Name, b.Name)
	return r
}

var tokenSeed = maphash.MakeSeed()

// WatchOptions say how Watch looks. Options.Unordered and Options.Wait have no
// meaning here: rows come as they are read, and waiting is Watch's own.
type WatchOptions struct {
	Options
	Pauses   []time.Duration    // before the second, third, ... look; the last repeats; nil: 5 s doubling up to 1 min
	For      time.Duration      // when it stops looking by itself; zero: DefaultWatch
	Refresh  <-chan struct{}    // looks at all again, at once, and the time begins anew; give it room for one, so that none is lost
	NextLook func(at time.Time) // when the next look begins by itself; may be nil
	Now      func() time.Time   // the clock of NextLook; nil: time.Now
}

// batch bounds: a screen that draws 60 times a second has no use for more.
const (
	batchRows = 256
	batchTime = 50 * time.Millisecond
)

// Watch reads all accounts and gives their rows to emit, in batches and as they
// come; then it looks again at those that are not connected, with growing
// pauses, until all are, or time is over, or nothing can change any more (a
// token that is refused). It ends with an error only when ctx does. emit and
// NextLook are called by one goroutine at a time. It returns when all it began
// has ended.
func Watch(ctx context.Context, client Client, accounts []Account, opts WatchOptions, emit func([]Row)) error {
	opts.Wait = 0
	w := &watcher{reader: newReader(client, opts.Options), items: make([]item, len(accounts)), opts: opts, emit: emit}
	for i, a := range accounts {
		w.items[i].account = a
	}
	for {
		refreshed, err := w.session(ctx)
		if err != nil || !refreshed {
			return err
		}
	}
}

type watcher struct {
	reader *reader
	items  []item
	opts   WatchOptions
	emit   func([]Row)
}

// session looks until nothing is open or time is over. It is true when it was
// ended by a refresh.
func (w *watcher) session(ctx context.Context) (refreshed bool, err error) {
	limit := w.opts.For
	if limit <= 0 {
		limit = DefaultWatch
	}
	for i := range w.items {
		w.items[i].renewals = 0 // who asks to look again wants the reason, not that there was one
	}
	end := time.Now().Add(limit)
	open := make([]int, len(w.items))
	for i := range open {
		open[i] = i
	}
	for round := 0; ; round++ {
		if open, err = w.look(ctx, open); err != nil {
			return false, err
		}
		left := time.Until(end)
		if len(open) == 0 || left <= 0 {
			return w.asked(), nil
		}
		refreshed, err := w.rest(ctx, min(w.pause(round), left))
		if refreshed || err != nil {
			return refreshed, err
		}
	}
}

func (w *watcher) pause(round int) time.Duration {
	if len(w.opts.Pauses) == 0 {
		return pause(round)
	}
	return w.opts.Pauses[min(round, len(w.opts.Pauses)-1)]
}

// asked tells whether a refresh came while nobody listened.
func (w *watcher) asked() bool {
	select {
	case _, open := <-w.opts.Refresh:
		return open
	default:
		return false
	}
}

// rest waits for the next look.
func (w *watcher) rest(ctx context.Context, d time.Duration) (refreshed bool, err error) {
	if w.opts.NextLook != nil {
		now := time.Now
		if w.opts.Now != nil {
			now = w.opts.Now
		}
		w.opts.NextLook(now().Add(d))
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	refresh := w.opts.Refresh
	for {
		select {
		case _, refreshed = <-refresh:
			if refreshed {
				return true, nil
			}
			refresh = nil // closed: nobody will ask any more
		case <-timer.C:
			return false, nil
		case <-ctx.Done():
			return false, ctx.Err()
		}
	}
}

// look reads the accounts with these indexes once and gives the indexes of those
// worth another look.
func (w *watcher) look(ctx context.Context, which []int) (again []int, err error) {
	p := pool[int, seenRow]{window: window, do: w.readOne}
	jobs := func(yield func(int) bool) {
		for _, i := range which {
			if !yield(i) {
				return
			}
		}
	}
	err = inBatches(func(give func(Row)) error {
		return p.run(ctx, jobs, func(s seenRow) error {
			if !s.final {
				again = append(again, s.row.Index)
			}
			give(s.row)
			return nil
		})
	}, w.emit)
	return again, err
}

type seenRow struct {
	row   Row
	final bool
}

func (w *watcher) readOne(ctx context.Context, i int) (seenRow, bool) {
	rec, err, ok := w.reader.once(ctx, &w.items[i]) // nobody else looks at this one now
	token := maphash.String(tokenSeed, w.items[i].account.AccessToken.Reveal())
	return seenRow{Row{Index: i, Record: rec, Token: token}, final(rec, err)}, ok
}

// inBatches runs produce beside it and hands its rows on in batches: when enough
// came, or a moment after the first of them. It returns produce's error when
// produce has ended and all rows were handed on.
func inBatches(produce func(give func(Row)) error, emit func([]Row)) error {
	rows, result := make(chan Row), make(chan error, 1)
	go func() { // ends before inBatches does: rows is read until it is closed
		defer close(rows)
		result <- produce(func(r Row) { rows <- r })
	}()
	var batch []Row
	var due <-chan time.Time // nil while batch is empty
	flush := func() {
		if len(batch) > 0 {
			emit(batch)
		}
		batch, due = nil, nil
	}
	for {
		select {
		case r, more := <-rows:
			if !more {
				flush()
				return <-result
			}
			if batch = append(batch, r); len(batch) == 1 {
				due = time.After(batchTime)
			}
			if len(batch) >= batchRows {
				flush()
			}
		case <-due:
			flush()
		}
	}
}
