package flow

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"confer/cronofy"
	"confer/internal/links"
	"confer/keystore"
)

// Held is what an administrator approved and no store has taken yet. The Runner
// has the tokens, in memory; here is what the operator may know of them.
type Held struct {
	Problem *Problem // why they could not be stored
	Step    Step     // StepServiceAccount or StepAuthorize: where they were approved

	// Code: there are no tokens yet. The exchange of the code did not reach Cronofy
	// or was not carried out, so that ExchangeRetried can be tried until Until. It
	// is tried once by itself when Cronofy can be reached again.
	Code  bool
	Until time.Time

	key string // of the answers that were approved
}

// ErrNothingHeld says that the Runner has no such tokens. It is a mistake in confer.
var ErrNothingHeld = errors.New("no tokens are held")

// heldKey names the approval that the page is about; empty: none can be.
func (s State) heldKey() string {
	switch s.Step {
	case StepServiceAccount:
		return connectAnswers(s.Answers).Key()
	case StepAuthorize:
		return s.Answers.Key()
	case StepDataCenter, StepApplication, StepProvider, StepProfiles:
	}
	return ""
}

// HeldHere is what was approved with the answers as they are and waits for a
// store, on the page where it was; nil: nothing does.
func (s State) HeldHere() *Held {
	key := s.heldKey()
	for i := range s.held {
		if h := &s.held[i]; h.Step == s.Step && h.key == key {
			return h
		}
	}
	return nil
}

// Holding tells whether tokens would be lost if the run ended now.
func (s State) Holding() bool { return len(s.held) > 0 }

// holdIf notes that the Runner holds what this page's approval gave.
func (s State) holdIf(held bool, why *Problem) State {
	if !held {
		return s
	}
	s = s.dropHeld()
	s.held = append(s.held, Held{Problem: why, Step: s.Step, key: s.heldKey()})
	return s
}

// dropHeld forgets what this page's approval gave: it is stored, or not wanted.
func (s State) dropHeld() State {
	key := s.heldKey()
	s.held = slices.DeleteFunc(slices.Clone(s.held), func(h Held) bool { return h.Step == s.Step && h.key == key })
	return s
}

// settleHeld does what the operator wants with what is held.
func (s State) settleHeld(ev Event) (State, *Task) {
	if s.Running != nil || s.HeldHere() == nil {
		return s, nil
	}
	s.Problem, s.Notice = nil, ""
	switch ev.(type) {
	case StoreRetried:
		return s.storeHeld()
	case OtherStoreWanted:
		s.Asking = true
	case HeldDropped:
		s, s.Asking = s.dropHeld(), false
	}
	return s, nil
}

func (s State) storeHeld() (State, *Task) {
	return s.start(StoreHeld{Key: s.heldKey(), Store: s.Store})
}

// put stores what an approval gave and writes it down. Its event ends the task.
type put func(ctx context.Context, s Store) (Event, error)

// hold keeps what could not be stored, until the run ends: the operator may have
// turned away while it was stored after all, and try again. A later approval of
// the same answers takes its place.
func (r *Runner) hold(key string, p put) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.held == nil {
		r.held = map[string]put{}
	}
	r.held[key] = p
}

// putToken stores the refresh token that an approval gave, if it gave one. The
// client secret goes with it: it may be another place than the one that was
// proved, or another confer may have deleted it meanwhile.
func (r *Runner) putToken(a Answers, what links.StoredSecret, token cronofy.Secret, stored func(context.Context, Store) Event) put {
	return func(ctx context.Context, s Store) (Event, error) {
		if err := r.keep(ctx, s, clientSecretOf(a), a.ClientSecret); err != nil {
			return nil, err
		}
		if !token.Empty() {
			if err := r.keep(ctx, s, what, token); err != nil {
				return nil, err
			}
		}
		return stored(ctx, s), nil
	}
}

// storeHeld opens the store, which the operator may stop, and stores what is
// held, which is finished once it has begun.
func (r *Runner) storeHeld(ctx context.Context, e StoreHeld, say func(Event)) Event {
	r.mu.Lock()
	p := r.held[e.Key]
	r.mu.Unlock()
	if p == nil {
		return Failed{Err: ErrNothingHeld, Approved: true}
	}
	opening, cancel := context.WithTimeout(ctx, storeLimit)
	defer cancel()
	if err := r.openChosen(opening, e.Store); err != nil {
		return Failed{Err: err, Approved: true, Held: true}
	}
	last, err := p(keystore.Patient(context.WithoutCancel(ctx)), e.Store)
	if err != nil {
		return Failed{Err: err, Approved: true, Held: true}
	}
	return last
}

// prove tells whether what an approval gives could be stored now: it is listed,
// and where the client secret is there, a test item is stored. Where it is not,
// the answers' own is stored, which belongs there anyway.
func (r *Runner) prove(ctx context.Context, a Answers, s Store) error {
	what := clientSecretOf(a)
	what.Store = string(s.Kind)
	limited, cancel := context.WithTimeout(ctx, storeLimit)
	defer cancel()
	store, err := r.Stores.Open(s.Kind, s.Passphrase)
	if err != nil {
		return err
	}
	switch _, err := store.Get(limited, what.Key()); {
	case errors.Is(err, keystore.ErrNotFound):
		return r.keep(ctx, s, what, a.ClientSecret)
	case err != nil:
		return err
	}
	if _, err := r.recordSecret(ctx, what); err != nil {
		return err
	}
	_, err = keystore.TestWrite(limited, store)
	return err
}

// approvedProblem puts first what matters most after an approval. The screen, the
// events and the browser's page say the same.
func approvedProblem(p Problem, at Step, a Answers, held bool) Problem {
	p.Step = at
	p.Approved = true
	if held {
		p.Hint = heldHint(at)
		return p
	}
	var api *cronofy.Error
	if at != StepAuthorize {
		if errors.As(p.Err, &api) && (api.Code == "invalid_grant" || api.Code == "" && api.Status > 401 && api.Status < 423) {
			p.Summary = fmt.Sprintf("Cronofy did not give confer the service account's token (%s).", cmp.Or(api.Code, fmt.Sprint("status ", api.Status)))
			p.Hint = "The calendar administrator approved. Authorize once more: that makes a new code. If it goes on, check the secret and the data center."
		}
		return p
	}
	if errors.As(p.Err, &api) && api.Code == "" && api.Status > 401 && api.Status < 423 {
		p.Summary = fmt.Sprintf("Cronofy did not give confer a token of its own (status %d).", api.Status)
	}
	p.Hint = approvedWords + "try again with a new link, or go on to the profiles."
	if p.Code == "invalid_grant" && !LoopbackRedirect(a.RedirectURI) {
		p.Hint += " Before that, make sure that no server behind the redirect URI uses codes up: it must be a page that does nothing with them."
	}
	return p
}

// heldHint: nothing of what the administrator did is lost.
func heldHint(at Step) string {
	if at == StepServiceAccount {
		return "The calendar administrator approved. The account's token is here, in memory, and is yet to be stored: try that again, or choose another place."
	}
	return approvedWords + "it is here, in memory, and is yet to be stored. Try that again, choose another place, or go on to the profiles."
}
