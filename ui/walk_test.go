package ui

import (
	"io"
	"strings"
	"sync"
	"testing"
	"time"

	tea "charm.land/bubbletea/v2"
	"github.com/charmbracelet/x/exp/teatest/v2"
	"github.com/stretchr/testify/require"

	"confer/cronofy"
	"confer/flow"
	"confer/flow/callback"
	"confer/internal/screentest"
	"confer/keystore"
)

// script answers each task with the next of its events, as the Runner would.
type script struct {
	t      testing.TB
	events chan flow.Report
	mu     sync.Mutex
	plays  map[string][][]flow.Event // by the effect's kind
	asked  []flow.Effect
}

func newScript(t testing.TB) *script {
	return &script{t: t, events: make(chan flow.Report, 256), plays: map[string][][]flow.Event{}}
}

// on says what happens the next time an effect is ordered.
func (s *script) on(kind string, evs ...flow.Event) *script {
	s.plays[kind] = append(s.plays[kind], evs)
	return s
}

func kindOf(e flow.Effect) string {
	switch e := e.(type) {
	case flow.CheckApplication:
		if e.Chosen {
			return "store"
		}
		return "application"
	case flow.CheckServiceAccount:
		return "account"
	case flow.Connect:
		return "connect"
	case flow.Authorize:
		return "authorize"
	case flow.LoadProfiles:
		return "profiles"
	case flow.Pasted:
		return "pasted"
	case flow.Extended:
		return "extended"
	case flow.NewLinkWanted:
		return "new link"
	case flow.OpenWanted:
		return "open"
	case flow.ApprovalWanted:
		return "approve"
	case flow.ReportedDone:
		return "handed"
	}
	return "?"
}

