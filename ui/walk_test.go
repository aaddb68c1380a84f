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
	switch e.(type) {
	case flow.CheckApplication:
		return "application"
	case flow.OpenStore:
		return "store"
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
	case flow.ReportedDone:
		return "handed"
	case flow.Refreshed:
		return "refreshed"
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
}

func open(t *testing.T, found flow.Initial, s *script, w, h int) *window {
	m := newModel(t, flow.Start(found), func(c *Config) { c.Tasks = s })
	return &window{t: t, m: m, tm: teatest.NewTestModel(t, m, teatest.WithInitialTermSize(w, h)), em: screentest.New(t, w, h, io.Discard)}
}

// sees waits until a text is on the emulated screen.
func (w *window) sees(want string) {
	w.t.Helper()
	limit := time.After(screentest.Patience)
	for {
		out, err := io.ReadAll(w.tm.Output())
		require.NoError(w.t, err)
		_, _ = w.em.Write([]byte(strings.ReplaceAll(string(out), "\n", "\r\n")))
		if strings.Contains(w.em.Text(), want) {
			return
		}
		select {
		case <-limit:
			w.t.Fatalf("never saw %q; the screen is\n%s", want, w.em.Text())
		case <-time.After(5 * time.Millisecond):
		}
	}
}

func (w *window) press(keys ...string) {
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
	for _, title := range []string{"Which data center", "Your Cronofy application", "Whose calendars?", "Which provider", "Ready for the administrator"} {
		w.sees(title)
		w.press("enter")
	}
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
		on("store", flow.StoreOpened{Store: flow.Store{Kind: flow.StoreSession}, ClientSecret: cronofy.NewSecret(testSecret)}).
		on("account", fail(&cronofy.Error{Status: 404})).
		on("account", accountOK()).
		on("account", accountOK())
	w := open(t, flow.Initial{}, s, 100, 30)

	w.sees("Which data center was your Cronofy application made in?")
	w.press("/", "type:germ", "enter")
	w.sees("Your Cronofy application")
	w.press("type:"+testClient, "enter", "paste:wrong\n", "enter")
	w.sees("Cronofy does not accept this client id and secret.")
	w.press("ctrl+u", "paste:"+testSecret, "enter")
	w.sees("The system keyring is locked.")
	w.press("enter")
	w.sees("Whose calendars?")
	w.press("type:ser_wrong", "enter")
	w.sees("Cronofy does not know this service account.")
	w.press("ctrl+u", "type:"+testID, "tab", "type:Example GmbH", "enter")
	w.sees("Which provider should people meet on?")
	w.press("esc")
	w.sees(testID)
	w.press("enter") // what was typed is still there, and checked again
	w.sees("Which provider should people meet on?")
	w.press("esc", "esc", "esc")
	w.sees("Which data center")
	w.press("enter")
	w.sees(testClient)
	w.press("ctrl+c")
	w.quits()
}

// TestWalkToTheTable is the second half: a paste that is no answer, a refusal,
// a new link, more time, and the proof.
func TestWalkToTheTable(t *testing.T) {
	s := okAccount(newScript(t)).
		on("authorize", linkReady(), flow.BrowserAsked{}).
		on("pasted", flow.AnswerRejected{Err: callback.ErrPasteBareCode}).
		on("pasted", flow.Failed{Err: &flow.RefusedError{Code: "access_denied"}}).
		on("authorize", linkReady(), flow.BrowserAsked{}).
		on("new link", linkReady()).
		on("extended", flow.TimeExtended{Until: start.Add(9 * time.Minute)}).
		on("pasted", flow.AnswerArrived{}, flow.Exchanged{}, linked()).
		on("profiles", read(20), flow.LookPlanned{At: start.Add(12 * time.Second)}).
		on("refreshed", read(20))
	w := open(t, *sandboxFound(), s, 100, 30)
	w.sees("Germany · sandbox")
	w.toTheLink()
	w.sees(testShort)
	w.press("paste:abcdef0123456789")
	w.sees("Paste the final address")
	w.press("enter")
	w.sees("That is only the code.")
	w.press("ctrl+u", "paste:http://127.0.0.1:8739/callback?error=access_denied&state=1", "enter")
	w.sees("refused the authorization.")
	w.press("enter")
	w.sees(testShort)
	w.press("n")
	w.sees("Approval link 2 of this wait.")
	w.press("+")
	w.sees("9:00")
	w.press("p", "type:http://127.0.0.1:8739/callback?code=abc&state=1", "enter")
	w.sees("What happens now")
	w.press("enter", "enter", "enter")
	w.sees("12 connected")
	w.press("right", "esc", "r", "right", "esc")
	w.sees("next look in 0:12")
	w.press("q")
	w.quits()
	require.Equal(t, flow.StepProfiles, w.m.State().Step)
	require.NotNil(t, w.m.State().Link)
	require.Equal(t, "refreshed", kindOf(s.asked[len(s.asked)-1]))
}

// TestEnterAloneWalksTheSandbox: every field is filled in, so that Enter alone
// goes from the first page to the end.
func TestEnterAloneWalksTheSandbox(t *testing.T) {
	s := okAccount(newScript(t)).
		on("authorize", linkReady(), flow.BrowserAsked{}, flow.AnswerArrived{}, flow.Exchanged{}, linked()).
		on("profiles", read(15), flow.ProfilesDone{Tally: tally(people(15))})
	w := open(t, *sandboxFound(), s, 80, 24)
	w.toTheLink()
	for _, title := range []string{"What happens now", "Check it now?", "› sandbox", "9 connected", "9 of 15 accounts connected"} {
		w.sees(title)
		w.press("enter")
	}
	w.quits()
}

// TestNotNow: a link without proof is a good end, and another customer can be
// linked with the same application.
func TestNotNow(t *testing.T) {
	s := okAccount(newScript(t)).on("authorize", linkReady(), linked())
	w := open(t, *sandboxFound(), s, 80, 24)
	w.toTheLink()
	w.sees("What happens now")
	w.press("f")
	w.sees("This was the sandbox")
	w.press("a")
	w.sees("Whose calendars?")
	w.sees("› " + testID)
	w.press("ctrl+c")
	w.quits()
}
