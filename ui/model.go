package ui

import (
	"time"

	"charm.land/bubbles/v2/help"
	"charm.land/bubbles/v2/key"
	"charm.land/bubbles/v2/spinner"
	"charm.land/bubbles/v2/viewport"
	tea "charm.land/bubbletea/v2"
	"github.com/charmbracelet/colorprofile"

	"confer/flow"
	"confer/internal/suspend"
)

// Model is the wizard as Bubble Tea sees it: it shows the page that the state
// asks for, or one that was opened over it, and turns keys into events.
type Model struct {
	wizard
	done chan struct{}

	width, height int
	st            styles

	profile *table // of the profiles
	told    flash  // what the last key did

	view     viewport.Model
	helpLine help.Model
	scrolls  bool // the page has more lines, and no focus of its own to scroll to
	helping  bool // the help is open
	leaving  bool // ctrl+c was pressed once while something would be lost

	whole *wholeLink // the address that is shown outside of the window; nil: none is

	drawn     []region // where clicks count
	mouseSays *bool    // whether the operator wants the mouse; nil: they did not say

	colors colorprofile.Profile // that the terminal has
	dark   *bool                // its background; nil: not known

	job *suspend.Job // nil: there is no program to stop

	spinner  spinner.Model
	spinning bool
	ticking  bool
}

