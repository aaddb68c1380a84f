package delegated

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"net/http"
	"strings"
	"sync"
	"time"

	"confer/cronofy"
)

// ask requests access for up to MaxDelegatedAccess accounts. When it returns
// each of them has an end or somebody who attends to it.
func (d *Receiver) ask(rows []*row) {
	select {
	case d.turn <- struct{}{}:
		defer func() { <-d.turn }()
	case <-d.ctx.Done():
		endAll(rows, ErrClosed)
		return
	}
	if err := d.Fatal(); err != nil {
		endAll(rows, err)
		return
	}
	for i, r := range rows {
		if err := d.open(r); err != nil {
			endAll(rows[i:], err)
			rows = rows[:i]
			break
		}
	}
	if len(rows) > 0 {
		d.request(rows)
	}
}

// open takes a slot, makes the account's callback URL live and attends to it.
func (d *Receiver) open(r *row) error {
	var id [16]byte         // 128 bits
	_, _ = rand.Read(id[:]) // it never fails
	select {
	case d.slots <- struct{}{}:
	case <-d.ctx.Done():
		return ErrClosed
	}
	r.id = hex.EncodeToString(id[:])
	r.url = d.base.JoinPath(r.id).String()
	d.mu.Lock()
	d.live[r.id] = r
	d.mu.Unlock()
	d.work.Go(func() { d.attend(r) })
	return nil
}

// request sends the accounts in one call. What one address does to the others is
// not documented: when all are refused for what may be the fault of one, it
// asks for each half by itself.
func (d *Receiver) request(rows []*row) {
	refused, last := 0, error(nil)
	var split func([]*row) error
	split = func(part []*row) error {
		err := d.call(part)
		switch {
		case err == nil:
			d.asked(len(part))
			return nil
		case cronofy.AnswerLost(err): // the webhooks may still come
			d.asked(len(part))
			d.lose(part, err)
			return nil
		case everyones(err):
			return &CallError{Every: true, Err: err}
		case cronofy.StatusOf(err) == http.StatusUnprocessableEntity && len(part) > 1:
			half := len(part) / 2
			if err := split(part[:half]); err != nil {
				return err
			}
			return split(part[half:])
		}
		refused, last = refused+len(part), err
		endAll(part, &CallError{Err: err})
		return nil
	}
	if err := split(rows); err != nil {
		d.fail(err)
		endAll(rows, err)
		return
	}
	if refused == len(rows) && refused >= suspicious {
		d.fail(&CallError{Every: true, Err: last})
	}
}

// suspicious is how many addresses in a row must be refused, and no other
// accepted, until it is not the addresses.
const suspicious = 10

// asked counts accounts that Cronofy was asked for, or may have been.
func (d *Receiver) asked(n int) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.progress.Asked += n
	d.progress.Until = time.Now().Add(d.cfg.Timeout)
}

func (d *Receiver) lose(rows []*row, err error) {
	d.mu.Lock()
	for _, r := range rows {
		r.lost = err
	}
	d.mu.Unlock()
	d.report(Notice{Lost: err, Accounts: len(rows)})
}

// timeout is why there was no webhook.
func (d *Receiver) timeout(r *row) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if r.lost != nil && r.refused == NotRefused {
		return &CallError{Err: r.lost}
	}
	return &NoAnswerError{r.refused}
}

// everyones tells whether an error is about the request and not about one of its
// addresses.
func everyones(err error) bool {
	switch cronofy.StatusOf(err) {
	case http.StatusUnauthorized, http.StatusPaymentRequired, http.StatusForbidden, http.StatusNotFound, http.StatusLocked:
		return true
	}
	if errors.Is(err, ErrNoServiceToken) {
		return true
	}
	var api *cronofy.Error
	if !errors.As(err, &api) {
		return false
	}
	for _, f := range api.FieldNames() {
		if f == "scope" || f == "callback_url" || strings.HasSuffix(f, ".scope") || strings.HasSuffix(f, ".callback_url") {
			return true
		}
	}
	return false
}

// call makes one request, and once more with another token if the first one was
// refused.
func (d *Receiver) call(rows []*row) error {
	reqs := make([]cronofy.DelegatedAccess, len(rows))
	for i, r := range rows {
		reqs[i] = cronofy.DelegatedAccess{Email: r.email, CallbackURL: r.url, Scope: d.cfg.Scope}
	}
	return d.cfg.ServiceToken.Use(d.ctx, func(ctx context.Context, token cronofy.Secret) error {
		return d.cfg.Client.RequestDelegatedAccess(ctx, token, reqs)
	})
}

func endAll(rows []*row, err error) {
	for _, r := range rows {
		r.end(cronofy.Token{}, err)
	}
}

// attend sees one account through, from the request to its token.
func (d *Receiver) attend(r *row) {
	release := sync.OnceFunc(func() { <-d.slots })
	defer release()
	defer d.claim(r.id)
	late, limit := time.NewTimer(lateAfter), time.NewTimer(d.cfg.Timeout)
	defer late.Stop()
	defer limit.Stop()
	for {
		select {
		case h := <-r.hook:
			d.answered()
			r.end(d.exchange(r, h))
			return
		case <-late.C:
			release()
		case <-limit.C:
			r.end(cronofy.Token{}, d.timeout(r))
			return
		case <-r.done: // could not be asked for
			return
		case <-d.ctx.Done():
			r.end(cronofy.Token{}, ErrClosed)
			return
		}
	}
}

func (d *Receiver) answered() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.progress.Answered++
}

func (d *Receiver) exchange(r *row, h cronofy.Webhook) (cronofy.Token, error) {
	if h.Code.Empty() {
		return cronofy.Token{}, &DeniedError{Code: h.Error, Description: h.ErrorDescription}
	}
	t, err := d.cfg.Client.Exchange(d.ctx, h.Code, r.url)
	if err != nil {
		failed := &CallError{Exchange: true, Every: cronofy.ClientRefused(err), Err: err}
		if failed.Every {
			d.fail(failed)
		}
		return cronofy.Token{}, failed
	}
	if d.cfg.Save != nil {
		if err := d.cfg.Save(r.email, t); err != nil {
			return cronofy.Token{}, err
		}
	}
	return t, nil
}
