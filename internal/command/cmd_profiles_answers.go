package command

import (
	"errors"
	"fmt"
	"time"

	"confer/cronofy"
	"confer/internal/delegated"
)

// answersWatch tells people how far the answers to delegated access have come.
type answersWatch struct {
	progress  *progress
	of        func() delegated.Progress
	calendars int
	way       string // where answers come in, for who wonders why none do

	first  time.Time // when there was first something to wait for
	said   time.Time
	hinted bool
}

const (
	// answersTick is how often the line of a terminal counts down.
	answersTick = time.Second
	// answersSay is how often there is a line where each stays.
	answersSay = time.Minute
	// answersLate is when it is worth a hint that nothing has come at all.
	answersLate = 15 * time.Second
)

// watchAnswers begins to tell, until the run ends.
func (r *profilesRun) watchAnswers(desk *delegated.Desk, calendars int) {
	w := &answersWatch{progress: r.progress, of: desk.Progress, calendars: calendars,
		way: "what is sent to " + cronofy.CleanText(r.f.callbackURL, 200) + " must arrive at " + desk.Addr()}
	r.asked = func() int {
		desk.Close() // what is on its way to Cronofy counts when that has ended
		return desk.Progress().Asked
	}
	r.progress.answers = w.words
	stop, stopped := make(chan struct{}), make(chan struct{})
	go func() { // ends with the run: stop is closed below
		defer close(stopped)
		ticks := time.NewTicker(answersTick)
		defer ticks.Stop()
		for {
			select {
			case <-ticks.C:
				w.tick(w.progress.now())
			case <-stop:
				return
			}
		}
	}()
	r.later(func() { close(stop); <-stopped })
}

// words say how many have answered and how long the others are waited for; empty:
// nothing is waited for.
func (w *answersWatch) words(now time.Time) string {
	p := w.of()
	left := p.Until.Sub(now)
	if p.Asked == 0 || p.Answered >= w.calendars || left <= 0 {
		return ""
	}
	return fmt.Sprintf("%d of %d answered, %s left", p.Answered, w.calendars, left.Round(time.Second))
}

func (w *answersWatch) tick(now time.Time) {
	words := w.words(now)
	if words != "" && w.first.IsZero() {
		w.first, w.said = now, now
	}
	if words != "" && !w.hinted && w.of().Answered == 0 && now.Sub(w.first) >= answersLate {
		w.hinted = true
		w.progress.say("confer: note: no answer has come yet; " + w.way)
	}
	switch {
	case w.progress.terminal():
		w.progress.tick(now)
	case words != "" && now.Sub(w.said) >= answersSay:
		w.said = now
		w.progress.say("confer: " + words)
	}
}

// tellTrouble says at once what keeps answers from coming.
func (r *profilesRun) tellTrouble(err error) {
	var lost *delegated.LostError
	var refused *delegated.RefusedError
	switch {
	case errors.As(err, &lost):
		r.progress.say(fmt.Sprintf("confer: note: whether access to %s was asked for is not known (%s); answers are waited for",
			plural(lost.Accounts, "calendar"), cronofy.CleanText(lost.Err.Error(), 160)))
	case errors.As(err, &refused):
		r.progress.say("confer: note: refused a post " + refusedWords[refused.Refusal])
	}
}

var refusedWords = map[delegated.Refusal]string{
	delegated.Unsigned:  "without a signature; --accept-unsigned-webhooks takes such posts",
	delegated.Forged:    "with a signature that is not this client secret's",
	delegated.Malformed: "that is not what Cronofy sends",
}

// tellRefused counts what was refused again and again; the first of each kind
// was told when it came.
func (r *profilesRun) tellRefused(n delegated.Refused) {
	for _, c := range []struct {
		n    int
		text string
	}{{n.Unsigned, "without a signature"}, {n.Forged, "with a wrong signature"}, {n.Malformed, "that are not what Cronofy sends"}} {
		if c.n > 1 {
			r.progress.say(fmt.Sprintf("confer: note: refused %d posts %s", c.n, c.text))
		}
	}
}

// tellAsked says what a run that has ended early may have done.
func (r *profilesRun) tellAsked() {
	if r.asked == nil {
		return
	}
	if n := r.asked(); n > 0 {
		r.progress.say(fmt.Sprintf("confer: note: access to %s was asked for before that, and may have been given", plural(n, "calendar")))
	}
}

// answersHint is for calendars that nothing came for.
func (r *profilesRun) answersHint() string {
	if r.unanswered == 0 {
		return ""
	}
	return fmt.Sprintf("no answer was taken for %d of them: what is sent to --callback-url must arrive at --listen, signed; --timeout waits longer", r.unanswered)
}

// noAnswer tells whether a code is that of a calendar that nothing came for.
func noAnswer(code string) bool { return code == codeNoAnswer }
