package profiles

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"hash/maphash"
	"iter"
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
	// account. nil: accounts are read with the tokens they have.
	Renew func(ctx context.Context, a Account, refused cronofy.Secret) (cronofy.Secret, error)

	// ErrorOf makes the code and the sentence of a Record's Error; it is called
	// by several goroutines at once. nil: the code "error" and the error's text.
	ErrorOf func(error) (code, message string)

	// Of Watch alone, which always gives rows as they come:
	Pauses   []time.Duration        // before the second, third, ... look; the last repeats; nil: as pause has them
	NextLook func(in time.Duration) // when the next look begins; nil: nobody is told
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
	case o.Renew != nil: // of codes, which are short-lived, no more than are exchanged within seconds
		return max(renewWindow, calls)
	case o.Wait > 0:
		return waitWindow
	default:
		return calls + calls/4
	}
}

func (o Options) workers() int {
	return min(cmp.Or(o.Workers, DefaultWorkers), MaxWorkers)
}

// Summary counts what Run gave out.
type Summary struct {
	Read                                     int // records given out
	Connected, Disconnected, Missing, Failed int // by state; they add up to Read
	Own                                      int // of the missing, those with Record.Own
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
func (s *Summary) Count(rec Record) { s.add(rec.State, rec.Own, 1) }

// add counts an account n times; without a state there is none.
func (s *Summary) add(state State, own bool, n int) {
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
	if own {
		s.Own += n
	}
}

// Run reads each account and gives its record to emit, in the order of the list
// unless opts say otherwise; but an account for which maxWaiting others wait is
// passed over, and its record comes when it comes. emit is called by one goroutine
// at a time, at most once for an account; while it blocks, nothing further is
// begun.
//
// A line of the list that cannot be used (a *ListError) is a record too, unless
// Options.Strict says otherwise. Run ends with an error when ctx does (what was read
// by then is given out), when emit fails, or when the list itself cannot be read on;
// what was given out stays valid. It returns when all it began has ended, so accounts
// must not block for ever: a reader of a terminal or a pipe has to be closed when ctx
// ends.
func Run(ctx context.Context, client Client, accounts iter.Seq2[Account, error], opts Options, emit func(Record) error) (sum Summary, err error) {
	r := newReader(client, opts)
	var unreadable error // is written before run returns
	items := func(yield func(*item) bool) {
		seen := newSeen()
		for a, err := range accounts {
			if err == nil && seen(a) {
				continue
			}
			if err == nil && opts.Done != nil && a.listed() == "" {
				err = fmt.Errorf("line %d: neither email nor sub: nobody can tell whether this account was read before", a.Row)
			}
			if _, ofLine := errors.AsType[*ListError](err); err != nil && (opts.Strict || !ofLine) {
				unreadable = err
				return
			}
			if opts.Done != nil && opts.Done.Has(a) {
				continue
			}
			if !yield(&item{account: a, err: err}) {
				return
			}
		}
	}
	hold := maxWaiting
	if opts.Unordered {
		hold = 0
	}
	err = r.run(ctx, items, r.read, hold, func(o outcome) error {
		sum.Count(o.record)
		return emit(o.record)
	})
	if err == nil {
		err = unreadable
	}
	return sum, err
}

// maxSeen bounds what is remembered to a MB. A line that repeats a later one is
// read a second time.
const maxSeen = 3 << 14

// newSeen notices tokens that came before, by a keyed hash: two of so many tokens collide
// with a probability of 1e-10.
func newSeen() (before func(Account) bool) {
	seed, hashes := maphash.MakeSeed(), map[uint64]bool{}
	return func(a Account) bool {
		token := a.RefreshToken // outlives access tokens
		if token.Empty() {
			token = a.AccessToken
		}
		h := maphash.String(seed, token.Reveal())
		before := hashes[h]
		if !token.Empty() && len(hashes) < maxSeen {
			hashes[h] = true
		}
		return before
	}
}

// item is an account to read, or a line that is none.
type item struct {
	account  Account
	err      error
	number   int // among those that are looked at
	renewals int

	index int   // of Watch, where it stands in the list
	state State // and how it was counted last
	own   bool
}

// maxRenewals: one token that is known already, and one that is made.
const maxRenewals = 2

// outcome is what became of an item.
type outcome struct {
	item   *item
	record Record
	final  bool // a further look cannot change it: it is connected, or token or line are of no use
	undone bool // ctx ended first
	caught *crash.Error
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

// read looks at an item, and again for as long as Options.Wait says.
func (r *reader) read(ctx context.Context, it *item) outcome {
	for round := 0; ; round++ {
		o := r.look(ctx, it)
		left := time.Until(r.until)
		if o.undone || o.final || left <= 0 {
			return o
		}
		if cronofy.Sleep(ctx, min(pause(round), left)) != nil {
			return outcome{item: it, undone: true}
		}
	}
}

// look looks once; a renewed token stays in the item. A waiting account holds no
// slot.
func (r *reader) look(ctx context.Context, it *item) outcome {
	err := it.err
	var info cronofy.UserInfo
	if err == nil {
		info, err = r.userInfo(ctx, it)
	}
	var renew *RenewError
	switch {
	case err == nil:
		rec := Evaluate(info, r.opts.Provider, r.opts.Known).named(it.account)
		return outcome{item: it, record: rec, final: rec.State == Connected}
	case ctx.Err() != nil:
		return outcome{item: it, undone: true}
	}
	code, message := "error", err.Error()
	if r.opts.ErrorOf != nil {
		code, message = r.opts.ErrorOf(err)
	}
	refused := slices.Contains([]int{http.StatusUnauthorized, http.StatusPaymentRequired, http.StatusForbidden}, cronofy.StatusOf(err))
	return outcome{item: it, record: failed(it.account, code, message), final: refused || it.err != nil || errors.As(err, &renew) ||
		errors.Is(err, ErrOnlyRefreshToken) || errors.Is(err, cronofy.ErrUnsendable)}
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
			return info, &RenewError{renewErr}
		case fresh.Empty():
			return info, err
		}
		it.account.AccessToken = fresh
	}
}

