package ui

import (
	"context"
	"time"

	"charm.land/bubbles/v2/key"
	"charm.land/bubbles/v2/spinner"
	tea "charm.land/bubbletea/v2"

	"confer/flow"
	"confer/internal/suspend"
)

// screen is one page of the wizard. update returns what the operator did, if
// anything; only the Model changes the state.
type screen interface {
	// sync is called when the state changed, and when the page is shown.
	sync(s flow.State)
	update(msg tea.Msg, f frame) (flow.Event, tea.Cmd)
	view(f frame) page
	// bindings are the keys that work now, most important first.
	bindings(f frame) []key.Binding
	// typing tells whether a text field has the focus and owns the letters.
	typing() bool
}

// frame is what a screen may know while it draws and updates.
type frame struct {
	w, h  int // of the page
	st    styles
	keys  keyMap
	state flow.State
	now   time.Time
	spin  string // the spinner's cell, while something of ours works
	cfg   *Config
	over  <-chan struct{} // closed when the program has to end
	raw   *rawGate
	// kept says that an address was pasted and not yet checked.
	kept bool
	// sentBack says that the problem came up on a later page; else empty.
	sentBack string
}

// Model is the wizard as Bubble Tea sees it.
type Model struct {
	cfg   Config
	ctx   context.Context
	done  chan struct{}
	state flow.State

	width, height int
	st            styles
	keys          keyMap

	page    pageID
	screens map[pageID]screen // kept, so that drafts survive going back
	scroll  int
	helping bool // the help is open
	leaving bool // ctrl+c was pressed once while something would be lost

	raw     *rawGate
	cameUp  flow.Step     // where problem came up, if that was not where it is put right
	problem *flow.Problem // the one that led back from there

	job      *suspend.Job // nil: there is no program to stop
	keyboard *keyboard    // nil: what is typed comes by other ways

	spinner  spinner.Model
	spinning bool
	ticking  bool
}

// New makes the wizard. Close it when its program has ended.
func New(cfg Config) *Model {
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	m := &Model{
		cfg: cfg, ctx: context.Background(), done: make(chan struct{}), state: cfg.State,
		st: newStyles(neutralPalette()), keys: newKeyMap(), screens: map[pageID]screen{},
		spinner: spinner.New(spinner.WithSpinner(spinner.MiniDot)), raw: &rawGate{},
	}
	m.show()
	return m
}

// Close ends the wait for reports.
func (m *Model) Close() { close(m.done) }

// State is the wizard's state as it is now.
func (m *Model) State() flow.State { return m.state }

// Init asks for the background colour, without waiting for it, and begins to
// wait for reports.
func (m *Model) Init() tea.Cmd {
	return tea.Batch(tea.RequestBackgroundColor, m.next(), m.animate())
}

type (
	reports []flow.Report
	second  struct{}
)

// next waits for reports.
func (m *Model) next() tea.Cmd {
	return inbox{from: m.cfg.Tasks.Events(), done: m.done, raw: m.raw}.gather
}

// Update routes.
func (m *Model) Update(msg tea.Msg) (tea.Model, tea.Cmd) {
	if k, ok := msg.(tea.KeyPressMsg); ok {
		msg = latin(k, m.screen(m.page).typing() && !m.helping)
	}
	if done, cmd := m.terminal(msg); done {
		return m, cmd
	}
	switch msg := msg.(type) {
	case tea.WindowSizeMsg:
		m.width, m.height = msg.Width, msg.Height
	case tea.BackgroundColorMsg:
		m.theme(msg.IsDark())
	case reports:
		var cmds []tea.Cmd
		for _, r := range msg {
			cmds = append(cmds, m.apply(r))
		}
		return m, tea.Batch(append(cmds, m.next())...)
	case spinner.TickMsg:
		return m, m.turn(msg)
	case second:
		m.ticking = false
		return m, m.animate()
	case tea.KeyPressMsg:
		return m, m.press(msg)
	default:
		return m, m.pass(msg)
	}
	return m, nil
}

func (m *Model) theme(dark bool) {
	p := lightPalette()
	if dark {
		p = darkPalette()
	}
	m.st = newStyles(p)
}

// apply is the only place where the state changes.
func (m *Model) apply(ev flow.Event) tea.Cmd {
	before := m.state
	after, task := before.Apply(ev)
	m.state = after
	if after.Problem != nil && after.Problem != before.Problem && after.Step < before.Step {
		m.cameUp, m.problem = before.Step, after.Problem
	}
	m.cfg.Tasks.Follow(before, after, task)
	cmd := m.rows(before, ev)
	m.show()
	return tea.Batch(cmd, m.animate())
}

