package flow

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"confer/cronofy"
	"confer/internal/links"
)

// overrides are a site's base URLs where they are not the data center's own.
func overrides(s cronofy.Site) (api, app string) {
	if !s.Chosen() || !s.Overridden() {
		return "", ""
	}
	return s.API, s.App
}

func (r *Runner) update(ctx context.Context, change func(*links.Contents)) error {
	if r.Links == nil {
		return nil
	}
	return r.Links.Update(ctx, change)
}

// record writes the link down. That it could not is a notice: the link is made.
func (r *Runner) record(ctx context.Context, l links.Link, a Answers) string {
	var damaged []string
	err := r.update(ctx, func(c *links.Contents) {
		damaged = c.Damaged
		c.AddLink(l)
		if d := c.Draft; d != nil && !r.NoDraft && d.ClientID == l.ClientID && d.ServiceAccount == l.ServiceAccount {
			c.Draft = nil // another wizard's, of another customer, stays
		}
		c.Pending = slices.DeleteFunc(c.Pending, func(p links.Pending) bool { return isFor(p, a) })
	})
	switch {
	case err != nil:
		return fmt.Sprintf("Linked, but the list of links could not be written: %s.", cronofy.CleanText(err.Error(), 160))
	case len(damaged) > 0:
		return "Linked. The list of links was damaged; it was kept as " + cronofy.CleanText(damaged[len(damaged)-1], 400) + "."
	case !l.RefreshToken:
		return ""
	}
	if err := r.deleteCopies(ctx, l.Token()); err != nil {
		return "Linked. " + explainCopies
	}
	return ""
}

// recordAccount notes an account that was authorized here, so that it can be chosen again.
func (r *Runner) recordAccount(ctx context.Context, a Answers, s Store, token cronofy.Token) error {
	kept := links.ServiceAccount{DataCenter: a.Site.DataCenter.ID, APIHost: a.Site.APIHost(), ClientID: a.ClientID,
		ID: a.ServiceAccount, Label: a.Label, Scope: token.Scope, Store: s.Kind, Authorized: time.Now().UTC()}
	err := r.update(ctx, func(c *links.Contents) { c.AddServiceAccount(kept) })
	if err != nil || token.RefreshToken.Empty() {
		return nil
	}
	return r.deleteCopies(ctx, kept.Link().Token())
}

// deleteCopies deletes what lies of a token in other stores than the one that it is in now.
func (r *Runner) deleteCopies(ctx context.Context, token links.StoredSecret) error {
	if r.Links == nil {
		return nil
	}
	m := links.Manager{Links: r.Links, Stores: r.Stores}
	return m.DeleteCopies(ctx, token)
}

const saveLimit = 5 * time.Second // another process may write the same file

// saver writes unfinished answers behind the operator's back, newest last.
type saver struct {
	wg      sync.WaitGroup
	newest  atomic.Pointer[links.Draft] // not yet written
	writing sync.Mutex
	told    bool // that they could not be written
}

// remember saves the answers that are not secret, when they have changed or the client
// secret may have been stored (see Runner.testStore). Those of a script are in the
// script, and would take the place of a person's.
func (r *Runner) remember(before, after State, say func(Event)) {
	d := draft(after)
	if r.Links == nil || r.NoDraft || r.Unattended || after.Link != nil || d == draft(before) && after.Attempt.Links <= before.Attempt.Links {
		return
	}
	s := &r.saver
	s.newest.Store(&d)
	s.wg.Go(func() {
		s.writing.Lock()
		defer s.writing.Unlock()
		d := s.newest.Swap(nil)
		if d == nil { // the save before has written it
			return
		}
		ctx, cancel := context.WithTimeout(context.Background(), saveLimit)
		defer cancel()
		err := r.update(ctx, func(c *links.Contents) {
			d.Kept = c.HasSecret(d.ClientSecret())
			c.Draft = d
		})
		if err != nil && !s.told {
			s.told = true
			say(AnswersUnsaved{err})
		}
	})
}

