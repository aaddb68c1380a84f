package profiles

import (
	"context"
	"errors"
	"hash/maphash"
	"iter"
	"time"

	"confer/cronofy"
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

// window is how many accounts are held at once, each with a goroutine: it lets the
// fast go on behind a slow one, and bounds memory. Accounts that wait to be looked
// at again hold their places meanwhile, so with Options.Wait there are more.
const (
	window     = 128
	waitWindow = 4 * window
)

// window is never smaller than the calls at once.
func (o Options) window() int {
	if o.Wait > 0 {
		return waitWindow
	}
	return max(window, min(o.Workers, MaxWorkers))
}

// Summary counts what Run gave out.
type Summary struct {
	Read                                     int // records given out
	Connected, Disconnected, Missing, Failed int // by state; they add up to Read
	Own                                      int // of the missing, those with Record.Own
	Duplicates                               int // lines left out because their token came before
}

// Run reads each account and gives its record to emit, in the order of the list
// unless opts say otherwise. emit is called by one goroutine at a time, at most
// once for an account; while it blocks, nothing further is begun.
//
// A line of the list that cannot be used (a *RowError) is a record too, unless
// Options.Strict says otherwise. Run ends
// with an error when ctx does (then no record is missing before the last one
// given out, if in order), when emit fails, or when the list itself cannot be
// read on; what was given out stays valid. It returns when all it began has
// ended, so accounts must not block for ever: a reader of a terminal or a pipe
// has to be closed when ctx ends.
func Run(ctx context.Context, client Client, accounts iter.Seq2[Account, error], opts Options, emit func(Record) error) (Summary, error) {
	var sum Summary
	r := newReader(client, opts)
	in := &intake{accounts: accounts, seen: newSeen(), strict: opts.Strict}
	p := pool[item, Record]{window: opts.window(), unordered: opts.Unordered, do: r.read}
	err := p.run(ctx, in.items, func(rec Record) error {
		sum.Count(rec)
		return emit(rec)
	})
	sum.Duplicates = in.seen.duplicates
	if err == nil {
		err = in.err
	}
	return sum, err
}

// Count adds a record.
func (s *Summary) Count(rec Record) {
	s.Read++
	if rec.Own {
		s.Own++
	}
	switch rec.State {
	case Connected:
		s.Connected++
	case Disconnected:
		s.Disconnected++
	case Missing:
		s.Missing++
	case Failed:
		s.Failed++
	}
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
		if !yield(item{account: a, err: err}) {
			return
		}
	}
}

// seenSlots bounds what is remembered to 1 MB. They are taken in pieces, so that
// a list of a dozen costs next to nothing. When maxSeen are taken, no more is
// remembered: a line that repeats a late one is read a second time.
const (
	seenSlots = 1 << 17
	seenPiece = 1 << 6
	maxSeen   = seenSlots / 16 * 15 // 122,880
)

// seen notices tokens that came before, by a keyed hash: two of 100,000 tokens
// collide with a probability of 3e-10.
type seen struct {
	seed       maphash.Seed
	pieces     [seenSlots / seenPiece]*[seenPiece]uint64 // open addressing; 0 is a free slot
	used       int
	duplicates int
}

func newSeen() *seen { return &seen{seed: maphash.MakeSeed()} }

func (s *seen) slot(i uint64) *uint64 {
	piece := &s.pieces[i/seenPiece]
	if *piece == nil {
		*piece = new([seenPiece]uint64)
	}
	return &(*piece)[i%seenPiece]
}

func (s *seen) before(a Account) bool {
	token := a.RefreshToken // outlives access tokens
	if token.Empty() {
		token = a.AccessToken
	}
	if token.Empty() {
		return false
	}
	h := max(1, maphash.String(s.seed, token.Reveal()))
	i := h % seenSlots
	for *s.slot(i) != 0 {
		if *s.slot(i) == h {
			s.duplicates++
			return true
		}
		i = (i + 1) % seenSlots
	}
	if s.used < maxSeen {
		*s.slot(i) = h
		s.used++
	}
	return false
}
