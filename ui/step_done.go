package ui

import (
	"strings"

	"charm.land/bubbles/v2/key"
	tea "charm.land/bubbletea/v2"

	"confer/flow"
)

// done is the end: what was done, what comes next, how to undo it.
type done struct{}

func newDone() *done { return &done{} }

func (*done) sync(flow.State) {}

func (*done) update(msg tea.Msg, f frame) (flow.Event, tea.Cmd) {
	k, ok := msg.(tea.KeyPressMsg)
	switch {
	case !ok:
	case key.Matches(k, f.keys.back):
		return flow.Back{}, nil
	case key.Matches(k, f.keys.another):
		return flow.AnotherWanted{}, nil
	case key.Matches(k, f.keys.leave):
		return nil, tea.Quit
	}
	return nil, nil
}

func (*done) view(f frame) page {
	var p page
	summary(f, &p)
	return p
}

func (*done) bindings(f frame) []key.Binding {
	return []key.Binding{f.keys.another, f.keys.back, f.keys.leave}
}

func (*done) typing() bool { return false }

// summary is the last page, also of the table.
func summary(f frame, p *page) {
	p.heading(f, "What was done", "")
	p.linked(f)
	proved(f, p)
	if f.state.Answers.Site.Sandbox {
		p.note(f, aside, "This was the sandbox: it ends with confer, and nothing is stored on this machine.")
		return
	}
	if f.state.Answers.Accounts.Kind == flow.AccountsNone {
		p.text(f, aside, withoutTokens)
	}
	p.note(f, spare, "Every new account that matches gets its profile by itself; nobody has to do anything.")
	p.text(f, keep, "What is linked, and where each secret is:")
	p.join(keep, command(f, "confer status")...)
	if undo := logoutCommand(f.state.Link); undo != "" {
		p.text(f, keep, "To undo it here (with --revoke at Cronofy too):")
		p.join(keep, command(f, undo)...)
	}
}

// withoutTokens names the command for who has no access tokens of accounts.
const withoutTokens = "Without such tokens: confer profiles --emails FILE gets access through the service account."

// proved is what was read of the profiles, and how to read them elsewhere.
func proved(f frame, p *page) {
	a := f.state.Answers
	if a.Accounts.Kind == flow.AccountsNone {
		p.text(f, keep, "The proof needs accounts' tokens:")
		p.join(keep, command(f, profilesCommand(a, "FILE"))...)
		return
	}
	p.join(keep, f.signed(f.st.good.Render(signDone), counts(f.state.Proof.Tally)+".")...)
	if a.Accounts.Kind == flow.AccountsToken { // it is in no file
		p.text(f, keep, "A spreadsheet needs a file with accounts' tokens:")
		p.join(keep, command(f, profilesCommand(a, "FILE")+" --format csv")...)
		return
	}
	p.text(f, keep, "The same list again, for a spreadsheet:")
	p.join(keep, command(f, profilesCommand(a, a.Accounts.Path)+" --format csv")...)
}

// logoutCommand undoes a link, also where the same account has others; empty
// without one: it would undo another.
func logoutCommand(l *flow.Link) string {
	if l == nil {
		return ""
	}
	return "confer logout " + l.ID()
}

// command is to be copied: whole, and where it does not fit a line, broken as a
// shell takes it.
func command(f frame, c string) []string {
	const in, more = "  ", " \\"
	words := strings.Split(c, " --")
	var out []string
	line := words[0]
	for _, w := range words[1:] {
		if len(in)+visible(line)+len(" --")+visible(w)+len(more) > f.w {
			out, line = append(out, line+more), in+"--"+w
			continue
		}
		line += " --" + w
	}
	out = append(out, line)
	for i := range out {
		out[i] = in + f.st.accent.Render(cutTo(out[i], f.w-len(in)))
	}
	return out
}

// profilesCommand is what shows the same profiles outside the wizard.
func profilesCommand(a flow.Answers, path string) string {
	parts := []string{"confer profiles"}
	if a.Site.DataCenter.ID != "" {
		parts = append(parts, "--data-center "+a.Site.DataCenter.ID)
	}
	if a.Site.Overridden() && !a.Site.Sandbox {
		parts = append(parts, "--api-url "+clean(a.Site.API))
	}
	if a.Provider != "" {
		parts = append(parts, "--provider "+clean(string(a.Provider)))
	}
	if path == "" || a.Site.Sandbox {
		path = "FILE" // the sandbox's list is no file
	}
	return strings.Join(append(parts, "--accounts "+shellWord(clean(path))), " ")
}

// shellWord quotes what a shell would not take as one word.
func shellWord(s string) string {
	plain := func(r rune) bool {
		return r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune("-_./@:+,%", r)
	}
	if s != "" && strings.IndexFunc(s, func(r rune) bool { return !plain(r) }) < 0 {
		return s
	}
	return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
}
