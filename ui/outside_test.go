package ui

import (
	"fmt"
	"strings"
	"testing"

	"github.com/charmbracelet/x/ansi"
	"github.com/stretchr/testify/require"

	"confer/cronofy"
	"confer/flow"
	"confer/internal/links"
	"confer/internal/profiles"
	"confer/keystore"
)

// evil is what a terminal must never get from outside: a window title, a cleared
// screen, the clipboard, an 8-bit control, a text that runs backwards.
const evil = "\x1b]0;owned\a\x1b[2J\x1b]52;c;b3duZWQ=\a\u009b31m\u202eevil\r\n\x00\x7f"

func evilRows() []profiles.Row {
	return []profiles.Row{{Index: 0, Record: profiles.Record{State: profiles.State("st" + evil),
		Account:  profiles.AccountRef{Sub: evil, Email: "a" + evil, Name: evil},
		Profiles: []profiles.Profile{{ProviderName: evil, ProfileID: evil, ProfileName: evil, RelinkURL: "https://app-de.cronofy.com/" + evil}},
		Error:    &profiles.RecordError{Code: evil, Message: evil}}}}
}

// TestOutsideTextIsCleaned puts control characters into everything that comes
// from outside and looks for them in the raw window.
func TestOutsideTextIsCleaned(t *testing.T) {
	t.Parallel()
	bad := flow.Problem{Summary: evil, Hint: evil, Code: "x", Err: fmt.Errorf("%s", evil), Offers: []string{evil}}
	site := germany()
	site.DataCenter.Name = "Germany"
	answers := flow.Answers{Site: site, ClientID: evil, RedirectURI: "https://" + evil, ServiceAccount: "ser_" + evil, Label: evil, Provider: cronofy.Provider(evil),
		Accounts: flow.Accounts{Path: evil}}
	link := &flow.Link{Link: links.Link{OrganizationalUnit: evil, Provider: evil}}
	for step := range flow.Steps() {
		for _, with := range []flow.State{
			{Problem: &bad}, {Notice: evil}, {Asking: true, Store: flow.Store{Keyring: keystore.Status{State: evil, Detail: evil}}},
			{Attempt: flow.Attempt{Phase: flow.PhaseWaiting, LinkReady: flow.LinkReady{URL: "https://" + evil, ShortURL: "http://" + evil}, Browser: evil, Notice: evil}},
			{Watch: flow.Watch{Started: true}, Link: link},
		} {
			with.Step, with.Answers = flow.Step(step), answers
			with.Used = []flow.Used{{APIHost: site.APIHost(), ClientID: evil, ServiceAccount: evil, Label: evil}}
			m := newModel(t, with)
			resize(m, 100, 40)
			requireClean(t, m)
			if m.table() != nil {
				m.profile.rows.add(evilRows())
				requireClean(t, m)
			}
			for _, k := range []string{"m", "esc", "d", "esc", "e", "esc", "f", "esc", "?"} {
				press(m, k)
				requireClean(t, m)
			}
		}
	}
}

func TestEvilRowInDetail(t *testing.T) {
	t.Parallel()
	m := newModel(t, walk(t, flow.Start(flow.Initial{}), toTable()...))
	resize(m, 100, 40)
	m.profile.rows.add(evilRows())
	press(m, "right")
	require.Contains(t, text(m), "Relink")
	requireClean(t, m)
}

// requireClean allows only the styles and hyperlinks that are ours.
func requireClean(t *testing.T, m *Model) {
	t.Helper()
	raw := m.View().Content
	require.NotContains(t, raw, "\x1b]0;")
	require.NotContains(t, raw, "\x1b]52;")
	require.NotContains(t, raw, "\x1b[2J")
	for _, r := range ansi.Strip(raw) {
		if r != '\n' {
			require.False(t, r < 0x20 || r >= 0x7f && r < 0xa0 || r == '\u202e', "%q in %q", r, raw)
		}
	}
	for _, part := range strings.Split(raw, "\x1b]8;")[1:] {
		link := part[:strings.IndexAny(part, "\a\x1b")]
		require.Equal(t, cronofy.CleanText(link, 4000), link, "a hyperlink")
	}
}

// TestNoSecretIsDrawn: what was typed or pasted as a secret is never on the
// screen, in no scene.
func TestNoSecretIsDrawn(t *testing.T) {
	t.Parallel()
	for _, s := range scenes() {
		m := s.model(t, 130, 45)
		require.NotContains(t, text(m), "hunter2", s.name)
		require.NotContains(t, text(m), "correct horse", s.name)
		require.NotContains(t, text(m), "oult_5Jq8sTn2", "%s: the long link is never drawn", s.name)
	}
}
