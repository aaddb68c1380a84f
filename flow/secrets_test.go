package flow_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"confer/cronofy"
	"confer/flow"
	"confer/keystore"
)

// someSecrets are texts of the forms that secrets have. None may be shown or saved.
var someSecrets = map[string]string{
	"client secret":       "CRN_a1B2c3D4e5F6g7H8i9J0k1L2m3N4o5P6q7R8s9T0",
	"older client secret": "zY8xW7vU6tS5rQ4pO3nM2lK1jI0hG9fE8dC7bA6",
	"access token":        "P531x88i05Ld2yXHIQ7WjiEyqlmOHsgI",
	"passphrase":          "correct horse battery staple",
}

// TestSecretsAreRefusedInOtherFields: none stays in the State, where it would be
// shown and saved, and the sentence does not repeat it.
func TestSecretsAreRefusedInOtherFields(t *testing.T) {
	t.Parallel()
	at := func(step flow.Step) flow.State {
		s := flow.Start(flow.Initial{Answers: flow.Answers{Site: site(t), ClientID: "id", RedirectURI: flow.DefaultRedirectURI,
			ClientSecret: cronofy.NewSecret(someSecrets["older client secret"]), ServiceAccount: "ser_1", Provider: cronofy.Zoom,
			Accounts: flow.Accounts{Token: cronofy.NewSecret(someSecrets["access token"])}},
			Store: flow.Store{Kind: keystore.File, Passphrase: cronofy.NewSecret(someSecrets["passphrase"])}, SecretKept: true})
		s.Step = step
		return s
	}
	for what, secret := range someSecrets {
		for field, ev := range map[string]flow.Event{
			"client id":      flow.ApplicationEntered{ClientID: secret, RedirectURI: flow.DefaultRedirectURI},
			"redirect URI":   flow.ApplicationEntered{ClientID: "id", RedirectURI: "http://127.0.0.1:8739/" + secret},
			"account":        flow.ServiceAccountEntered{ID: "ser_" + secret},
			"label":          flow.ServiceAccountEntered{ID: "ser_1", Label: secret},
			"label, Connect": flow.ConnectStarted{Scope: "a", Label: "of " + secret},
			"scope":          flow.ConnectStarted{Scope: secret},
			"provider":       flow.ProviderChosen{Provider: cronofy.Provider(secret)},
			"accounts":       flow.AccountsGiven{Accounts: flow.Accounts{Path: secret}},
		} {
			step := map[string]flow.Step{"client id": flow.StepApplication, "redirect URI": flow.StepApplication, "provider": flow.StepProvider, "accounts": flow.StepProfiles}[field]
			if step == 0 {
				step = flow.StepServiceAccount
			}
			before := at(step)
			after, task := before.Apply(ev)
			require.NotNil(t, after.Problem, "%s as %s", what, field)
			require.Nil(t, task, "%s as %s", what, field)
			require.NotContains(t, after.Problem.Summary+after.Problem.Hint, secret)
			a := after.Answers
			for _, text := range []string{a.ClientID, a.RedirectURI, a.ServiceAccount, a.Label, string(a.Provider), a.Accounts.Path} {
				require.NotContains(t, text, secret, "%s as %s", what, field)
			}
		}
	}
}

// TestOrdinaryAnswersAreNoSecrets: names, paths and ids that people have.
func TestOrdinaryAnswersAreNoSecrets(t *testing.T) {
	t.Parallel()
	var s flow.State
	for _, label := range []string{"Example GmbH", "example-gmbh-2026", "DONAUDAMPFSCHIFFFAHRTSGESELLSCHAFT 1", "Müller & Söhne", "k3Hn2cWq9ZrT5vXy7LbD", ""} {
		require.Nil(t, s.CheckLabel(label), label)
	}
	for _, path := range []string{"accounts.csv", "/home/amara/Exports2026/PeopleOfTheWholeCompany2026.csv", `C:\Users\Amara\accounts.csv`, "people"} {
		require.Nil(t, s.CheckAccountsPath(path), path)
	}
	require.Nil(t, s.CheckNoSecret("k3Hn2cWq9ZrT5vXy7LbDk3Hn2cWq9ZrT"), "a client id has the form of a token")
}

func site(t *testing.T) cronofy.Site {
	t.Helper()
	d, ok := cronofy.FindDataCenter("de")
	require.True(t, ok)
	return d.Site()
}

// TestClientSecretStandsAlone: what other programs write around it, as docker
// --env-file and JSON do, is not sent.
func TestClientSecretStandsAlone(t *testing.T) {
	t.Parallel()
	for text, refused := range map[string]bool{
		"CRN_aB3-x_9=": false, "": false, `"CRN_secret"`: true, "'CRN_secret'": true, "CRONOFY_CLIENT_SECRET=CRN_secret": true,
		`{"client_secret":"CRN_secret"}`: true, "CRN_secret two": true, "CRN_secret\u200b": true,
	} {
		p := flow.CheckClientSecret(cronofy.NewSecret(text))
		require.Equal(t, refused, p != nil, text)
		if p != nil {
			require.NotContains(t, p.Summary+p.Hint, "CRN_")
		}
	}
}

// TestWeakPassphraseIsSaid: it is taken all the same; that of a file that is there
// is nobody's business.
func TestWeakPassphraseIsSaid(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		phrase, file string
		said         bool
	}{{"abc", "", true}, {"abc", "/there/secrets.age", false}, {"correct horse battery staple", "", false}} {
		s := flow.State{Step: flow.StepApplication, Running: &flow.Task{ID: 1}}
		s, _ = s.Apply(flow.Report{Task: 1, Event: flow.ApplicationAccepted{Store: flow.Store{Kind: keystore.File, File: c.file, Passphrase: cronofy.NewSecret(c.phrase)}}})
		require.Greater(t, s.Step, flow.StepApplication, "it is taken")
		require.Equal(t, c.said, strings.Contains(s.Notice, "This passphrase is easy to guess"), c)
	}
}
