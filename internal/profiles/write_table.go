package profiles

import (
	"io"
	"strings"

	"github.com/clipperhouse/displaywidth"

	"confer/cronofy"
)

// tableWriter writes lines whose columns stand where they stood before, because
// what comes later is not known yet. What does not fit is cut, but for the last
// column; a relink URL and an error have lines of their own and are never cut.
type tableWriter struct {
	w      io.Writer
	headed bool
}

// Widths in cells, a gap of two after each. A longest provider known is
// "webex_enterprise".
const (
	stateWidth     = 12
	accountWidth   = 32
	providerWidth  = 16
	connectedWidth = 9
	gap            = "  "
)

func (t *tableWriter) Write(r Record) error {
	var b strings.Builder
	t.head(&b)
	state, account := strings.TrimSuffix(r.Words(), ownWords), r.Account.label()
	if len(r.Profiles) == 0 {
		line(&b, state, account, "", "", "")
	}
	for _, p := range r.Profiles {
		shown := p.ProfileName
		switch {
		case p.SinceLink():
			shown += " (new)"
		case p.BeforeLink():
			shown += " (their own, from before the link)"
		}
		line(&b, state, account, p.ProviderName, yesNo(p.Connected), shown)
		if p.RelinkURL != "" {
			note(&b, "relink: "+p.RelinkURL)
		}
		state, account = "", ""
	}
	if r.Error != nil {
		note(&b, r.Error.Code+": "+r.Error.Message)
	}
	for _, w := range r.Warnings {
		note(&b, "odd: "+w)
	}
	_, err := io.WriteString(t.w, b.String())
	return err
}

func (t *tableWriter) Close() error {
	var b strings.Builder
	t.head(&b)
	_, err := io.WriteString(t.w, b.String())
	return err
}

func (t *tableWriter) head(b *strings.Builder) {
	if !t.headed {
		line(b, "STATE", "ACCOUNT", "PROVIDER", "CONNECTED", "PROFILE")
	}
	t.headed = true
}

func line(b *strings.Builder, state, account, provider, connected, profile string) {
	text := fit(state, stateWidth) + gap + fit(account, accountWidth) + gap + fit(provider, providerWidth) + gap +
		fit(connected, connectedWidth) + gap + name(profile)
	b.WriteString(strings.TrimRight(text, " ") + "\n")
}

func note(b *strings.Builder, text string) {
	b.WriteString(strings.Repeat(" ", stateWidth) + gap + cronofy.CleanText(text, maxLink+maxMessage) + "\n")
}

// fit cleans, cuts and pads a text to a number of cells.
func fit(s string, cells int) string {
	s = displaywidth.TruncateString(name(s), cells, "…")
	return s + strings.Repeat(" ", max(0, cells-displaywidth.String(s)))
}
