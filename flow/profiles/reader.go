package profiles

import (
	"context"
	"errors"
	"net/http"
	"time"

	"confer/cronofy"
)

// reader reads single accounts, at most as many at once as slots has room.
type reader struct {
	client Client
	opts   Options
	slots  chan struct{}
	until  time.Time // no second look after this
}

func newReader(client Client, opts Options) *reader {
	n := opts.Workers
	if n <= 0 {
		n = DefaultWorkers
	}
	return &reader{client: client, opts: opts, slots: make(chan struct{}, min(n, MaxWorkers)), until: time.Now().Add(opts.Wait)}
}

// read gives an item's record, after looking again as long as Options.Wait says.
// It is false when ctx ended first.
func (r *reader) read(ctx context.Context, it item) (Record, bool) {
	for round := 0; ; round++ {
		rec, err, ok := r.once(ctx, it)
		left := time.Until(r.until)
		if !ok || left <= 0 || settled(rec, err) {
			return rec, ok
		}
		if !sleep(ctx, min(pause(round), left)) {
			return Record{}, false
		}
	}
}

// once looks once. A waiting account holds no slot.
func (r *reader) once(ctx context.Context, it item) (rec Record, err error, ok bool) {
	err = it.err
	if err == nil && it.account.AccessToken.Empty() {
		err = ErrOnlyRefreshToken
	}
	if err != nil {
		return r.failed(it.account, err), err, ctx.Err() == nil
	}
	select {
	case r.slots <- struct{}{}:
	case <-ctx.Done():
		return Record{}, nil, false
	}
	info, err := r.client.UserInfo(ctx, it.account.AccessToken)
	<-r.slots
	switch {
	case err == nil:
		return Evaluate(info, r.opts.Provider, r.opts.Known).named(it.account), nil, true
	case ctx.Err() != nil:
		return Record{}, nil, false
	}
	return r.failed(it.account, err), err, true
}

func (r *reader) failed(a Account, err error) Record {
	if r.opts.ErrorOf == nil {
		return failed(a, "error", err.Error())
	}
	code, message := r.opts.ErrorOf(err)
	return failed(a, code, message)
}

// settled tells whether a further look cannot change a record: the profile is
// connected, or the token or the line is of no use.
func settled(rec Record, err error) bool {
	if rec.State == Connected || errors.Is(err, ErrOnlyRefreshToken) || errors.Is(err, cronofy.ErrUnsendable) {
		return true
	}
	var row *RowError
	if errors.As(err, &row) {
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
