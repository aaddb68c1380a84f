package profiles

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"hash/maphash"
	"iter"
	"maps"
	"net/http"
	"slices"
	"sync"
	"time"

	"confer/cronofy"
	"confer/internal/crash"
)

// Client is what of *cronofy.Client is needed here.
type Client interface {
	UserInfo(ctx context.Context, accessToken cronofy.Secret) (cronofy.UserInfo, error)
}

// Options say how accounts are read. The zero Options is usable.
type Options struct {
	Provider  cronofy.Provider // whom State is about; zero: AnyProvider
	Workers   int              // calls at once; zero: DefaultWorkers; at most MaxWorkers
	Unordered bool             // records as they come instead of in the list's order
	Patience  time.Duration    // how long a record waits for one before it; zero: until maxWaiting wait
	Done      *Done            // accounts that an earlier run has read; nil: none
	Known     map[string]bool  // profile_ids seen before the link; nil: not known

	// Wait is how long, from the beginning of Run, accounts that are not
	// connected are looked at again before their record is given out. At most a
	// window of accounts waits at a time, so that memory stays bounded.
	Wait time.Duration

	Strict bool // end at the first line of the list that is no account

	// Renew gives an access token for an account that has none, or in the place of
	// one that was refused (401); refused is empty, or that one. An empty secret
	// without an error means that there is nothing to renew it with. It may take
	// long and is called by several goroutines at once, at most twice for an
	// account, not counting what ended in a 429. nil: accounts are read with the
	// tokens they have.
	Renew func(ctx context.Context, a Account, refused cronofy.Secret) (cronofy.Secret, error)

	// RenewOnce: Renew has nothing more to say of an account that it failed for.
	RenewOnce bool

	// ErrorOf makes the code and the sentence of a Record's Error; it is called
	// by several goroutines at once. nil: the code "error" and the error's text.
	ErrorOf func(error) (code, message string)
}

// The calls at once. 16 are enough for Cronofy's 50 a second at 300 ms each.
// https://docs.cronofy.com/developers/faqs/rate-limits
const (
	DefaultWorkers = 16
	MaxWorkers     = 256
)

// maxWaiting is how many records wait for one that is late, so that they come in
// the order of the list: all that come in eight minutes at Cronofy's own limit,
// and a few MB. A call that gets no answer ends before that.
const maxWaiting = 4096

// Accounts that wait to be looked at again, or for a token, hold their places
// meanwhile, so there are more of them.
const (
	renewWindow = 128
	waitWindow  = 4 * renewWindow
)

// window is how many accounts are held at once, each with a goroutine, which bounds
// memory: some more than calls are made, so that the next is there when one ends.
func (o Options) window() int {
	switch calls := o.workers(); {
	case o.Wait > 0:
		return waitWindow
	case o.Renew != nil:
		return max(renewWindow, calls)
	default:
		return calls + calls/4
	}
}

func (o Options) workers() int {
	if o.Workers <= 0 {
		return DefaultWorkers
	}
	return min(o.Workers, MaxWorkers)
}

// Summary counts what Run gave out.
type Summary struct {
	Read                                     int // records given out
	Connected, Disconnected, Missing, Failed int // by state; they add up to Read
	Own                                      int // of the missing, those with Record.Own
}

// Run reads each account and gives its record to emit, in the order of the list
// unless opts say otherwise; but an account for which maxWaiting others wait is
// passed over, and its record comes when it comes. emit is called by one goroutine
// at a time, at most once for an account; while it blocks, nothing further is
// begun.
//
// A line of the list that cannot be used (a *RowError) is a record too, unless
// Options.Strict says otherwise. Run ends with an error when ctx does (what was read
// by then is given out), when emit fails, or when the list itself cannot be read on;
// what was given out stays valid. It returns when all it began has ended, so accounts
// must not block for ever: a reader of a terminal or a pipe has to be closed when ctx
// ends.
func Run(ctx context.Context, client Client, accounts iter.Seq2[Account, error], opts Options, emit func(Record) error) (Summary, error) {
	var sum Summary
	r := newReader(client, opts)
	in := &intake{accounts: accounts, seen: newSeen(), strict: opts.Strict, done: opts.Done}
	p := pool[item]{window: opts.window(), hold: maxWaiting, patience: opts.Patience}
	if opts.Unordered {
		p.hold = 0
	}
	p.do = func(ctx context.Context, it item) func() error {
		rec, ok := r.read(ctx, it)
		if !ok {
			return nil
		}
		return func() error {
			sum.Count(rec)
			return emit(rec)
		}
	}
	err := p.run(ctx, in.items)
	if err == nil {
		err = in.err
	}
	return sum, err
}

