package ui

import (
	"strings"
	"time"

	"confer/flow"
)

// plainGather is how long a terminal must be silent after a line before a paste
// counts as whole: lines of one paste come within milliseconds, also over SSH.
const plainGather = 250 * time.Millisecond

// plainShortest is the shortest piece that can be of an address; anything under
// it without a sign of one was meant for a letter.
const plainShortest = 16

// plainWonder is the shortest pause that is worth a line.
const plainWonder = 3 * time.Second

// plainWait is the wait for the administrator. Every way back is open at once:
// the task may report the end of the wait while an address is being pasted.
type plainWait struct {
	*plainWizard
	paste    []string // lines of an address so far; nil: none was begun
	asked    bool     // p said that an address follows
	confirm  string   // "d" or "q": asked for once, not yet confirmed
	settling bool     // an answer was handed over; the next line waits for what comes of it
	pause    *time.Timer
}

func newPlainWait(p *plainWizard) *plainWait {
	w := &plainWait{plainWizard: p, pause: time.NewTimer(time.Hour)}
	w.pause.Stop()
	return w
}

func (w *plainWait) run() error {
	if err := w.in.set(plainRaw); err != nil {
		w.say("confer: notice: This terminal may cut a long address.")
	}
	defer w.end()
	w.invite()
	tick, stop := w.cfg.Tick(plainEvery)
	defer stop()
	for w.state.Attempt.Phase == flow.PhaseWaiting {
		got, err := w.next(plainWants{input: !w.settling, tick: tick, pause: w.pause.C})
		if err == nil {
			err = w.got(got)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// end gives the terminal its lines back. Half an address is of no use any more.
func (w *plainWait) end() {
	w.pause.Stop()
	w.fresh()
	w.in.drop()
	_ = w.in.set(plainCooked)
}

func (w *plainWait) got(got plainGot) error {
	switch got.kind {
	case plainReported:
		w.settling = false
	case plainTicked:
		w.settling = false
		w.say(waitingFor(w.state) + ". " + w.remaining())
	case plainPaused:
		if len(w.in.pending) == 0 {
			w.submit()
		}
	case plainMore:
		if w.paste != nil {
			w.pause.Reset(plainGather)
		}
	case plainLine:
		return w.line(plainUnmarked(got.text))
	case plainEnded:
		if w.paste == nil {
			return errPlainEnded
		}
		w.submit()
	}
	return nil
}

// line is a letter or a part of an address.
func (w *plainWait) line(text string) error {
	text = strings.TrimSpace(text)
	switch {
	case w.paste != nil && text == "":
		w.submit()
	case w.paste != nil:
		w.gather(text)
	case w.confirm != "":
		return w.confirmed(text)
	case len(clean(text)) < plainShortest && !strings.ContainsAny(text, "=/ "):
		return w.key(clean(text))
	default:
		w.gather(text)
	}
	return nil
}

// gather adds a line. Without a terminal nobody wraps lines, so that one is
// whole unless p said that several may follow.
func (w *plainWait) gather(text string) {
	size := len(text)
	for _, l := range w.paste {
		size += len(l)
	}
	if size <= 2*plainLongest { // beyond that it is refused as too long, whatever follows
		w.paste = append(w.paste, text)
	}
	if !w.in.typed && !w.asked {
		w.submit()
		return
	}
	w.pause.Reset(plainGather)
}

func (w *plainWait) submit() {
	w.pause.Stop()
	text := strings.Join(w.paste, "\n")
	w.paste, w.asked, w.confirm = nil, false, ""
	w.say("Checking what was pasted.")
	w.settling = true
	w.apply(flow.Pasted{Text: text})
}

func (w *plainWait) key(letter string) error {
	switch letter {
	case "":
		w.invite()
	case "?":
		w.doors()
	case "b":
		w.say("The wait is over. A link that is open in a browser counts again as soon as confer waits again.")
		w.apply(flow.Back{})
	case "q":
		w.confirm = letter
		w.say("Quit? The administrator can still finish, but confer will not know. q again quits, an empty answer stays.")
	case "p":
		w.asked = true
		w.say("Paste the whole address that the browser ended on, then an empty line. The page may say that it cannot connect; that is as it should be.")
	default:
		w.act(letter)
	}
	return nil
}

func (w *plainWait) act(letter string) {
	switch {
	case letter == "o":
		w.apply(flow.OpenWanted{})
	case letter == "n":
		w.say("A new link is on its way. The one before can still come back.")
		w.apply(flow.NewLinkWanted{})
	case letter == "+":
		w.apply(flow.Extended{})
	case letter == "m":
		w.message()
	case letter == "t":
		w.permit()
	case letter == "w" && w.cfg.SaveFile != nil:
		w.save(messageWhat, messageFile, messageFor(w.state, w.state.Attempt.URL))
	case letter == "l" && w.cfg.SaveFile != nil:
		w.save(linkWhat, linkFile, w.state.Attempt.URL+"\n")
	case letter == "d" && w.state.Step == flow.StepAuthorize:
		w.confirm = letter
		w.say("Does the administrator say that it is done? confer then keeps the link as not confirmed, without a token of its own.")
		w.say("y keeps it so. An empty answer goes on waiting; pasting the final address confirms it instead.")
	default:
		w.wrong("That is not one of the choices.", "? says what can be done.")
	}
}

// confirmed is the answer to q or d. Nothing but the right letter is a yes.
func (w *plainWait) confirmed(text string) error {
	asked := w.confirm
	w.confirm = ""
	switch {
	case asked == "q" && text == "q":
		return errPlainQuit
	case asked == "d" && strings.EqualFold(text, "y"):
		w.settling = true
		w.apply(flow.Handed{})
	case text == "", strings.EqualFold(text, "n"), strings.EqualFold(text, "no"):
		w.say("Still waiting. " + w.remaining())
	default:
		return w.line(text)
	}
	return nil
}

// message writes the message for the administrator, to be copied.
func (w *plainWait) message() {
	w.recite(messageWhat, messageFor(w.state, w.state.Attempt.URL))
	w.say("Agree on a time first: the link lives for a short while, and programs that check links in mail or chat can use it up.")
}

func (w *plainWait) save(what, name, text string) {
	path, err := w.cfg.SaveFile(name, text)
	fl := saved{what: what, path: path, err: err}.flash()
	if !fl.good {
		w.wrong(fl.text, "m shows the message here.")
		return
	}
	w.say(fl.text)
}

// recite gives a text as it is, to be copied.
func (p *plainWizard) recite(what, text string) {
	p.say(what + " begins.")
	for l := range strings.Lines(text) {
		p.fresh()
		p.write(p.cfg.Err, plainText(strings.TrimSuffix(l, "\n"))+"\n")
	}
	p.say(what + " ends.")
}

// permit gives what Cronofy has to be asked for.
func (p *plainWizard) permit() { p.recite(permitWhat+" for Cronofy", permitText(p.state.Answers)) }

// remaining is how long the administrator has.
func (p *plainWizard) remaining() string {
	return clock(p.state.Attempt.Until.Sub(p.cfg.Now())) + " left."
}

// toldLink gives the link and says how its answer comes back.
func (p *plainWizard) toldLink() {
	s := p.state
	p.say("The administrator has to open this link:")
	p.give(s.Attempt.URL)
	f := p.frame()
	if s.Attempt.ShortURL != "" && !(away(f) && delivered(f) && !published(f)) {
		p.say("On this machine, this short one leads to it: " + clean(s.Attempt.ShortURL))
	}
	if tunnel := tunnelLine(f); tunnel != "" && !delivered(f) {
		p.say("For the short one to work on your own computer, and the answer to come back by itself, run there: " + tunnel)
	}
	if publish := publishLine(f); publish != "" && byHand(f) {
		p.say("For the short one to work outside this container, and the answer to come back by itself, publish the port: " + publish)
	}
	switch {
	case !s.Attempt.Listening:
		p.say("With this redirect URI nothing comes back by itself: paste the address that the browser ends on, here.")
	case delivered(f):
		p.say("The answer comes back by itself, through your proxy, tunnel or published port.")
	case byHand(f):
		p.say("Take the link to any browser, and paste the address that it ends on, here.")
	default:
		p.say("The answer comes back by itself. From a browser elsewhere, paste the address that it ends on, here.")
	}
	p.say(linkCount(s.Attempt))
	if p.in.mode == plainRaw {
		p.invite()
	}
}

// invite is said when the terminal is ready for a long address, and not before.
func (p *plainWizard) invite() {
	p.say(waitingFor(p.state) + ". " + p.remaining() + " ? says what can be done.")
}

// doors says every way on, and what silence means.
func (w *plainWait) doors() {
	w.say("Paste the address that the browser ended on, or give a letter:")
	letters := []plainLetter{{"p", "paste it in several lines"}, {"o", "open the link in a browser here"}, {"n", "new link"}, {"+", "more time"},
		{"m", "message for the administrator"}}
	if w.cfg.SaveFile != nil {
		letters = append(letters, plainLetter{"w", "write the message to a file"}, plainLetter{"l", "write the link alone to a file"})
	}
	letters = append(letters, plainLetter{"t", "the text that asks Cronofy to permit the redirect URI"})
	if w.state.Step == flow.StepAuthorize {
		letters = append(letters, plainLetter{"d", "the administrator says it is done"})
	}
	for _, l := range append(letters, plainLetter{"b", "stop waiting"}, plainLetter{"q", "quit"}) {
		w.say(l.letter + ": " + l.does)
	}
	w.say("The browser shows an error, and nothing comes back?")
	w.say("If it says redirect_uri: " + clean(w.state.Attempt.RedirectURI) + " must be on the application's list at Cronofy.")
	w.say("If it says client: the client id or the data center is not the right one. b goes back to them.")
	w.say("If it says link or token: it was used, or is too old. n makes a new one.")
}
