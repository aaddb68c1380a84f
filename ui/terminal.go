package ui

import (
	"bytes"
	"io"
	"os"
	"strings"
	"time"
	"unicode/utf8"

	tea "charm.land/bubbletea/v2"
	uv "github.com/charmbracelet/ultraviolet"
	"github.com/charmbracelet/x/ansi"

	"confer/cronofy"
	"confer/flow"
)

// pasteStall is how long a paste may break off before the next key ends it. Its
// pieces come within milliseconds.
const pasteStall = 2 * time.Second

// pasteMost is how much of a paste is taken, in bytes: more than any field does. The
// rest is dropped, and does not act as keys.
const pasteMost = 1 << 20

// keyboard is the terminal's input. It makes sure that every paste ends: Bubble
// Tea takes all keys for a part of it, Ctrl+C too, until its end mark comes, which
// a connection may lose and a hostile program never sends.
type keyboard struct {
	*os.File
	pastes pasteGuard
}

// Read leaves room for the marks that may have to be added.
func (k *keyboard) Read(b []byte) (int, error) {
	n, err := k.File.Read(b[:len(b)/2])
	return copy(b, k.pastes.pass(bytes.Clone(b[:n]), time.Now())), err
}

// pasteGuard follows the marks of pastes in what is typed.
type pasteGuard struct {
	open   bool      // between the marks
	last   time.Time // when bytes came
	taken  int       // bytes of the paste
	recent []byte    // the last bytes, for what is cut between two reads
}

// pass gives what to hand on.
func (p *pasteGuard) pass(b []byte, now time.Time) (out []byte) {
	if p.open && len(b) > 0 && now.Sub(p.last) >= pasteStall {
		out = p.end(out)
	}
	p.last = now
	for _, c := range b {
		out = p.key(out, c)
	}
	return out
}

func (p *pasteGuard) key(out []byte, c byte) []byte {
	const longest = 32 // of a key's sequence
	p.recent = append(p.recent, c)
	p.recent = p.recent[max(0, len(p.recent)-longest):]
	switch {
	case !p.open:
		p.open, p.taken = bytes.HasSuffix(p.recent, []byte(ansi.BracketedPasteStart)), 0
	case bytes.HasSuffix(p.recent, []byte(ansi.BracketedPasteEnd)):
		if p.taken++; p.taken > pasteMost {
			return p.end(out)
		}
		p.open = false
	case endsInCtrlC(p.recent):
		return append(p.end(out), keyCtrlC)
	default:
		if p.taken++; p.taken > pasteMost {
			return out
		}
	}
	return append(out, c)
}

// end adds the mark that a paste lacks.
func (p *pasteGuard) end(out []byte) []byte {
	p.open, p.recent = false, nil
	return append(out, ansi.BracketedPasteEnd...)
}

// keyCtrlC is what a terminal sends that knows no other form.
const keyCtrlC = 0x03

// endsInCtrlC knows it in the forms that are keys with modifiers too: kitty's and
// xterm's.
func endsInCtrlC(b []byte) bool {
	switch b[len(b)-1] {
	case keyCtrlC:
		return true
	case 'u', '~':
		var forms uv.EventDecoder
		n, ev := forms.Decode(b[max(0, bytes.LastIndexByte(b, ansi.ESC)):])
		k, isKey := ev.(uv.KeyPressEvent)
		return isKey && n > 1 && latin(tea.KeyPressMsg(k), true).String() == "ctrl+c"
	}
	return false
}

// display is the terminal's output.
type display struct {
	*os.File
	ascii bool
}

// Write empties the screen before it is left: where there is no other one to
// leave for, the last frame would stay on the shell's lines.
func (d display) Write(b []byte) (int, error) {
	const leave, clear = ansi.ResetModeAltScreenSaveCursor, ansi.CursorHomePosition + ansi.EraseScreenBelow
	out := bytes.ReplaceAll(b, []byte(leave), []byte(clear+leave))
	if d.ascii {
		out = []byte(toASCII(string(out)))
	}
	if _, err := d.File.Write(out); err != nil {
		return 0, err
	}
	return len(b), nil
}

