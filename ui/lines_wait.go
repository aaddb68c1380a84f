package ui

import (
	"strings"
	"time"

	"confer/flow"
)

// linesGather is how long a terminal must be silent after a line before a paste
// counts as whole: lines of one paste come within milliseconds, also over SSH.
const linesGather = 250 * time.Millisecond

// linesShortest is the shortest piece that can be of an address; anything under
// it without a sign of one was meant for a letter.
const linesShortest = 16

// linesWait drives the wait for the administrator in lines. Every way back is
// open at once: the task may report the end of the wait while an address is being
// pasted.
type linesWait struct {
	*linesWizard
	paste   []string // lines of an address so far; nil: none was begun
	asked   bool     // p said that an address follows
	quits   bool     // q was given once
	over    *Page    // a page that was opened, whose actions work as well
	decides bool     // an answer was handed over; the next line waits for what comes of it
	pause   *time.Timer
}

func newPlainWait(p *linesWizard) *linesWait {
	w := &linesWait{linesWizard: p, pause: time.NewTimer(time.Hour)}
	w.pause.Stop()
	return w
}

func (w *linesWait) run() error {
	_ = w.in.set(linesRaw) // a terminal that cannot may cut a long address, which is refused then
	defer w.end()
	w.invite()
	tick, stop := w.tick(linesEvery)
	defer stop()
	for w.state.Attempt.Phase == flow.PhaseWaiting {
		got, text, err := w.next(linesWants{input: !w.decides, tick: tick, pause: w.pause.C})
		if err == nil {
			err = w.got(got, text)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// end gives the terminal its lines back. Half an address is of no use any more.
func (w *linesWait) end() {
	w.pause.Stop()
	w.fresh()
	w.in.drop()
	_ = w.in.set(linesCooked)
}

func (w *linesWait) got(got linesKind, text string) error {
	switch got {
	case linesReported:
		w.decides = false
	case linesTicked:
		w.decides = false
		w.say(w.page().Title + ". " + w.remaining())
	case linesPaused:
		if len(w.in.pending) == 0 {
			w.submit()
		}
	case linesMore:
		if w.paste != nil {
			w.pause.Reset(linesGather)
		}
	case linesLine:
		return w.line(linesUnmarked(text))
	case linesEnded:
		if w.paste == nil {
			return errPlainEnded
		}
		w.submit()
	}
	return nil
}

// line is a letter or a part of an address.
func (w *linesWait) line(text string) error {
	text = strings.TrimSpace(text)
	switch {
	case w.paste != nil && text == "":
		w.submit()
	case w.paste != nil:
		w.gather(text)
	case len(clean(text)) < linesShortest && !strings.ContainsAny(text, "=/ "):
		return w.key(linesLetter(clean(text)))
	default:
		w.gather(text)
	}
	return nil
}

// gather adds a line. Without a terminal nobody wraps lines, so that one is
// whole unless p said that several may follow.
func (w *linesWait) gather(text string) {
	size := len(text)
	for _, l := range w.paste {
		size += len(l)
	}
	if size <= 2*linesLongest { // beyond that it is refused as too long, whatever follows
		w.paste = append(w.paste, text)
	}
	if !w.in.typed && !w.asked {
		w.submit()
		return
	}
	w.pause.Reset(linesGather)
}

func (w *linesWait) submit() {
	w.pause.Stop()
	text := strings.Join(w.paste, "\n")
	w.paste, w.asked, w.over = nil, false, nil
	if bad := misplaced(pastePage(w.context()).Fields[0], text, w.state, w.typed()); bad != nil {
		w.wrong(bad.Summary, bad.Hint)
		return
	}
	w.say("Checking what was pasted.")
	w.decides = true
	w.apply(flow.Pasted{Text: text})
}

// key does what a letter is for: of the page that was opened, else of the wait.
func (w *linesWait) key(letter string) error {
	over, quits := w.over, w.quits
	w.over, w.quits = nil, false
	page := w.page()
	switch letter {
	case "q":
		if quits {
			return errPlainQuit
		}
		w.quits = true
		w.say("Quit? The administrator can still finish, but confer will not know. q again quits, an empty answer stays.")
		return nil
	case "?":
		w.doors(page)
		return nil
	case "b":
		if over == nil {
			w.say("The wait is over. A link that is open in a browser counts again as soon as confer waits again.")
			w.apply(flow.Back{})
			return nil
		}
		letter = ""
	case "enter":
		letter = "enter?"
	}
	if over != nil {
		if act, ok := over.byLetter(letter); ok {
			w.decides = act.Event != nil
			return w.do(act)
		}
	}
	act, ok := page.byLetter(letter)
	switch {
	case ok && act.Open != "":
		w.opens(act.Open)
	case ok:
		return w.do(act)
	case letter == "":
		w.invite()
	default:
		w.wrong("That is not one of the choices.", "? says what can be done.")
	}
	return nil
}

// opens says another page. The wait goes on meanwhile, and so does its paste.
func (w *linesWait) opens(id pageID) {
	page := pageAt(id, w.context())
	if id == pagePaste {
		w.asked = true
		w.say("Paste the whole address that the browser ended on, then an empty line. The page may say that it cannot connect; that is as it should be.")
		return
	}
	w.say(sentence(page.Title))
	if page.Text != nil {
		w.recite(page.Text)
	}
	w.say(page.Lead)
	w.notes(page)
	w.letters(page)
	if len(page.actions()) > 0 {
		w.say("An empty answer goes on waiting.")
	}
	w.over = &page
}

// remaining is how long the administrator has.
func (p *linesWizard) remaining() string {
	if p.state.Attempt.Until.IsZero() {
		return "There is no end to the wait."
	}
	return clock(p.state.Attempt.Until.Sub(p.cfg.Now())) + " left."
}

// toldLink gives the approval link and says how its answer comes back.
func (p *linesWizard) toldLink() {
	page := p.page()
	p.say("The administrator has to open this approval link:")
	p.give(p.state.Attempt.URL)
	if page.Link != "" {
		p.say("On this machine, this short address leads to it: " + page.Link)
	}
	p.say(page.Lead)
	p.notes(page)
	if p.in.mode == linesRaw {
		p.invite()
	}
}

// invite is said when the terminal is ready for a long address, and not before.
func (p *linesWizard) invite() {
	p.say(p.page().Title + ". " + p.remaining() + " ? says what can be done.")
}

// doors says every way on, and what silence means.
func (w *linesWait) doors(page Page) {
	w.say("Paste the address that the browser ended on, or give a letter:")
	for _, a := range page.actions() {
		if a.Key == "enter" {
			w.say("An empty answer: " + a.Words)
			continue
		}
		w.say(a.Key + ": " + a.Words)
	}
	w.say("b: stop waiting")
	w.say("q: quit")
	for _, l := range page.Explain {
		w.say(l)
	}
}