// Add adds another summary.
func (s *Summary) Add(o Summary) {
	s.Read += o.Read
	s.Connected += o.Connected
	s.Disconnected += o.Disconnected
	s.Missing += o.Missing
	s.Failed += o.Failed
	s.Own += o.Own
}

// Count adds a record.
func (s *Summary) Count(rec Record) {
	if rec.Own {
		s.Own++
	}
	s.add(rec.State, 1)
}

// Change counts an account in another state than before; "": it was not counted.
func (s *Summary) Change(before, now State) {
	s.add(before, -1)
	s.add(now, 1)
}

func (s *Summary) add(state State, n int) {
	switch state {
	case Connected:
		s.Connected += n
	case Disconnected:
		s.Disconnected += n
	case Missing:
		s.Missing += n
	case Failed:
		s.Failed += n
	default:
		return
	}
	s.Read += n
}

// item is an account to read, or a line that is none.
type item struct {
	account  Account
	err      error
	renewals int
}

// maxRenewals: one token that is known already, and one that is made.
const maxRenewals = 2

// intake turns the list into items. Its fields are read after the pool ended.
type intake struct {
	accounts iter.Seq2[Account, error]
	seen     *seen
	strict   bool
	done     *Done
	err      error // why the list could not be read on
}

func (in *intake) items(yield func(item) bool) {
	for a, err := range in.accounts {
		var row *RowError
		if err != nil && (in.strict || !errors.As(err, &row)) {
			in.err = err
			return
		}
		if err == nil && in.seen.before(a) {
			continue
		}
		if in.done != nil {
			if err == nil && a.listed() == "" {
				in.err = &InputError{At: RowError{Line: a.Row, Reason: "neither email nor sub: nobody can tell whether this account was read before"}}
				return
			}
			if in.done.Has(a) {
				continue
			}
		}
		if !yield(item{account: a, err: err}) {
			return
		}
	}
}

// maxSeen bounds what is remembered to one MB. A line that repeats a later one is
// read a second time.
const maxSeen = 120_000

// seen notices tokens that came before, by a keyed hash: two of 100,000 tokens
// collide with a probability of 3e-10. It keeps the hashes in sorted blocks, because
// a map of so many takes three times the memory.
type seen struct {
	seed   maphash.Seed
	recent map[uint64]struct{} // of less than a block
	blocks [][]uint64
}

const seenBlock = 4096

func newSeen() *seen { return &seen{seed: maphash.MakeSeed(), recent: map[uint64]struct{}{}} }

func (s *seen) before(a Account) bool {
	token := a.RefreshToken // outlives access tokens
	if token.Empty() {
		token = a.AccessToken
	}
	if token.Empty() {
		return false
	}
	h := maphash.String(s.seed, token.Reveal())
	if s.has(h) {
		return true
	}
	if len(s.blocks)*seenBlock+len(s.recent) >= maxSeen {
		return false
	}
	if s.recent[h] = struct{}{}; len(s.recent) == seenBlock {
		block := slices.AppendSeq(make([]uint64, 0, seenBlock), maps.Keys(s.recent))
		slices.Sort(block)
		s.blocks = append(s.blocks, block)
		clear(s.recent)
	}
	return false
}

func (s *seen) has(h uint64) bool {
	_, there := s.recent[h]
	return there || slices.ContainsFunc(s.blocks, func(block []uint64) bool {
		_, found := slices.BinarySearch(block, h)
		return found
	})
}

// reader reads single accounts, at most as many at once as slots has room.
type reader struct {
	client Client
	opts   Options
	slots  chan struct{}
	until  time.Time // no second look after this
}

func newReader(client Client, opts Options) *reader {
	return &reader{client: client, opts: opts, slots: make(chan struct{}, opts.workers()), until: time.Now().Add(opts.Wait)}
}

// read gives an item's record, after looking again as long as Options.Wait says.
// It is false when ctx ended first.
func (r *reader) read(ctx context.Context, it item) (Record, bool) {
	refusals := 0
	for round := 0; ; round++ {
		rec, err, ok := r.once(ctx, &it)
		if ok && r.unlucky(err) && refusals < maxRefusals {
			refusals++
			continue // the limiter makes it wait
		}
		left := time.Until(r.until)
		if !ok || left <= 0 || final(rec, err) {
			return rec, ok
		}
		if !sleep(ctx, min(pause(round), left)) {
			return Record{}, false
		}
	}
}