func (s *script) Follow(_, _ flow.State, task *flow.Task) {
	if task == nil {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	kind := kindOf(task.Effect)
	s.asked = append(s.asked, task.Effect)
	if len(s.plays[kind]) == 0 {
		s.t.Errorf("nothing is scripted for %s", kind)
		return
	}
	for _, ev := range s.plays[kind][0] {
		s.events <- flow.Report{Task: task.ID, Event: ev}
	}
	s.plays[kind] = s.plays[kind][1:]
}

func (s *script) Events() <-chan flow.Report { return s.events }

// window is the wizard in a program, seen through a terminal emulator.
type window struct {
	t  *testing.T
	tm *teatest.TestModel
	em *screentest.Screen
	m  *Model

	mu       sync.Mutex
	turned   *sync.Cond
	at       pageID // which page is shown; "" while it can only be left
	answered pageID // where a key was pressed last
}

func open(t *testing.T, found flow.Initial, s *script, w, h int) *window {
	return show(t, newModel(t, flow.Start(found), func(c *Config) { c.Tasks = s }), w, h)
}

// show runs the wizard.
func show(t *testing.T, m *Model, width, height int) *window {
	w := &window{t: t, m: m, em: screentest.New(t, width, height, io.Discard)}
	w.turned = sync.NewCond(&w.mu)
	w.tm = teatest.NewTestModel(t, watched{m, w}, teatest.WithInitialTermSize(width, height))
	return w
}

// watched tells a window which page is shown.
type watched struct {
	*Model
	w *window
}

func (m watched) Update(msg tea.Msg) (tea.Model, tea.Cmd) {
	_, cmd := m.Model.Update(msg)
	m.w.mu.Lock()
	defer m.w.mu.Unlock()
	m.w.at = m.Model.at()
	if m.page().Busy != "" {
		m.w.at = ""
	}
	m.w.turned.Broadcast()
	return m, cmd
}

// shown is what the emulated screen shows.
func (w *window) shown() string {
	w.t.Helper()
	out, err := io.ReadAll(w.tm.Output())
	require.NoError(w.t, err)
	_, _ = w.em.Write([]byte(strings.ReplaceAll(string(out), "\n", "\r\n")))
	return w.em.Text()
}

// sees waits until a text is on the emulated screen.
func (w *window) sees(want string) {
	w.t.Helper()
	limit := time.After(screentest.Patience)
	for !strings.Contains(w.shown(), want) {
		select {
		case <-limit:
			w.t.Fatalf("never saw %q; the screen is\n%s", want, w.em.Text())
		case <-time.After(5 * time.Millisecond):
		}
	}
}

// to waits for a page. Those before it that the test has not answered it passes by
// Enter, and so it need not know them.
func (w *window) to(page pageID) { w.t.Helper(); w.turn(page, "enter") }

// backTo goes back to a page.
func (w *window) backTo(page pageID) {
	w.t.Helper()
	w.answered = ""
	w.turn(page, "esc")
}

// turn presses a key on each page until one is shown.
func (w *window) turn(to pageID, key string) {
	w.t.Helper()
	at := pageID("")
	for at != to {
		w.mu.Lock()
		screentest.Wait(w.t, w.turned, screentest.Patience, "the page: "+string(to), func() bool {
			at = w.at
			waits := at == pageWaiting && key == "enter" // which does nothing there, and would be taken on the page that follows
			return at == to || at != "" && at != w.answered && !waits
		}, func() (string, bool) { return w.shown(), false })
		w.mu.Unlock()
		if at != to {
			w.press(key)
		}
	}
}

func (w *window) press(keys ...string) {
	w.mu.Lock()
	if w.at != "" {
		w.answered = w.at
	}
	w.mu.Unlock()
	for _, k := range keys {
		switch {
		case strings.HasPrefix(k, "type:"):
			w.tm.Type(strings.TrimPrefix(k, "type:"))
		case strings.HasPrefix(k, "paste:"):
			w.tm.Send(tea.PasteMsg{Content: strings.TrimPrefix(k, "paste:")})
		default:
			w.tm.Send(keyMsg(k))
		}
	}
}

func (w *window) quits() {
	w.t.Helper()
	w.tm.WaitFinished(w.t, teatest.WithFinalTimeout(screentest.Patience), teatest.WithTimeoutFn(func(t testing.TB) {
		t.Fatalf("it never ended; the screen is\n%s", w.em.Text())
	}))
}

// toTheLink presses Enter on each page of the sandbox until the link is made.
func (w *window) toTheLink() {
	w.t.Helper()
	w.to(pageAuthorize)
	w.press("enter")
}

func okAccount(s *script) *script {
	return s.on("application", accepted()).on("account", accountOK())
}

// TestWalkToTheProvider is the first half of the way, with a wrong secret, a
// locked keyring and an unknown account, and then back to the first page and
// forth: what was typed stays.
func TestWalkToTheProvider(t *testing.T) {
	s := newScript(t).
		on("application", fail(&cronofy.Error{Status: 401, Code: "invalid_client"})).
		on("application", asked("locked", "")).
		on("store", flow.ApplicationAccepted{Store: flow.Store{Kind: keystore.Session}, ClientSecret: cronofy.NewSecret(testSecret)}).
		on("account", fail(&cronofy.Error{Status: 404})).
		on("account", accountOK()).
		on("account", accountOK())
	w := open(t, flow.Initial{}, s, 100, 30)

	w.to(pageDataCenter)
	w.press("/", "type:germ", "enter")
	w.to(pageApplication)
	w.press("type:"+testClient, "enter", "paste:wrong\n", "enter")
	w.sees("Cronofy does not accept this client id and secret.")
	w.press("ctrl+u", "paste:"+testSecret, "enter")
	w.sees("The system keyring is locked.")
	w.press("enter")
	w.to(pageServiceAccount)
	w.press("type:ser_wrong", "enter")
	w.sees("Cronofy does not know this service account.")
	w.press("ctrl+u", "type:"+testID, "tab", "type:Example GmbH", "enter")
	w.to(pageProvider)
	w.backTo(pageServiceAccount)
	w.sees(testID)
	w.press("enter") // what was typed is still there, and checked again
	w.to(pageProvider)
	w.backTo(pageDataCenter)
	w.press("enter")
	w.to(pageApplication)
	w.sees(testClient)
	w.press("ctrl+c")
	w.quits()
}

// TestWalkToTheTable is the second half: a paste that is no answer, a refusal,
// a new link, more time, and the proof.
func TestWalkToTheTable(t *testing.T) {
	s := okAccount(newScript(t)).
		on("authorize", linkReady(), flow.BrowserAsked{}).
		on("pasted", flow.AnswerRejected{Err: callback.ErrPasteNoState}).
		on("pasted", flow.Failed{Err: &cronofy.Error{Code: "access_denied"}}).
		on("authorize", linkReady(), flow.BrowserAsked{}).
		on("new link", linkReady()).
		on("extended", flow.TimeExtended{Until: start.Add(9 * time.Minute)}).
		on("pasted", flow.AnswerArrived{}, linked()).
		on("profiles", read(20), flow.LookPlanned{At: start.Add(12 * time.Second)}).
		on("profiles", read(20), flow.LookPlanned{At: start.Add(12 * time.Second)})
	w := open(t, *sandboxFound(), s, 100, 30)
	w.sees("Germany · sandbox")
	w.toTheLink()
	w.sees(testShort)
	w.press("paste:abcdef0123456789")
	w.to(pagePaste)
	w.press("enter")
	w.sees("state= is missing")
	w.press("ctrl+u", "paste:http://127.0.0.1:8739/callback?error=access_denied&state=1", "enter")
	w.sees("refused the authorization.")
	w.press("enter")
	w.sees(testShort)
	w.press("n")
	w.sees("Approval link 2 of this wait.")
	w.press("+")
	w.sees("9:00")
	w.press("p")
	w.to(pagePaste)
	w.press("type:http://127.0.0.1:8739/callback?code=abc&state=1", "enter")
	w.to(pageLinked)
	w.press("enter", "enter")
	w.sees("12 connected")
	w.press("right", "esc", "r", "right", "esc")
	w.sees("next look in 0:12")
	w.press("ctrl+c")
	w.quits()
	require.Equal(t, flow.StepProfiles, w.m.State().Step)
	require.NotNil(t, w.m.State().Link)
	require.Empty(t, s.plays["profiles"], "r begins another look")
}

// TestEnterAloneWalksTheSandbox: every field is filled in, so that Enter alone
// goes from the first page to the end.
func TestEnterAloneWalksTheSandbox(t *testing.T) {
	s := okAccount(newScript(t)).
		on("authorize", linkReady(), flow.BrowserAsked{}, flow.AnswerArrived{}, linked()).
		on("profiles", read(15), flow.ProfilesDone{})
	w := open(t, *sandboxFound(), s, 80, 24)
	w.toTheLink()
	w.to(pageLinked)
	for _, text := range []string{"› sandbox", "9 connected", "9 of 15 accounts connected"} {
		w.press("enter")
		w.sees(text)
	}
	w.press("enter")
	w.quits()
}

// TestNotNow: a link without proof is a good end, by Enter alone where no accounts
// were named, and another customer can be linked with the same application.
func TestNotNow(t *testing.T) {
	s := okAccount(newScript(t)).on("authorize", linkReady(), linked())
	found := *sandboxFound()
	found.Answers.Accounts = flow.Accounts{}
	w := open(t, found, s, 80, 24)
	w.toTheLink()
	w.to(pageLinked)
	w.press("enter")
	w.to(pageDone)
	w.press("a")
	w.to(pageUsedAccounts)
	w.sees("› " + testID)
	w.press("ctrl+c")
	w.quits()
}