// New makes the wizard. Close it when its program has ended.
func New(cfg Config) *Model {
	m := &Model{
		wizard: newWizard(cfg), done: make(chan struct{}),
		st:      newStyles(neutralPalette),
		profile: newTable(), view: viewport.New(), helpLine: help.New(),
		spinner: spinner.New(spinner.WithSpinner(spinner.MiniDot)),
	}
	m.sync()
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

type second struct{}

func (m *Model) next() tea.Cmd {
	return func() tea.Msg {
		select {
		case r := <-m.cfg.Tasks.Events():
			return r
		case <-m.done:
			return nil
		}
	}
}

// Update routes.
func (m *Model) Update(msg tea.Msg) (tea.Model, tea.Cmd) {
	if m.whole != nil {
		if done, cmd := m.updateWhole(msg); done {
			return m, cmd
		}
	}
	if k, ok := msg.(tea.KeyPressMsg); ok {
		msg = latin(k, m.typing() && !m.helping)
	}
	switch msg := msg.(type) {
	case tea.WindowSizeMsg:
		m.width, m.height = msg.Width, msg.Height
	case interrupted:
		return m, m.standsBack(msg.stop)
	case resumed:
		return m, m.animate()
	case tea.ColorProfileMsg:
		m.theme(msg.Profile, m.dark)
	case tea.BackgroundColorMsg:
		m.theme(m.colors, new(msg.IsDark()))
	case flow.Report:
		return m, tea.Batch(m.apply(msg), m.next())
	case spinner.TickMsg:
		return m, m.turn(msg)
	case second:
		m.ticking = false
		return m, m.animate()
	case saved:
		m.told = msg.flash()
	case tea.PasteMsg:
		m.paste(msg)
	case tea.MouseWheelMsg:
		m.wheel(msg)
	case tea.MouseClickMsg:
		return m, m.click(msg)
	case tea.KeyPressMsg:
		cmd := m.press(msg)
		m.sync()
		return m, cmd
	}
	return m, nil
}

func (m *Model) theme(colors colorprofile.Profile, dark *bool) {
	m.colors, m.dark = colors, dark
	m.st = newStyles(paletteFor(colors, dark))
}

func (m *Model) apply(ev flow.Event) tea.Cmd {
	before, turned := m.change(ev)
	if !before.Watch.Started && m.state.Watch.Started {
		m.profile = newTable()
	}
	switch ev := reported(before, ev).(type) {
	case flow.ProfilesRead: // rows are not in the state
		m.profile.rows.add(ev.Rows)
	case flow.LookPlanned, flow.ProfilesDone:
		m.profile.rows.cut(m.state.Watch.Counts.Read)
	case flow.BrowserAsked:
		if ev.Err != nil && m.told.text == openTold {
			m.told = flash{text: "No browser was opened."}
		}
	}
	m.show(before, turned)
	return m.animate()
}

func (m *Model) show(before flow.State, turned bool) {
	if turned {
		m.turned()
		if m.opened[0] == pageStore { // asked anew, and no passphrase of before is in its fields
			delete(m.forms, pagePassphrase)
		}
		if m.opened[0] == pageWaiting {
			delete(m.forms, pagePaste)
		}
	}
	if n := m.state.Attempt.Notice; n != "" && n != before.Attempt.Notice { // newer than what the last key did
		m.told = flash{}
	}
	m.leaving = m.leaving && m.losable()
	m.sync()
}

func (m *Model) turned() {
	m.helping, m.told = false, flash{}
	m.view.GotoTop()
}

func (m *Model) page() Page { return pageAt(m.at(), m.context()) }

func (m *Model) context() Context {
	c := m.wizard.context(m.profile.rows.all)
	c.Flags = m.cfg.Flags
	c.account, _ = m.profile.rows.here()
	return c
}

func (m *Model) sync() {
	if m.state.Attempt.Phase > flow.PhaseWaiting {
		delete(m.forms, pagePaste)
	}
	if m.table() == nil {
		m.form().sync(m.page())
	}
}

// table is the driver of the page of profiles; nil where another page is shown.
func (m *Model) table() *table {
	if m.at() == pageTable {
		return m.profile
	}
	return nil
}

func (m *Model) frame() frame {
	l := m.layout()
	f := frame{w: l.pageW, h: l.pageH, st: m.st, ctx: m.context(), refuse: m.refuse}
	if working(m.state, f.ctx.Now) {
		f.spin = m.st.accent.Render(m.spinner.View())
	}
	return f
}

func (m *Model) press(msg tea.KeyPressMsg) tea.Cmd {
	switch {
	case key.Matches(msg, keyQuit):
		return m.quit()
	case key.Matches(msg, keyStop):
		return m.standsBack(true)
	case key.Matches(msg, keyMouse):
		m.mouseSays = new(!m.mouse())
		return nil
	}
	if m.leaving {
		m.leaving = false
		if key.Matches(msg, keyBack) {
			return nil
		}
	}
	if m.helping {
		m.pressHelp(msg)
		return nil
	}
	m.told = flash{}
	for _, c := range m.commands() {
		if key.Matches(msg, c.Binding) {
			return c.do(msg)
		}
	}
	m.edit(msg)
	return nil
}

func (m *Model) edit(msg tea.Msg) {
	switch p := m.page(); {
	case p.Busy != "":
	case m.table() != nil:
		m.profile.edit(msg)
	default:
		m.form().edit(msg)
	}
}

// typing tells whether a text field has the focus and owns the letters.
func (m *Model) typing() bool {
	if t := m.table(); t != nil {
		return t.filtering
	}
	return m.form().typing()
}

// back leaves a page that is open over another, or goes one back.
func (m *Model) back() tea.Cmd {
	if !m.over() || m.at() == pagePassphrase && m.state.Store.Pinned {
		return m.apply(flow.Back{})
	}
	m.close(m.state)
	m.turned()
	return nil
}

func (m *Model) do(a Act) tea.Cmd {
	if a.Show != "" {
		return m.showWhole(a.Show, a.Told)
	}
	m.told = flash{a.Told, true}
	switch {
	case a.Leave:
		return tea.Quit
	case a.Open == back:
		return m.back()
	case a.Open != "":
		m.open(a.Open, m.state)
		m.turned()
		if fm := m.forms[a.Open]; fm != nil { // what was typed there is kept
			fm.shown, fm.refused = false, nil
			fm.forgetExact()
		}
		return nil
	case a.Copy != "":
		return tea.SetClipboard(a.Copy)
	case a.Save != nil: // in a command: the disk may be slow
		return func() tea.Msg { return m.save(a.Save) }
	}
	return m.apply(a.Event)
}

// paste goes into the field in focus, or into that of the page that wants pastes.
func (m *Model) paste(msg tea.PasteMsg) {
	m.helping = false
	p := m.page()
	at := p.Paste
	if m.table() != nil || p.Busy != "" || at == "" {
		m.edit(msg)
		m.sync()
		return
	}
	fm := newForm() // what was typed there before is replaced: half an address is of no use
	m.forms[at] = fm
	fm.sync(pageAt(at, m.context()))
	fm.edit(msg)
	if m.at() != at {
		m.opened = m.opened[:1]
		m.open(at, m.state)
		m.turned()
	}
	m.sync()
}

// quit ends the program, but asks once where something would be lost.
func (m *Model) quit() tea.Cmd {
	if m.losable() && !m.leaving {
		m.leaving = true
		return nil
	}
	return tea.Quit
}

func (m *Model) pressHelp(msg tea.KeyPressMsg) {
	switch msg.String() {
	case "esc", "?", "f1", "enter", "q":
		m.helping = false
		m.view.GotoTop()
	default:
		m.scroll(msg)
	}
}

func (m *Model) scroll(k tea.KeyPressMsg) tea.Cmd {
	m.view, _ = m.view.Update(k)
	return nil
}

// animate starts what may move: a spinner while something of ours works, a
// countdown once a second while somebody is waited for, else nothing.
func (m *Model) animate() tea.Cmd {
	var cmds []tea.Cmd
	if working(m.state, m.cfg.Now()) && !m.spinning {
		m.spinning = true
		cmds = append(cmds, m.spinner.Tick)
	}
	if until := deadline(m.state, m.cfg.Now()); !m.ticking && until.After(m.cfg.Now()) {
		m.ticking = true
		// To the moment when the seconds shown change, not one second from now:
		// two clocks would beat against each other.
		left := until.Sub(m.cfg.Now()) % time.Second
		if left <= 0 {
			left = time.Second
		}
		cmds = append(cmds, tea.Tick(left, func(time.Time) tea.Msg { return second{} }))
	}
	return tea.Batch(cmds...)
}

func (m *Model) turn(msg spinner.TickMsg) tea.Cmd {
	if !working(m.state, m.cfg.Now()) {
		m.spinning = false
		return nil
	}
	var cmd tea.Cmd
	m.spinner, cmd = m.spinner.Update(msg)
	return cmd
}

// working tells whether a task of ours is at work, as against waiting for a
// person or for the next look.
func working(s flow.State, now time.Time) bool {
	switch {
	case s.Running == nil:
		return false
	case s.Step == flow.StepProfiles:
		return !s.Watch.NextLook.After(now)
	}
	return s.Attempt.Phase != flow.PhaseWaiting
}

// deadline is what a countdown on the screen counts to; zero: there is none.
func deadline(s flow.State, now time.Time) time.Time {
	switch {
	case s.Running == nil:
	case !s.StoreWait.Over && s.StoreWait.Until.After(now):
		return s.StoreWait.Until
	case pauses(s, now) && s.Attempt.Phase != flow.PhaseWaiting:
		return s.Pause.Until
	case s.Attempt.Phase == flow.PhaseWaiting:
		return s.Attempt.Until
	case s.Step == flow.StepProfiles:
		return s.Watch.NextLook
	}
	return time.Time{}
}

type saved struct {
	text *Text
	path string
	err  error
}

func (w *wizard) save(t *Text) saved {
	path, err := w.cfg.SaveFile(t.File, t.Body)
	return saved{t, path, err}
}

func (s saved) flash() flash {
	if s.err != nil {
		return flash{text: "The file could not be written: " + clean(s.err.Error()) + "."}
	}
	said := s.text.What + " was written to " + clean(s.path) + "."
	if !s.text.Keep {
		said += " Delete it when it is no longer needed."
	}
	return flash{said, true}
}