// maxRefusals is how often a call that met only 429s is begun anew. The client has
// tried for minutes by then; but among hundreds of calls that share a limit which
// is lower than believed, one may be unlucky for long. The limiter makes it wait.
const maxRefusals = 3

func (r *reader) call(ctx context.Context, token cronofy.Secret) (info cronofy.UserInfo, err error) {
	select {
	case r.slots <- struct{}{}:
		defer func() { <-r.slots }()
	case <-ctx.Done():
		return info, ctx.Err()
	}
	for range maxRefusals + 1 {
		info, err = r.client.UserInfo(ctx, token)
		refused, ok := errors.AsType[*cronofy.Error](err)
		if !ok || refused.Status != http.StatusTooManyRequests || refused.RetryAfter > 2*time.Minute { // used up
			break
		}
	}
	return info, err
}

// pause is how long to leave an account alone after its look number round, from
// 0. When Cronofy matches accounts is not documented: soon at first, then at a
// pace that costs a hundred accounts a fifth of the rate limit.
func pause(round int) time.Duration {
	return min(5*time.Second<<min(round, 4), time.Minute)
}

// run looks at items side by side and gives their outcomes to emit, in the order of
// the items, but does not let one that is late hold up the others: when more than hold
// of them wait for it, or have waited for Options.Patience, their turn has come, and
// that of the late one when it has ended. When ctx ends, so has that of all that were
// finished. It returns when every goroutine it began has ended. Its error is emit's or
// ctx's. A panic in look or items becomes its own, with a *crash.Error, because nobody
// above could deal with one elsewhere.
func (r *reader) run(ctx context.Context, items iter.Seq[*item], look func(context.Context, *item) outcome, hold int, emit func(outcome) error) error {
	inner, stop := context.WithCancel(ctx)
	var work sync.WaitGroup
	defer work.Wait()
	defer stop()
	window := r.opts.window()
	slots, results := make(chan struct{}, window), make(chan outcome, window+1) // room for all under way, and a panic of items
	passOn := func() {
		if caught := crash.Caught(recover()); caught != nil {
			results <- outcome{caught: caught}
		}
	}
	work.Go(func() {
		defer close(results)
		defer passOn()
		var running sync.WaitGroup
		defer running.Wait()
		number := 0
		for it := range items {
			it.number = number
			number++
			select {
			case slots <- struct{}{}:
			case <-inner.Done():
				return
			}
			running.Go(func() {
				defer passOn()
				results <- look(inner, it)
			})
		}
	})
	next, waiting := 0, map[int]outcome{}
	give := func(o outcome) error {
		if o.undone {
			return nil
		}
		return emit(o)
	}
	giveAll := func(most int) error { // until so many go on waiting, or fewer
		for ; len(waiting) > 0; next++ {
			o, here := waiting[next]
			switch {
			case here:
				delete(waiting, next)
				if err := give(o); err != nil {
					return err
				}
			case len(waiting) <= most:
				return nil
			}
		}
		return nil
	}
	var late <-chan time.Time // when patience ends; nil while nothing waits
	for open := true; open; {
		first, most := next, hold
		select {
		case o, more := <-results:
			switch {
			case !more:
				open, most = false, 0
			case o.caught != nil:
				panic(o.caught)
			case o.item.number < next: // it was passed over
				<-slots
				if err := give(o); err != nil {
					return err
				}
			default:
				<-slots
				waiting[o.item.number] = o
			}
		case <-late:
			most = 0
		}
		if err := giveAll(most); err != nil {
			return err
		}
		if len(waiting) == 0 {
			late = nil
		} else if r.opts.Patience > 0 && (late == nil || next != first) {
			late = time.After(r.opts.Patience)
		}
	}
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("read profiles: %w", err)
	}
	return nil
}