// rows hands rows of profiles to the table; they are not in the state.
func (m *Model) rows(before flow.State, ev flow.Event) tea.Cmd {
	t, _ := m.screens[pageTable].(*table)
	if !before.Proof.Started && m.state.Proof.Started && t != nil {
		t.clear()
	}
	r, ok := ev.(flow.Report)
	if !ok || before.Running == nil || r.Task != before.Running.ID {
		return nil
	}
	if read, ok := r.Event.(flow.ProfilesRead); ok {
		return m.screen(pageTable).(*table).add(read.Rows)
	}
	return nil
}

// show brings the page that the state asks for.
func (m *Model) show() {
	if at := pageOf(m.state); at != m.page {
		m.page, m.scroll, m.helping = at, 0, false
		if at == pageStore { // asked anew, and no passphrase of before is in its fields
			delete(m.screens, at)
		}
	}
	m.leaving = m.leaving && m.losable()
	m.screen(m.page).sync(m.state)
}

func (m *Model) screen(at pageID) screen {
	if m.screens[at] == nil {
		m.screens[at] = newScreen(at)
	}
	return m.screens[at]
}

func (m *Model) frame() frame {
	f := frame{st: m.st, keys: m.keys, state: m.state, now: m.cfg.Now(), cfg: &m.cfg, over: m.ctx.Done(), raw: m.raw}
	if w, ok := m.screens[pageWaiting].(*wait); ok {
		f.kept = w.unchecked()
	}
	if m.problem != nil && m.problem == m.state.Problem {
		f.sentBack = "It came up at " + m.cameUp.Title() + "; every other answer is kept."
	}
	if working(m.state, f.now) {
		f.spin = m.st.accent.Render(m.spinner.View())
	}
	l := m.layout()
	f.w, f.h = l.pageW, l.pageH
	return f
}

// pass hands a message to the screen and does what comes of it.
func (m *Model) pass(msg tea.Msg) tea.Cmd {
	if _, pasted := msg.(tea.PasteMsg); pasted {
		m.helping = false
	}
	if m.page == pageAuthorize && m.state.Problem != nil {
		m.keepPasted(msg)
	}
	ev, cmd := m.screen(m.page).update(msg, m.frame())
	if ev == nil {
		return cmd
	}
	if _, ok := ev.(flow.AnotherWanted); ok && m.state.Running != nil {
		cmd = tea.Batch(cmd, m.apply(flow.Back{})) // ends the look at this one's profiles
	}
	return tea.Batch(cmd, m.apply(ev))
}

func (m *Model) press(msg tea.KeyPressMsg) tea.Cmd {
	if key.Matches(msg, m.keys.quit) {
		return m.quit()
	}
	if m.leaving {
		m.leaving = false
		if key.Matches(msg, m.keys.back) {
			return nil
		}
	}
	if m.helping {
		m.pressHelp(msg)
		return nil
	}
	s := m.screen(m.page)
	if key.Matches(msg, m.keys.help) && (!s.typing() || key.Matches(msg, m.keys.helpTyping)) {
		m.helping, m.scroll = true, 0
		return nil
	}
	if by := m.scrollKey(msg); by != 0 && m.cut(by) {
		m.scroll = max(0, m.scroll+by)
		return nil
	}
	return m.pass(msg)
}

// quit ends the program, but asks once while the administrator is in the
// browser: what they finish could then not be known. While the code is exchanged
// it asks too, because the program then does not end at once, and while what was
// approved is in memory alone.
func (m *Model) quit() tea.Cmd {
	if m.losable() && !m.leaving {
		m.leaving = true
		return nil
	}
	return tea.Quit
}

func (m *Model) losable() bool {
	return m.state.Attempt.Phase >= flow.PhaseWaiting || m.state.Holding()
}

func (m *Model) pressHelp(msg tea.KeyPressMsg) {
	if by := m.scrollKey(msg); by != 0 {
		m.scroll = max(0, m.scroll+by)
		return
	}
	if key.Matches(msg, m.keys.back, m.keys.help, m.keys.submit, m.keys.leave) {
		m.helping, m.scroll = false, 0
	}
}

func (m *Model) scrollKey(msg tea.KeyPressMsg) int {
	step := max(1, m.layout().pageH-1)
	switch {
	case key.Matches(msg, m.keys.pageUp):
		return -step
	case key.Matches(msg, m.keys.pageDown):
		return step
	case m.page == pageTable && !m.helping:
	case msg.Code == tea.KeyUp:
		return -1
	case msg.Code == tea.KeyDown:
		return 1
	}
	return 0
}

// cut tells whether the page has more lines in that direction and no focus of
// its own to scroll to.
func (m *Model) cut(by int) bool {
	if m.helping { // its own scrolling needs no asking
		return false
	}
	p := m.fitted()
	return p.y < 0 && (by < 0 && p.above || by > 0 && p.below)
}
