package ui

import (
	"slices"
	"strings"

	"charm.land/bubbles/v2/key"
	tea "charm.land/bubbletea/v2"

	"confer/cronofy"
	"confer/flow"
	"confer/internal/doctor"
)

// letter shows a text that is to be sent to somebody, to be copied or saved.
type letter struct {
	what, file string // "The message", and the name of its file
	flash      flash
}

// flash is what a key just did, in a sentence.
type flash struct {
	text string
	good bool
}

func (fl flash) lines(f frame) []string {
	switch {
	case fl.text == "":
		return nil
	case fl.good:
		return f.done(fl.text)
	}
	return f.warning(fl.text)
}

// saved is what came of writing a file.
type saved struct {
	what, path string
	err        error
}

// holdsLink: a file with a link in it is not to be left lying about.
func (s saved) holdsLink() bool { return s.what != permitWhat }

func (s saved) flash() flash {
	if s.err != nil {
		return flash{text: "The file could not be written: " + clean(s.err.Error()) + "."}
	}
	text := s.what + " was written to " + clean(s.path) + "."
	if s.holdsLink() {
		text += " Delete it when it has done its work."
	}
	return flash{text, true}
}

// save writes in a command: the disk may be slow.
func save(f frame, what, name, text string) tea.Cmd {
	write := f.cfg.SaveFile
	return func() tea.Msg {
		path, err := write(name, text)
		return saved{what: what, path: path, err: err}
	}
}

// update tells whether the letter stays on the screen.
func (l *letter) update(msg tea.Msg, f frame, text string) (stays bool, cmd tea.Cmd) {
	switch msg := msg.(type) {
	case saved:
		l.flash = msg.flash()
	case tea.KeyPressMsg:
		if key.Matches(msg, f.keys.back) {
			l.flash = flash{}
			return false, nil
		}
		return true, l.press(msg, f, text)
	}
	return true, nil
}

func (l *letter) press(k tea.KeyPressMsg, f frame, text string) tea.Cmd {
	l.flash = flash{}
	switch {
	case key.Matches(k, f.keys.copyText):
		l.flash = flash{l.what + " was sent to the terminal's clipboard.", true}
		return tea.SetClipboard(text)
	case key.Matches(k, f.keys.write) && f.cfg.SaveFile != nil:
		return save(f, l.what, l.file, text)
	}
	return nil
}

func (l *letter) bindings(f frame, back string) []key.Binding {
	return []key.Binding{as(f.keys.copyText, "copy "+strings.ToLower(l.what[:1])+l.what[1:]), as(f.keys.back, back), when(f.cfg.SaveFile != nil, f.keys.write)}
}

// quote sets a text apart from the page's own.
func quote(f frame, text string) []string {
	bar := f.st.rule.Render("│") + " "
	var out []string
	for _, l := range strings.Split(strings.TrimSpace(text), "\n") {
		for _, part := range wrap(l, f.w-2) {
			out = append(out, bar+part)
		}
	}
	return out
}

// What is written to files, and how they are called.
const (
	messageWhat, messageFile = "The message", "confer-message.txt"
	linkWhat, linkFile       = "The link", "confer-link.txt"
	permitWhat, permitFile   = "The text", "confer-redirect-uris.txt"
)

// newPermit is the text that asks Cronofy to permit the redirect URI.
func newPermit() letter { return letter{what: permitWhat, file: permitFile} }

// permitText asks for the other ports too, where they would be offered.
func permitText(a flow.Answers) string {
	uris := flow.RedirectURIs()
	if a.RedirectSet || !slices.Contains(uris, a.RedirectURI) {
		uris = []string{cronofy.CleanText(a.RedirectURI, maxEntry)}
	}
	return doctor.Registration{ClientID: clean(a.ClientID), DataCenter: siteWords(a.Site), RedirectURIs: uris}.Text()
}

// siteWords names a data center with its host, or the host that stands in its
// place.
func siteWords(s cronofy.Site) string {
	switch {
	case !s.Chosen():
		return ""
	case s.Overridden() && !s.Sandbox:
		return clean(s.APIHost())
	}
	return s.DataCenter.Name + " (" + s.DataCenter.Site().APIHost() + ")"
}

// viewPermit is the page of its own that the text has outside the wait.
func (l *letter) viewPermit(f frame, p *page, a flow.Answers) {
	p.heading(f, permitTitle, "")
	quotePermit(f, p, a)
	p.foot = l.flash.lines(f)
	p.brief = len(p.foot)
}

const permitTitle = "Text for Cronofy's permitted list"

func quotePermit(f frame, p *page, a flow.Answers) {
	why := "For applications in production: send it to " + doctor.SupportAddress + ". In development mode any redirect URI will do."
	if a.Site.Sandbox {
		why = "The sandbox permits any redirect URI; Cronofy wants this of an application in production."
	}
	p.join(aside, each(f.st.muted, wrap(why, f.w))...)
	p.add(keep, quote(f, permitText(a))...)
}