// maxRefusals is how often a call that met only 429s is begun anew. The client has
// tried for minutes by then; but among hundreds of calls that share a limit which
// is lower than believed, one may be unlucky for long.
const maxRefusals = 3

// crowded tells a rate limit that is met for the moment from one that is used up.
func crowded(err error) bool {
	const longest = 2 * time.Minute
	e, ok := errors.AsType[*cronofy.Error](err)
	return ok && e.Status == http.StatusTooManyRequests && e.RetryAfter <= longest
}

// unlucky tells whether a call is to be begun anew.
func (r *reader) unlucky(err error) bool {
	var renew *RenewError
	return crowded(err) && !(r.opts.RenewOnce && errors.As(err, &renew))
}

// once looks once; a renewed token stays in the item. A waiting account holds no
// slot.
func (r *reader) once(ctx context.Context, it *item) (rec Record, err error, ok bool) {
	if it.err != nil {
		return r.failed(it.account, it.err), it.err, ctx.Err() == nil
	}
	info, err := r.userInfo(ctx, it)
	switch {
	case err == nil:
		return Evaluate(info, r.opts.Provider, r.opts.Known).named(it.account), nil, true
	case ctx.Err() != nil:
		return Record{}, nil, false
	}
	return r.failed(it.account, err), err, true
}

// userInfo reads userinfo, and again after the account's token was renewed.
func (r *reader) userInfo(ctx context.Context, it *item) (info cronofy.UserInfo, err error) {
	err = ErrOnlyRefreshToken
	for {
		if !it.account.AccessToken.Empty() {
			info, err = r.call(ctx, it.account.AccessToken)
			if cronofy.StatusOf(err) != http.StatusUnauthorized {
				return info, err
			}
		}
		if r.opts.Renew == nil || it.renewals == maxRenewals {
			return info, err
		}
		it.renewals++
		fresh, renewErr := r.opts.Renew(ctx, it.account, it.account.AccessToken)
		switch {
		case renewErr != nil:
			if crowded(renewErr) { // it was not carried out
				it.renewals--
			}
			return info, &RenewError{renewErr}
		case fresh.Empty():
			return info, err
		}
		it.account.AccessToken = fresh
	}
}

func (r *reader) call(ctx context.Context, token cronofy.Secret) (cronofy.UserInfo, error) {
	select {
	case r.slots <- struct{}{}:
	case <-ctx.Done():
		return cronofy.UserInfo{}, ctx.Err()
	}
	defer func() { <-r.slots }()
	return r.client.UserInfo(ctx, token)
}

func (r *reader) failed(a Account, err error) Record {
	if r.opts.ErrorOf == nil {
		return failed(a, "error", err.Error())
	}
	code, message := r.opts.ErrorOf(err)
	return failed(a, code, message)
}

// final tells whether a further look cannot change a record: the profile is
// connected, or the token or the line is of no use.
func final(rec Record, err error) bool {
	if rec.State == Connected || errors.Is(err, ErrOnlyRefreshToken) || errors.Is(err, cronofy.ErrUnsendable) {
		return true
	}
	var row *RowError
	var renew *RenewError
	if errors.As(err, &row) || errors.As(err, &renew) {
		return true
	}
	var api *cronofy.Error
	if !errors.As(err, &api) {
		return false
	}
	switch api.Status {
	case http.StatusUnauthorized, http.StatusPaymentRequired, http.StatusForbidden:
		return true
	}
	return false
}

// pause is how long to leave an account alone after its look number round, from
// 0. When Cronofy matches accounts is not documented: soon at first, then at a
// pace that costs a hundred accounts a fifth of the rate limit.
func pause(round int) time.Duration {
	const first, most = 5 * time.Second, time.Minute
	if round > 4 {
		return most
	}
	return min(first<<round, most)
}

// sleep is false when ctx ended first.
func sleep(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-ctx.Done():
		return false
	}
}

// pool does jobs side by side.
type pool[J any] struct {
	window   int           // jobs under way, each with a goroutine
	hold     int           // jobs that have ended and wait for those before them at most; 0: none waits
	patience time.Duration // how long they wait; 0: for ever

	// do does a job and gives what comes then, for one job at a time; nil: the job
	// was given up because ctx ended.
	do func(context.Context, J) (then func() error)
}

// ended is a job that has.
type ended struct {
	number int
	then   func() error
	caught *crash.Error
}