// draft is what of a State may be written down: answers that Cronofy has accepted,
// and those of a form that no secret has.
func draft(s State) links.Draft {
	a := s.Answers
	known := s.isAccepted(StepApplication) || s.isAccepted(StepServiceAccount) // a secret that is refused later says nothing about the id
	if !known || s.CheckNoSecret(a.ClientID) != nil {
		a.ClientID = "" // it may be the secret, in the wrong field
	}
	if CheckRedirectURI(a.RedirectURI) != nil || s.CheckNoSecret(a.RedirectURI) != nil {
		a.RedirectURI = ""
	}
	if CheckServiceAccountID(a.ServiceAccount) != nil || s.CheckNoSecret(a.ServiceAccount) != nil {
		a.ServiceAccount = ""
	}
	if s.CheckLabel(a.Label) != nil {
		a.Label = ""
	}
	d := draftOf(a)
	d.Store = s.Store.Kind
	if open := s.firstUnaccepted(); open != StepDataCenter {
		d.Open = open.String()
	}
	return d
}

func draftOf(a Answers) links.Draft {
	d := links.Draft{DataCenter: a.Site.DataCenter.ID, ClientID: a.ClientID, RedirectURI: a.RedirectURI, Listen: a.Listen,
		ServiceAccount: a.ServiceAccount, Label: a.Label, Provider: string(a.Provider)}
	d.APIURL, d.AppURL = overrides(a.Site)
	return d
}

// AnswersUnsaved says that a later run will not find the answers.
type AnswersUnsaved struct{ Err error }

func (ev AnswersUnsaved) apply(s State) (State, *Task) { return s.unsaved(ev.Err), nil }

// unsaved tells once that a later run will not find the answers; nil: it will.
func (s State) unsaved(err error) State {
	if err == nil || s.Unsaved {
		return s
	}
	s.Unsaved = true
	s.Notice = strings.TrimSpace(s.Notice + " " + explainUnsaved(err))
	return s
}

func explainUnsaved(err error) string {
	if errors.Is(err, links.ErrDraftLocked) {
		return "Another confer is running on this machine. Its answers are left alone, and those given here are not saved for later."
	}
	return "Your answers cannot be saved for later: " + cronofy.CleanText(err.Error(), 200) + ". confer doctor says more."
}

// RecordError: the list could not take down where a secret goes, so none was stored.
type RecordError struct{ Err error }

func (e *RecordError) Error() string { return "note where the secret is stored: " + e.Err.Error() }

// Unwrap gives the cause.
func (e *RecordError) Unwrap() error { return e.Err }

func (e *RecordError) problem(Step) Problem {
	p := Problem{Code: CodeSecretStore, Exit: ExitFailed, Step: StepApplication,
		Summary: "confer stores no secret that it could not find again, and its list of them cannot be written: " + cronofy.CleanText(e.Err.Error(), 200) + ".",
		Hint:    "confer doctor checks the folder. Repair it and try again, " + orMemory}
	if errors.Is(e.Err, links.ErrBusy) {
		p.Summary = "Another confer is writing the list of stored secrets, so nothing was stored."
		p.Hint = "Try again when that one has ended."
	}
	return p
}

func clientSecretOf(a Answers) links.StoredSecret {
	return links.StoredClientSecret("", a.Site.APIHost(), a.ClientID)
}

// recordSecret lists a secret, where its store outlives the run. It writes even
// when the entry is there: a list that cannot be written must be known before an
// administrator is asked for anything. unrecord takes out an entry that is new.
func (r *Runner) recordSecret(ctx context.Context, what links.StoredSecret, s Store) (unrecord func(), err error) {
	what.Store = s.Kind
	if !what.Store.Outlives() {
		return func() {}, nil
	}
	what.Recorded = time.Now().UTC()
	added := false
	err = r.update(ctx, func(c *links.Contents) {
		added = !c.HasSecret(what)
		c.AddSecret(what, what.Recorded)
	})
	switch {
	case ctx.Err() != nil:
		return nil, ctx.Err()
	case err != nil:
		return nil, &RecordError{err}
	}
	return func() {
		if added {
			_ = r.update(context.WithoutCancel(ctx), func(c *links.Contents) { c.RemoveSecret(what) })
		}
	}, nil
}
