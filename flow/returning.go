package flow

import "confer/cronofy"

// StartedOver forgets the answers of an earlier run, where State.Resumed or
// State.Returning.
type StartedOver struct{}

func (StartedOver) apply(s State) (State, *Task) {
	if s.Running != nil || !s.Resumed && !s.Returning() {
		return s, nil
	}
	return Start(Initial{Used: s.Used, Sites: s.Sites}), nil
}

// Returning tells whether Link was made by an earlier run.
func (s State) Returning() bool { return s.Link != nil && len(s.Made) == 0 }

// returning begins at a link that an earlier run made.
func (s State) returning(l Link) State {
	s.Answers.Site, s.Answers.ClientID, s.Answers.ServiceAccount = l.Site, l.ClientID, l.ServiceAccount
	s.Answers.Provider, s.Answers.Label = cronofy.Provider(l.Provider), l.Label
	if s.Answers.RedirectURI == "" {
		s.Answers.RedirectURI = DefaultRedirectURI
	}
	if store := StoreKind(l.Store); s.Store.Kind == "" && (store == StoreKeyring || store == StoreFile) {
		s.Store.Kind = store
	}
	s.secretIn = s.secretPlace()
	l.For = s.Answers.authorizing(StepAuthorize)
	s.Link, s.Step = &l, StepProfiles
	return s.accept(StepProfiles)
}