// DefaultWatch is how long profiles are looked for by themselves.
const DefaultWatch = 10 * time.Minute

// Row is one account's newest record; Index is its place in the list given.
type Row struct {
	Index  int
	Record Record
}

// batchTime is how long a row may wait for others: a screen that draws 60 times a
// second has no use for more.
const batchTime = 50 * time.Millisecond

// Watch reads all accounts and gives their rows to emit, in batches and as they
// come, with the counts of all; then it looks again at those that are not connected,
// with growing pauses, until all are, or time is over, or nothing can change any more
// (a token that is refused). It ends with an error only when ctx does. emit and
// NextLook are called by one goroutine at a time. It returns when all it began
// has ended.
func Watch(ctx context.Context, client Client, accounts []Account, opts Options, emit func([]Row, Summary)) error {
	opts.Wait = 0
	r := newReader(client, opts)
	var open []*item
	for i, a := range accounts {
		open = append(open, &item{index: i, account: a})
	}
	var mu sync.Mutex
	var batch []Row
	var sum Summary
	flush := func() {
		mu.Lock()
		defer mu.Unlock()
		if len(batch) > 0 {
			emit(batch, sum)
			batch = nil
		}
	}
	due := time.AfterFunc(batchTime, flush)
	defer due.Stop()
	end := time.Now().Add(DefaultWatch)
	for round := 0; ; round++ {
		var again []*item
		err := r.run(ctx, slices.Values(open), r.look, 0, func(o outcome) error {
			mu.Lock()
			defer mu.Unlock()
			if !o.final {
				again = append(again, o.item)
			}
			sum.add(o.item.state, o.item.own, -1)
			o.item.state, o.item.own = o.record.State, o.record.Own
			sum.Count(o.record)
			if batch = append(batch, Row{o.item.index, o.record}); len(batch) == 1 {
				due.Reset(batchTime)
			}
			return nil
		})
		flush()
		left := time.Until(end)
		if err != nil || len(again) == 0 || left <= 0 {
			return err
		}
		open = again
		wait := pause(round)
		if len(opts.Pauses) > 0 {
			wait = opts.Pauses[min(round, len(opts.Pauses)-1)]
		}
		wait = min(wait, left)
		if opts.NextLook != nil {
			opts.NextLook(wait)
		}
		if err := cronofy.Sleep(ctx, wait); err != nil {
			return err
		}
	}
}
