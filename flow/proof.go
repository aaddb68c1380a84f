package flow

import (
	"context"
	"errors"
	"time"

	"confer/cronofy"
	"confer/internal/profiles"
)

// knownLimit bounds what is asked before the link, so that an administrator who
// waits is not kept waiting: enough for a set-up, not for a whole company.
const (
	knownAccounts = 100
	knownTime     = 10 * time.Second
)

// readAccounts reads the whole list that the answers name. Errors name line and
// column, never a value.
func (r *Runner) readAccounts(ctx context.Context, a Accounts) ([]profiles.Account, error) {
	switch a.Kind {
	case AccountsToken:
		return []profiles.Account{{AccessToken: a.Token, Row: 1}}, nil
	case AccountsFile:
	default:
		return nil, nil
	}
	f, err := r.OpenAccounts(ctx, a.Path)
	if err != nil {
		return nil, &AccountsError{err}
	}
	defer f.Close()
	var out []profiles.Account
	for acc, err := range profiles.ReadAccounts(f) {
		if err != nil {
			return nil, &AccountsError{err}
		}
		out = append(out, acc)
	}
	if len(out) == 0 {
		return nil, &AccountsError{errors.New("the list holds no accounts")}
	}
	return out, nil
}

// known notes the profiles that accounts have before the link, so that later
// ones can be told from a person's own. nil: that is not known.
func (r *Runner) known(ctx context.Context, client *cronofy.Client, a Answers) *KnownProfiles {
	list, err := r.readAccounts(ctx, a.Accounts)
	if err != nil || len(list) == 0 || len(list) > knownAccounts {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, knownTime)
	defer cancel()
	k := &KnownProfiles{IDs: map[string]bool{}}
	complete := true
	_, err = profiles.Run(ctx, client, profiles.Accounts(list), profiles.Options{Provider: cronofy.AnyProvider, ErrorOf: explainAccount},
		func(rec profiles.Record) error {
			complete = complete && rec.Error == nil
			for _, p := range rec.Profiles {
				k.IDs[p.ProfileID] = true
			}
			return nil
		})
	if err != nil || !complete {
		return nil
	}
	return k
}

func (r *Runner) loadProfiles(ctx context.Context, e LoadProfiles, inbox <-chan Delivery, say func(Event)) Event {
	list, err := r.readAccounts(ctx, e.Answers.Accounts)
	if err != nil {
		return Failed{Err: err}
	}
	refresh := make(chan struct{}, 1)
	stop := make(chan struct{})
	defer close(stop)
	go func() { // ends with the task: stop is closed above
		for {
			select {
			case <-inbox:
				select {
				case refresh <- struct{}{}:
				default:
				}
			case <-stop:
				return
			}
		}
	}()
	t := &tallier{rows: make([]profiles.State, len(list))}
	err = profiles.Watch(ctx, r.client(e.Answers, say), list, profiles.WatchOptions{
		Options: profiles.Options{Provider: e.Answers.Provider, ErrorOf: explainAccount, Known: knownIDs(e.Known)},
		Refresh: refresh, Now: r.Now, Pauses: r.Looks,
		NextLook: func(at time.Time) { say(LookPlanned{at}) },
	}, func(rows []profiles.Row) { say(ProfilesRead{Rows: rows, Tally: t.add(rows), At: r.Now()}) })
	if err != nil {
		return Failed{Err: context.Cause(ctx)}
	}
	return ProfilesDone{t.tally}
}

// CheckAccounts reads the list that the answers name without asking anybody, so
// that a mistake in it is found before the administrator is troubled.
func (r *Runner) CheckAccounts(ctx context.Context, a Answers) error {
	_, err := r.readAccounts(ctx, a.Accounts)
	return err
}

// EachProfile reads the profiles of the accounts that a State names, once, and
// gives each record to emit in the order of the list.
func (r *Runner) EachProfile(ctx context.Context, s State, emit func(profiles.Record) error) error {
	r.init()
	list, err := r.readAccounts(ctx, s.Answers.Accounts)
	if err != nil {
		return err
	}
	client := r.client(s.Answers, func(Event) {})
	_, err = profiles.Run(ctx, client, profiles.Accounts(list),
		profiles.Options{Provider: s.Answers.Provider, Known: knownIDs(s.KnownHere()), ErrorOf: explainAccount}, emit)
	return err
}

func knownIDs(k *KnownProfiles) map[string]bool {
	if k == nil {
		return nil
	}
	return k.IDs
}

// tallier keeps the counts while rows change their state.
type tallier struct {
	rows  []profiles.State
	tally Tally
}

func (t *tallier) add(rows []profiles.Row) Tally {
	for _, row := range rows {
		t.count(t.rows[row.Index], -1)
		t.rows[row.Index] = row.Record.State
		t.count(row.Record.State, 1)
	}
	return t.tally
}

func (t *tallier) count(s profiles.State, n int) {
	switch s {
	case profiles.Connected:
		t.tally.Connected += n
	case profiles.Disconnected:
		t.tally.Disconnected += n
	case profiles.Missing:
		t.tally.Missing += n
	case profiles.Failed:
		t.tally.Errors += n
	default:
		return // not read before
	}
	t.tally.Read += n
}
