package flow

import (
	"testing"

	"github.com/stretchr/testify/require"

	"confer/cronofy"
)

// TestDraftTellsWhereTheSecretIs: only where a later run will find it.
func TestDraftTellsWhereTheSecretIs(t *testing.T) {
	t.Parallel()
	secret := cronofy.NewSecret("s")
	at := func(kind StoreKind) State {
		s := Start(Initial{Answers: Answers{Site: siteOf("de"), ClientID: "id", ClientSecret: secret, RedirectURI: DefaultRedirectURI},
			Store: Store{Kind: kind, Passphrase: cronofy.NewSecret("p")}})
		s, task := s.Apply(ServiceAccountEntered{ID: "ser_1"})
		require.False(t, draft(s).Kept, "not before it is there")
		s, _ = s.Apply(Report{task.ID, ServiceAccountAccepted{ID: "ser_1"}})
		s = passed(s, false)
		require.Equal(t, StepProvider, s.Step)
		return s
	}
	for kind, kept := range map[StoreKind]bool{StoreKeyring: true, StoreFile: true, StoreSession: false, StoreNone: false} {
		require.Equal(t, kept, draft(at(kind)).Kept, kind)
	}
	s := at(StoreKeyring)
	for s.Step != StepApplication {
		s, _ = s.Apply(Back{})
	}
	require.True(t, draft(s).Kept, "going back loses nothing")
	other, _ := s.Apply(ApplicationEntered{ClientID: "another", ClientSecret: secret, RedirectURI: DefaultRedirectURI})
	require.False(t, draft(other).Kept, "another application's is not there")
	s, task := s.Apply(ApplicationEntered{ClientID: "id", RedirectURI: DefaultRedirectURI})
	s, _ = s.Apply(Report{task.ID, Failed{Err: ErrNoSecret}})
	require.False(t, draft(s).Kept, "it was taken away")
}

// TestStartWithASecretThatIsKept: the keyring needs no typing, the file its
// passphrase.
func TestStartWithASecretThatIsKept(t *testing.T) {
	t.Parallel()
	a := Answers{Site: siteOf("de"), ClientID: "id", RedirectURI: DefaultRedirectURI, ServiceAccount: "ser_1", Provider: cronofy.Zoom}
	keyring := Start(Initial{Answers: a, Store: Store{Kind: StoreKeyring}, SecretKept: true})
	require.Equal(t, StepAuthorize, keyring.Step)
	require.True(t, draft(keyring).Kept)
	file := Start(Initial{Answers: a, Store: Store{Kind: StoreFile}, SecretKept: true})
	require.Equal(t, StepApplication, file.Step)
	require.True(t, draft(file).Kept)
	file, task := file.Apply(ApplicationEntered{ClientID: "id", RedirectURI: DefaultRedirectURI})
	file, _ = file.Apply(Report{task.ID, ApplicationAccepted{Store: Store{Kind: StoreFile}, Ask: true}})
	require.True(t, file.Asking)
	file, task = file.Apply(StoreChosen{Kind: StoreFile, Passphrase: cronofy.NewSecret("p")})
	file, _ = file.Apply(Report{task.ID, ApplicationAccepted{Store: file.Store, ClientSecret: cronofy.NewSecret("s")}})
	file = passed(file, false)
	require.Equal(t, StepServiceAccount, file.Step)
	require.True(t, draft(file).Kept, "it was read from there")
	require.False(t, Start(Initial{Answers: a, Store: Store{Kind: StoreSession}, SecretKept: true}).secretStored())
}

// TestKnownProfilesAreOfTheAccountsOfThen: what other accounts had before the
// link says nothing about these.
func TestKnownProfilesAreOfTheAccountsOfThen(t *testing.T) {
	t.Parallel()
	file := Accounts{Kind: AccountsFile, Path: "people.csv"}
	known := &KnownProfiles{IDs: map[string]bool{"pro_1": true}, For: file}
	s := Start(Initial{Store: Store{Kind: StoreSession}, Answers: Answers{Site: siteOf("de"), ClientID: "id", ClientSecret: cronofy.NewSecret("s"),
		RedirectURI: DefaultRedirectURI, ServiceAccount: "ser_1", Provider: cronofy.Zoom, Accounts: file}})
	s, task := s.Apply(AuthorizeStarted{})
	s, _ = s.Apply(Report{task.ID, Linked{Known: known}})
	s = passed(s, false)
	for _, c := range []struct {
		given Accounts
		known *KnownProfiles
	}{{file, known}, {Accounts{Kind: AccountsFile, Path: "others.csv"}, nil}, {Accounts{Kind: AccountsToken, Token: cronofy.NewSecret("t")}, nil}, {file, known}} {
		s, task = s.Apply(AccountsGiven{c.given})
		require.Equal(t, LoadProfiles{Answers: s.Answers, Known: c.known}, task.Effect)
		s, _ = s.Apply(Back{})
	}
}