// run does what comes after the jobs in the order of the jobs, but does not let one
// that is late hold up the others: when hold of them wait for it, their turn has
// come, and that of the late one when it has ended. When ctx ends, so has that of all
// that were finished. It returns when every goroutine it began has ended. Its error
// is that of what came after a job, or ctx's if anything was left undone because of
// it. A panic in do becomes its own, with a *crash.Error, because nobody above could
// deal with one elsewhere.
func (p pool[J]) run(ctx context.Context, jobs iter.Seq[J]) error {
	inner, stop := context.WithCancel(ctx)
	var work sync.WaitGroup
	defer work.Wait()
	defer stop()
	slots, results := make(chan struct{}, p.window), make(chan ended, p.window)
	complete := false // written before results is closed
	work.Go(func() {
		defer close(results)
		var running sync.WaitGroup
		defer running.Wait()
		number := 0
		for j := range jobs {
			select {
			case slots <- struct{}{}:
			case <-inner.Done():
				return
			}
			n := number
			running.Go(func() { results <- p.one(inner, n, j) }) // there is room for all under way
			number++
		}
		complete = true
	})
	next, waiting := 0, map[int]func() error{}
	finish := func(number int) error {
		then := waiting[number]
		delete(waiting, number)
		if then == nil {
			return nil
		}
		return then()
	}
	undone := false
	var late <-chan time.Time // nil while nothing waits
	for open := true; open; {
		first, most := next, 0 // so many may go on waiting: none at the end, or when patience is
		select {
		case r, more := <-results:
			if open = more; !more {
				break
			}
			<-slots
			if r.caught != nil {
				panic(r.caught)
			}
			undone = undone || r.then == nil
			waiting[r.number], most = r.then, p.hold
			if r.number < next { // it was passed over
				if err := finish(r.number); err != nil {
					return err
				}
			}
		case <-late:
		}
		for len(waiting) > 0 {
			if _, here := waiting[next]; !here && len(waiting) <= most {
				break
			}
			if err := finish(next); err != nil {
				return err
			}
			next++
		}
		switch {
		case len(waiting) == 0:
			late = nil
		case p.patience > 0 && (late == nil || next != first):
			late = time.After(p.patience)
		}
	}
	if undone || !complete {
		return fmt.Errorf("read profiles: %w", ctx.Err())
	}
	return nil
}

func (p pool[J]) one(ctx context.Context, number int, j J) (e ended) {
	defer func() {
		if caught := crash.Caught(recover()); caught != nil {
			e = ended{number: number, caught: caught}
		}
	}()
	return ended{number: number, then: p.do(ctx, j)}
}

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
	Refresh  <-chan struct{}        // looks at all again, at once, and the time begins anew; give it room for one, so that none is lost
	Pauses   []time.Duration        // before the second, third, ... look; the last repeats; nil: 5 s doubling up to 1 min
	NextLook func(in time.Duration) // when the next look begins by itself; nil: nobody is told
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
	end := time.Now().Add(DefaultWatch)
	open := make([]int, len(w.items))
	for i := range open {
		open[i] = i
		w.items[i].renewals = 0 // who asks to look again wants the reason, not that there was one
	}
	for round := 0; ; round++ {
		if open, err = w.look(ctx, open); err != nil {
			return false, err
		}
		left := time.Until(end)
		if len(open) == 0 || left <= 0 {
			select {
			case <-w.opts.Refresh: // while nobody listened
				return true, nil
			default:
				return false, nil
			}
		}
		wait := pause(round)
		if len(w.opts.Pauses) > 0 {
			wait = w.opts.Pauses[min(round, len(w.opts.Pauses)-1)]
		}
		wait = min(wait, left)
		if w.opts.NextLook != nil {
			w.opts.NextLook(wait)
		}
		select {
		case <-w.opts.Refresh:
			return true, nil
		case <-time.After(wait):
		case <-ctx.Done():
			return false, ctx.Err()
		}
	}
}

// look reads the accounts with these indexes once and gives the indexes of those
// worth another look.
func (w *watcher) look(ctx context.Context, which []int) (again []int, err error) {
	err = inBatches(func(give func(Row)) error {
		p := pool[int]{window: w.opts.window()}
		p.do = func(ctx context.Context, i int) func() error {
			rec, err, ok := w.reader.once(ctx, &w.items[i]) // nobody else looks at this one now
			if !ok {
				return nil
			}
			token := maphash.String(tokenSeed, w.items[i].account.AccessToken.Reveal())
			return func() error {
				if !final(rec, err) {
					again = append(again, i)
				}
				give(Row{Index: i, Record: rec, Token: token})
				return nil
			}
		}
		return p.run(ctx, slices.Values(which))
	}, w.emit)
	return again, err
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