// asciiSigns stand for the signs that the wizard draws, cell for cell.
var asciiSigns = strings.NewReplacer(
	signDone, "+", signNow, "*", signLater, "-", signBad, "x", signMissing, ".", signCursor, ">", mask, "*",
	"…", "~", "–", "-", "—", "-", "“", `"`, "”", `"`, "‘", "'", "’", "'", "×", "x",
	"↑", "^", "↓", "v", "←", "<", "→", ">", "─", "-", "│", "|", "┌", "+", "┐", "+", "└", "+", "┘", "+", "━", "-", "┃", "|",
	"╭", "+", "╮", "+", "╰", "+", "╯", "+", "├", "+", "┤", "+", "┬", "+", "┴", "+", "┼", "+", "█", "#", "▀", "#", "▄", "#", "░", ".", "▒", ":", "▓", "#",
	"⠋", "|", "⠙", "/", "⠹", "-", "⠸", `\`, "⠼", "|", "⠴", "/", "⠦", "-", "⠧", `\`, "⠇", "|", "⠏", "/",
)

// toASCII keeps every cell where it is.
func toASCII(s string) string {
	var b strings.Builder
	for s = asciiSigns.Replace(s); s != ""; {
		c := s[:1]
		if s[0] >= utf8.RuneSelf {
			var width int
			c, width = ansi.FirstGraphemeCluster(s, ansi.GraphemeWidth)
			b.WriteString(strings.Repeat("?", width))
		} else {
			b.WriteByte(s[0])
		}
		s = s[len(c):]
	}
	return b.String()
}

// asciiWriter writes the signs of lines so that a terminal of that environment has them.
type asciiWriter struct{ io.Writer }

// Write writes all of b or nothing.
func (a asciiWriter) Write(b []byte) (int, error) {
	if _, err := io.WriteString(a.Writer, toASCII(strings.ReplaceAll(string(b), "…", "..."))); err != nil {
		return 0, err
	}
	return len(b), nil
}

// DrawsASCII tells from the environment whether the terminal has no other signs:
// its locale says so, or it is the Linux console, whose fonts lack most of them.
// No locale at all says nothing: containers have none, and their terminals do.
func DrawsASCII(get func(string) string) bool {
	if get("TERM") == "linux" {
		return true
	}
	for _, name := range []string{"LC_ALL", "LC_CTYPE", "LANG"} {
		if locale := strings.ToLower(get(name)); locale != "" {
			return !strings.Contains(locale, "utf-8") && !strings.Contains(locale, "utf8")
		}
	}
	return false
}

// released runs something while the terminal is given back, and has everything
// drawn anew afterwards.
func released(run func(out io.Writer) error, then tea.ExecCallback) tea.Cmd {
	return tea.Exec(&release{run: run}, then)
}

type release struct {
	run func(out io.Writer) error
	out io.Writer
}

func (*release) SetStdin(io.Reader)        {}
func (r *release) SetStdout(out io.Writer) { r.out = out }
func (*release) SetStderr(io.Writer)       {}

// drawerEnds is more than the goroutine that draws frames needs to end. Bubble Tea
// does not wait for it: one that ends after the next was started takes that one's
// clock along, and nothing is drawn any more.
const drawerEnds = 50 * time.Millisecond

func (r *release) Run() error {
	defer time.Sleep(drawerEnds)
	return r.run(r.out)
}

type (
	interrupted struct{ stop bool } // stop: asked for from outside; else over, and nobody saw it coming
	resumed     struct{}
)

// standsBack gives the terminal to the shell, until the program goes on.
func (m *Model) standsBack(stop bool) tea.Cmd {
	return released(func(io.Writer) error {
		if stop && m.job != nil {
			m.job.Stop()
		}
		return nil
	}, func(error) tea.Msg { return resumed{} })
}

// wholeLink is an address that is shown on the normal screen, alone on its lines and
// byte for byte, so that the terminal wraps it itself and gives it back whole when
// it is selected. No cell renderer can do that: while it is shown the wizard draws
// nothing, and takes keys, pastes and reports as ever.
type wholeLink struct {
	keys  int    // pressed since
	typed string // by them: a paste, if the terminal does not mark it
}

// quiet says that no key came for a while.
type quiet struct{ keys int }

// pieces is how long a terminal must be silent before a key, or a paste without
// marks, counts as whole: its pieces come within milliseconds.
const pieces = 100 * time.Millisecond

// showWhole prints what an address is, the address, and how confer goes on.
func (m *Model) showWhole(link, what string) tea.Cmd {
	m.whole = &wholeLink{}
	wayBack := "Any key goes back to confer."
	if m.waiting() {
		wayBack = "confer goes on waiting. Any key goes back to it, and so does an answer. The final address can be pasted here."
	}
	return released(wholeLines(link, what, wayBack), nil)
}

func wholeLines(link, what, back string) func(io.Writer) error {
	const longest, newline = 1 << 14, "\r\n" // the terminal may be in raw mode
	return func(out io.Writer) error {
		_, err := io.WriteString(out, strings.Join([]string{"", what, "", cronofy.CleanText(link, longest), "", back, ""}, newline))
		return err
	}
}

// updateWhole comes back with any key or paste, as a whole, and with a report
// that is worth it. What is pasted does not act as keys, whether or not the
// terminal marks it. done: there is nothing else to do with the message.
func (m *Model) updateWhole(msg tea.Msg) (done bool, _ tea.Cmd) {
	switch msg := msg.(type) {
	case tea.PasteMsg:
		m.whole = nil
	case tea.KeyPressMsg:
		m.whole.keys++
		if len(m.whole.typed) <= 2*maxPaste { // beyond that it is refused as too long, whatever follows
			m.whole.typed += msg.Text
		}
		keys := m.whole.keys
		return true, tea.Tick(pieces, func(time.Time) tea.Msg { return quiet{keys} })
	case quiet:
		if msg.keys != m.whole.keys {
			return true, nil
		}
		typed := m.whole.typed
		m.whole = nil
		if len([]rune(typed)) > 1 {
			m.paste(tea.PasteMsg{Content: typed})
		}
		return true, nil
	case flow.Report:
		switch msg.Event.(type) {
		case flow.AnswerArrived, flow.Failed, flow.Linked, flow.ServiceAccountAccepted:
			m.whole = nil
		}
	case interrupted:
		m.whole = nil
	}
	return false, nil
}
