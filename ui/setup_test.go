package ui

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	tea "charm.land/bubbletea/v2"
	"github.com/charmbracelet/x/ansi"
	"github.com/stretchr/testify/require"

	"confer/cronofy"
	"confer/flow"
	"confer/internal/links"
	"confer/internal/opener"
	"confer/internal/profiles"
	"confer/keystore"
)

// start is when every test runs.
var start = time.Date(2026, 11, 23, 18, 30, 0, 0, time.UTC)

const (
	testSecret = "CRN_hunter2hunter2hunter2hunter2"
	testID     = "ser_6710aa01c0ffee0123456789"
	testClient = "k3Hn2cWq9ZrT5vXy7LbD"
	testURL    = "https://app-de.cronofy.com/oauth/authorize?response_type=code&client_id=k3Hn2cWq9ZrT5vXy7LbD&redirect_uri=http%3A%2F%2F127.0.0.1%3A8739%2Fcallback&scope=organizational_unit_use_integrations&state=9f0c3e1ab27d44f8&capabilities%5B%5D=conferencing&ou_link_token=oult_5Jq8sTn2&conferencing_provider_name=zoom_enterprise"
	testShort  = "http://127.0.0.1:8739/go/x7Qk2vBn"
)

func germany() cronofy.Site {
	dc, _ := cronofy.FindDataCenter("de")
	return dc.Site()
}

func sandboxSite() cronofy.Site {
	s := germany()
	s.API, s.App, s.Sandbox = "http://127.0.0.1:40001", "http://127.0.0.1:40002", true
	return s
}

func sandboxSites() []cronofy.Site {
	var out []cronofy.Site
	for _, dc := range cronofy.DataCenters() {
		s := sandboxSite()
		s.DataCenter = dc
		out = append(out, s)
	}
	return out
}

// walk applies events one after the other; a report is given the ID of the
// task that runs.
func walk(t testing.TB, s flow.State, events ...flow.Event) flow.State {
	t.Helper()
	for _, ev := range events {
		if isReport(ev) {
			require.NotNil(t, s.Running, "no task runs that could report %T: the wizard is at the step %s", ev, s.Step)
			ev = flow.Report{Task: s.Running.ID, Event: ev}
		}
		s, _ = s.Apply(ev)
	}
	return s
}

func isReport(ev flow.Event) bool {
	switch ev.(type) {
	case flow.ApplicationAccepted, flow.UnlockAsked, flow.ServiceAccountAccepted, flow.LinkReady, flow.BrowserAsked, flow.TimeExtended,
		flow.AnswerRejected, flow.AnswerArrived, flow.Linked, flow.ProfilesRead, flow.LookPlanned, flow.ProfilesDone, flow.Paused, flow.Failed:
		return true
	}
	return false
}

// The events of a walk that goes well.
func inGermany() flow.Event { return flow.DataCenterChosen{Site: germany()} }

func applied() flow.Event {
	return flow.ApplicationEntered{ClientID: testClient, ClientSecret: cronofy.NewSecret(testSecret), RedirectURI: flow.DefaultRedirectURI}
}

func accepted() flow.Event {
	return flow.ApplicationAccepted{ClientSecret: cronofy.NewSecret(testSecret), Store: flow.Store{Kind: keystore.Keyring, Keyring: keystore.Status{State: "ready"}}}
}

func asked(keyring, detail string) flow.Event {
	return flow.ApplicationAccepted{ClientSecret: cronofy.NewSecret(testSecret), Store: flow.Store{Keyring: keystore.Status{State: keystore.State(keyring), Detail: detail}}, Ask: true}
}

func account() flow.Event { return flow.ServiceAccountEntered{ID: testID, Label: "Example GmbH"} }

func accountOK() flow.Event { return flow.ServiceAccountAccepted{ID: testID} }

func zoom() flow.Event { return flow.ProviderChosen{Provider: cronofy.Zoom} }

func linkReady() flow.Event {
	return flow.LinkReady{URL: testURL, ShortURL: testShort, Listening: true, Until: start.Add(4*time.Minute + 32*time.Second)}
}

func linked() flow.Event {
	return flow.Linked{Link: madeLink()}
}

// earlierLink is one of another run, to which Cronofy named no Organizational Unit.
func earlierLink() *flow.Link {
	l := madeLink()
	l.OrganizationalUnit, l.Scope = "", ""
	return &l
}

