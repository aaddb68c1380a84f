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
	refusals := 0
	for round := 0; ; round++ {
		rec, err, ok := r.once(ctx, &it)
		if ok && r.unlucky(err) && refusals < maxRefusals {
			refusals++
			continue // the limiter makes it wait
		}
		left := time.Until(r.until)
		if !ok || left <= 0 || settled(rec, err) {
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

// settled tells whether a further look cannot change a record: the profile is
// connected, or the token or the line is of no use.
func settled(rec Record, err error) bool {
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
