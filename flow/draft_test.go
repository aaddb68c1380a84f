package flow

import (
	"testing"

	"github.com/stretchr/testify/require"

	"confer/cronofy"
	"confer/keystore"
)

// TestStartWithASecretThatIsKept: the keyring needs no typing, the file its
// passphrase.
func TestStartWithASecretThatIsKept(t *testing.T) {
	t.Parallel()
	a := Answers{Site: siteOf("de"), ClientID: "id", RedirectURI: DefaultRedirectURI, ServiceAccount: "ser_1", Provider: cronofy.Zoom}
	keyring := Start(Initial{Answers: a, Store: Store{Kind: keystore.Keyring}, SecretKept: true})
	require.Equal(t, StepAuthorize, keyring.Step)
	file := Start(Initial{Answers: a, Store: Store{Kind: keystore.File}, SecretKept: true})
	require.Equal(t, StepApplication, file.Step)
	file, task := file.Apply(ApplicationEntered{ClientID: "id", RedirectURI: DefaultRedirectURI})
	file, _ = file.Apply(Report{task.ID, ApplicationAccepted{Store: Store{Kind: keystore.File}, Ask: true}})
	require.True(t, file.Asking)
	file, task = file.Apply(StoreChosen{Kind: keystore.File, Passphrase: cronofy.NewSecret("p")})
	file, _ = file.Apply(Report{task.ID, ApplicationAccepted{Store: file.Store, ClientSecret: cronofy.NewSecret("s")}})
	file = passed(file, false)
	require.Equal(t, StepServiceAccount, file.Step)
}

// TestKnownProfilesAreOfTheAccountsOfThen: what other accounts had before the
// link says nothing about these.
func TestKnownProfilesAreOfTheAccountsOfThen(t *testing.T) {
	t.Parallel()
	file := Accounts{Path: "people.csv"}
	known := &KnownProfiles{IDs: map[string]bool{"pro_1": true}, For: file}
	s := Start(Initial{Store: Store{Kind: keystore.Session}, Answers: Answers{Site: siteOf("de"), ClientID: "id", ClientSecret: cronofy.NewSecret("s"),
		RedirectURI: DefaultRedirectURI, ServiceAccount: "ser_1", Provider: cronofy.Zoom, Accounts: file}})
	s, task := s.Apply(AuthorizeStarted{})
	s, _ = s.Apply(Report{task.ID, Linked{Known: known}})
	s = passed(s, false)
	for _, c := range []struct {
		given Accounts
		known map[string]bool
	}{{file, known.IDs}, {Accounts{Path: "others.csv"}, nil}, {Accounts{Token: cronofy.NewSecret("t")}, nil}, {file, known.IDs}} {
		s, task = s.Apply(AccountsGiven{c.given})
		require.Equal(t, LoadProfiles{Answers: s.Answers, Known: c.known}, task.Effect)
		s, _ = s.Apply(Back{})
	}
}

// TestARefusedSecretCostsNoClientID that Cronofy has accepted before.
func TestARefusedSecretCostsNoClientID(t *testing.T) {
	t.Parallel()
	s := Start(Initial{Answers: Answers{Site: siteOf("de"), ClientID: "id", RedirectURI: DefaultRedirectURI, ServiceAccount: "ser_1", Provider: cronofy.Zoom},
		Store: Store{Kind: keystore.Keyring}, SecretKept: true})
	s, task := s.Apply(AuthorizeStarted{})
	s, _ = s.Apply(Report{task.ID, Failed{Err: &cronofy.Error{Op: "link token", Status: 401}}})
	require.Equal(t, StepApplication, s.Step)
	require.Equal(t, "id", draft(s).ClientID)
	require.Equal(t, StepApplication.String(), draft(s).Open)
}