func madeLink() flow.Link {
	site := germany()
	return flow.Link{Site: site, Link: links.Link{DataCenter: site.DataCenter.ID, APIHost: site.APIHost(), ClientID: testClient, ServiceAccount: testID,
		Provider: string(cronofy.Zoom), Label: "Example GmbH", OrganizationalUnit: "ou_5f1e7a", Scope: "organizational_unit_use_integrations",
		Store: keystore.Keyring, RefreshToken: true, Linked: start}}
}

func fromFile() flow.Event {
	return flow.AccountsGiven{Accounts: flow.Accounts{Path: "people.csv"}}
}

// way is a walk that goes well from one step to another. A step that has no answer
// here asks for nothing, and is passed. provider chooses another one than Zoom.
func way(from, to flow.Step, provider ...flow.Event) []flow.Event {
	answers := map[flow.Step][]flow.Event{
		flow.StepDataCenter:     {inGermany()},
		flow.StepApplication:    {applied(), accepted()},
		flow.StepServiceAccount: {account(), accountOK()},
		flow.StepProvider:       {zoom()},
		flow.StepAuthorize:      {flow.AuthorizeStarted{}, linkReady(), flow.BrowserAsked{}, flow.AnswerArrived{}, linked()},
	}
	if len(provider) > 0 {
		answers[flow.StepProvider] = provider
	}
	var out []flow.Event
	for s := from; s < to; s++ {
		if answers[s] == nil {
			out = append(out, flow.PagePassed{Step: s})
		}
		out = append(out, answers[s]...)
	}
	return out
}

// elsewhere is a walk to a link whose redirect URI is not on this machine.
func elsewhere(provider ...flow.Event) []flow.Event {
	web := applied().(flow.ApplicationEntered)
	web.RedirectURI = "https://app.example.test/cb"
	return events(inGermany(), web, accepted(), way(flow.StepServiceAccount, flow.StepAuthorize, provider...), flow.AuthorizeStarted{})
}

func toApplication() []flow.Event { return way(0, flow.StepApplication) }
func toAccount() []flow.Event     { return way(0, flow.StepServiceAccount) }
func toProviders() []flow.Event   { return way(0, flow.StepProvider) }
func toAuthorize() []flow.Event   { return way(0, flow.StepAuthorize) }
func toLinked() []flow.Event      { return way(0, flow.StepProfiles) }
func toTable() []flow.Event       { return append(toLinked(), fromFile()) }
func toWaiting() []flow.Event {
	return append(toAuthorize(), flow.AuthorizeStarted{}, linkReady(), flow.BrowserAsked{})
}

func fail(err error) flow.Event { return flow.Failed{Err: err} }

// people is an organisation: every state, other providers, and odd names.
func people(n int) []profiles.Row {
	out := make([]profiles.Row, n)
	for i := range out {
		out[i] = profiles.Row{Index: i, Record: person(i)}
	}
	return out
}

func person(i int) profiles.Record {
	first := []string{"Ada Lovelace", "Grace Hopper", "Alan Turing", "Room Aurora", "Edsger Dijkstra", "Barbara Liskov", "Zoë Müller", "王小明"}[i%8]
	mail := strings.ToLower(strings.ReplaceAll(first, " ", "."))
	rec := profiles.Record{State: profiles.Connected, Profiles: []profiles.Profile{},
		Account: profiles.AccountRef{Sub: fmt.Sprintf("acc_%024x", i+1), Name: first, Email: fmt.Sprintf("%s.%d@example.test", mail, i)}}
	zoomed := profiles.Profile{ProviderName: "zoom_enterprise", ProfileID: fmt.Sprintf("pro_%08x", i), ProfileName: rec.Account.Email, Connected: true}
	switch i % 8 {
	case 1:
		rec.State, zoomed.Connected = profiles.Disconnected, false
		zoomed.RelinkURL = "https://app-de.cronofy.com/relink/" + fmt.Sprint(i)
	case 3:
		rec.State = profiles.Missing
		return rec
	case 4:
		rec.State = profiles.Failed
		rec.Error = &profiles.RecordError{Code: "unauthorized", Message: "The access token was not accepted: it is wrong, expired or revoked."}
		return rec
	case 5:
		rec.Profiles = append(rec.Profiles, profiles.Profile{ProviderName: "ms_teams", ProfileID: "pro_teams", ProfileName: "Barbara", Connected: true})
		zoomed.New = new(true)
	}
	rec.Profiles = append(rec.Profiles, zoomed)
	return rec
}

func summaryOf(in []profiles.Row) (c profiles.Summary) {
	for _, r := range in {
		c.Count(r.Record)
	}
	return c
}

