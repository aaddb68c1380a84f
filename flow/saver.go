package flow

import (
	"context"
	"sync"
	"time"

	"confer/internal/links"
)

// saveLimit bounds the wait for another process that writes the same file.
const saveLimit = 5 * time.Second

// saver writes unfinished answers behind the operator's back, newest last. What
// it could not write costs the next run some typing and nothing else, which is
// said once.
type saver struct {
	wg   sync.WaitGroup
	mu   sync.Mutex
	next *links.Draft // newest not yet written
	busy bool
	told bool // that they could not be written
}

func (s *saver) save(f *links.File, d links.Draft, say func(Event)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.next = &d
	if s.busy {
		return
	}
	s.busy = true
	s.wg.Go(func() {
		for d := s.take(); d != nil; d = s.take() {
			ctx, cancel := context.WithTimeout(context.Background(), saveLimit)
			err := f.Update(ctx, func(c *links.Contents) error { c.Draft = d; return nil })
			cancel()
			if err != nil && s.tell() {
				say(AnswersUnsaved{err})
			}
		}
	})
}

func (s *saver) take() *links.Draft {
	s.mu.Lock()
	defer s.mu.Unlock()
	d := s.next
	s.next = nil
	s.busy = d != nil
	return d
}

func (s *saver) tell() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	first := !s.told
	s.told = true
	return first
}

func (s *saver) wait() { s.wg.Wait() }

// remember saves the answers that are not secret, when they have changed. Those
// of a script are in the script, and would take the place of a person's.
func (r *Runner) remember(before, after State, say func(Event)) {
	if r.Links == nil || r.NoDraft || r.Unattended || after.Link != nil {
		return
	}
	if d := draft(after); d != draft(before) {
		r.saver.save(r.Links, d, say)
	}
}

// draft is what of a State may be written down: answers that Cronofy has accepted,
// and those of a form that no secret has.
func draft(s State) links.Draft {
	a := s.Answers
	if s.accepted.application != applicationKey(a) || s.CheckNoSecret(a.ClientID) != nil {
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
	d := links.Draft{DataCenter: a.Site.DataCenter.ID, ClientID: a.ClientID, RedirectURI: a.RedirectURI, Listen: a.Listen,
		ServiceAccount: a.ServiceAccount, Label: a.Label, Provider: string(a.Provider), Store: string(s.Store.Kind), Kept: s.secretKept()}
	d.APIURL, d.AppURL = overrides(a.Site)
	if open := s.open(); open != StepDataCenter {
		d.Open = open.String()
	}
	return d
}