func read(n int) flow.Event { return flow.ProfilesRead{Rows: people(n), Counts: summaryOf(people(n))} }

// refusedToken is an account of which no more is known than that.
func refusedToken() flow.Event {
	code, message := flow.ExplainAccount(&cronofy.Error{Status: 401})
	rec := profiles.Record{State: profiles.Failed, Profiles: []profiles.Profile{}, Error: &profiles.RecordError{Code: code, Message: message}}
	return flow.ProfilesRead{Rows: []profiles.Row{{Record: rec}}, Counts: profiles.Summary{Read: 1, Failed: 1}}
}

// idle carries out nothing; tests report what they want to have happened.
type idle struct{ events chan flow.Report }

func (idle) Follow(_, _ flow.State, _ *flow.Task) {}
func (i idle) Events() <-chan flow.Report         { return i.events }

// newModel is the wizard in a state, in a window, with everything frozen.
func newModel(t testing.TB, s flow.State, change ...func(*Config)) *Model {
	t.Helper()
	cfg := Config{State: s, Tasks: idle{}, Session: opener.Desktop, Version: "v0.0.0-test", Now: func() time.Time { return start },
		SaveFile: func(name, _ string) (string, error) { return "/home/ada/" + name, nil }}
	for _, c := range change {
		c(&cfg)
	}
	m := New(cfg)
	t.Cleanup(m.Close)
	return m
}

func resize(m *Model, w, h int) { m.Update(tea.WindowSizeMsg{Width: w, Height: h}) }

// report hands the Model what the running task said.
func report(t testing.TB, m *Model, evs ...flow.Event) {
	t.Helper()
	for _, ev := range evs {
		if m.state.Running == nil {
			t.Fatalf("no task runs that could report %T: the wizard is at the step %s and shows\n%s", ev, m.state.Step, text(m))
		}
		m.Update(flow.Report{Task: m.state.Running.ID, Event: ev})
	}
}

// press sends keys by their names; "type:…" types, "paste:…" pastes.
func press(m *Model, keys ...string) tea.Cmd {
	var cmds []tea.Cmd
	for _, k := range keys {
		for _, msg := range keysOf(k) {
			_, cmd := m.Update(msg)
			cmds = append(cmds, cmd)
		}
	}
	return tea.Batch(cmds...)
}

// keysOf are the messages of what press calls by that name.
func keysOf(name string) []tea.Msg {
	if text, ok := strings.CutPrefix(name, "paste:"); ok {
		return []tea.Msg{tea.PasteMsg{Content: text}}
	}
	text, ok := strings.CutPrefix(name, "type:")
	if !ok {
		return []tea.Msg{keyMsg(name)}
	}
	var out []tea.Msg
	for _, r := range text {
		out = append(out, tea.KeyPressMsg{Code: r, Text: string(r)})
	}
	return out
}

func keyMsg(name string) tea.KeyPressMsg {
	special := map[string]tea.KeyPressMsg{
		"enter": {Code: tea.KeyEnter}, "esc": {Code: tea.KeyEscape}, "tab": {Code: tea.KeyTab}, "shift+tab": {Code: tea.KeyTab, Mod: tea.ModShift},
		"up": {Code: tea.KeyUp}, "down": {Code: tea.KeyDown}, "left": {Code: tea.KeyLeft}, "right": {Code: tea.KeyRight},
		"home": {Code: tea.KeyHome}, "end": {Code: tea.KeyEnd}, "pgup": {Code: tea.KeyPgUp}, "pgdown": {Code: tea.KeyPgDown},
		"f1": {Code: tea.KeyF1}, "f2": {Code: tea.KeyF2}, "backspace": {Code: tea.KeyBackspace}, "delete": {Code: tea.KeyDelete},
	}
	if k, ok := special[name]; ok {
		return k
	}
	if c, ok := strings.CutPrefix(name, "ctrl+"); ok {
		return tea.KeyPressMsg{Code: rune(c[0]), Mod: tea.ModCtrl}
	}
	return tea.KeyPressMsg{Code: []rune(name)[0], Text: name}
}

// text is the window as a person reads it.
func text(m *Model) string { return ansi.Strip(m.View().Content) }

var errLocked = keystore.Status{State: keystore.Locked}.Failure("open")

var errNet = errors.New("read tcp 192.0.2.1: connection reset")

// errRefused is a keyring that can be read and not written.
var errRefused = &keystore.Error{Op: "set", Store: keystore.Keyring, Err: keystore.ErrRefused, Status: keystore.Status{State: keystore.Ready, Detail: "Read-only file system"}}
