package command

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/term"

	"confer/cronofy"
	"confer/flow"
	"confer/internal/crash"
	"confer/internal/opener"
	"confer/ui"
)

// lineByLine decides between the screen and the lines. Lines work in a pipe,
// but only when they were asked for: a wizard that waits in a script by mistake
// helps nobody.
func lineByLine(f *settings, s streams, e environment) (bool, error) {
	if f.plain || e.get("ACCESSIBLE") != "" {
		return true, nil
	}
	in, okIn := s.in.(*os.File)
	out, okOut := s.out.(*os.File)
	if !okIn || !okOut || !term.IsTerminal(int(in.Fd())) || !term.IsTerminal(int(out.Fd())) {
		return false, &usageError{summary: "the wizard needs a terminal", hint: "without one, give the answers by flags and --no-input, or take --plain"}
	}
	return e.get("TERM") == "dumb", nil
}

// useColor lets --color have the last word: the terminal library goes by the
// environment.
func useColor(when string) error {
	switch when {
	case "auto":
	case "never":
		return os.Setenv("NO_COLOR", "1")
	case "always":
		_ = os.Unsetenv("NO_COLOR")
		return os.Setenv("CLICOLOR_FORCE", "1")
	default:
		return &usageError{summary: fmt.Sprintf("--color cannot be %q", cronofy.CleanText(when, 20)), hint: "it takes auto, always or never"}
	}
	return nil
}

func setupWizard(ctx context.Context, w *world, s streams, e environment) error {
	tasks := flow.NewTasks(w.runner)
	cfg := ui.Config{
		State:    flow.Start(w.found),
		Tasks:    tasks,
		Session:  sessionOf(w.session),
		Browser:  browserOf(w.browser, e.get("BROWSER")),
		Version:  programVersion(),
		SaveFile: saveFile,
		Flags:    measuresFlags(e.get),
	}
	last, err := show(ctx, cfg, s, w.plain)
	if last.Attempt.Phase >= flow.PhaseExchanging {
		fmt.Fprintln(s.err, "Finishing the exchange of the code ...")
	}
	for _, r := range tasks.Close() { // what was finished on the way out counts
		last, _ = last.Apply(r)
	}
	var caught *crash.Error
	if errors.As(err, &caught) {
		sayCrash(s.err, caught)
		return &exitError{flow.ExitFailed}
	}
	if ctx.Err() == nil && err != nil && !readerLeft(err) {
		complain(s.err, "the wizard cannot be shown: "+cronofy.CleanText(err.Error(), 200), "give the answers by flags and --no-input")
		return &exitError{flow.ExitFailed}
	}
	if !w.plain { // line by line it was said already
		for _, l := range last.Made {
			fmt.Fprintf(s.out, "linked %s with %s%s\n", l.ServiceAccount, l.Provider, unconfirmed(l))
		}
	}
	return farewell(last, w.runner.Links != nil, s)
}

func unconfirmed(l flow.Link) string {
	if l.Unconfirmed {
		return " (not confirmed)"
	}
	return ""
}

// show runs the wizard on the screen or line by line.
func show(ctx context.Context, cfg ui.Config, s streams, plain bool) (flow.State, error) {
	if plain {
		cfg.Input, cfg.Output = s.in, s.out
		return ui.RunPlain(ctx, ui.PlainConfig{Config: cfg, Err: s.err})
	}
	defer restoreBeforeDump(os.Stdin, os.Stdout)()
	return ui.Run(ctx, cfg)
}

// farewell says what was done and what is kept, now that the screen is gone.
func farewell(last flow.State, kept bool, s streams) error {
	if len(last.Made) == 0 && last.ApprovedNow() {
		fmt.Fprintln(s.err, "The administrator approved, so the link most likely exists; confer has no token of its own for it.")
		return &exitError{flow.ExitFailed}
	}
	if len(last.Made) == 0 {
		fmt.Fprintln(s.err, "Nothing was linked.")
		switch {
		case kept && last.Unsaved:
			fmt.Fprintln(s.err, "Your answers were not saved.")
		case kept:
			fmt.Fprintln(s.err, "Your answers are kept: confer goes on where you stopped.")
		}
		return &exitError{flow.ExitCancelled}
	}
	l := last.Made[len(last.Made)-1]
	switch {
	case l.Store == flow.StoreSession:
		fmt.Fprintln(s.err, "The secrets were kept in memory for this run only.")
	case l.Store == flow.StoreNone:
		fmt.Fprintln(s.err, "That was the sandbox: nothing is linked in reality, and nothing is stored.")
	}
	return nil
}

func sessionOf(k opener.Kind) ui.Session {
	switch k {
	case opener.SSH:
		return ui.SessionSSH
	case opener.WSL:
		return ui.SessionWSL
	case opener.Container:
		return ui.SessionContainer
	case opener.RemoteEditor, opener.RemoteTunnel:
		return ui.SessionRemote
	case opener.Headless:
		return ui.SessionHeadless
	case opener.Desktop:
	}
	return ui.SessionLocal
}

// measuresFlags tells whether the terminal is known to give a flag two cells.
// Inside tmux and screen the multiplexer measures, and mostly wrong.
func measuresFlags(get func(string) string) bool {
	if get("TMUX") != "" || get("STY") != "" || strings.HasPrefix(get("TERM"), "screen") || strings.HasPrefix(get("TERM"), "tmux") {
		return false
	}
	switch get("TERM_PROGRAM") {
	case "iTerm.app", "WezTerm", "ghostty":
		return true
	}
	return get("TERM") == "xterm-kitty" || get("TERM") == "xterm-ghostty"
}

// saveFile writes a private file beside where the operator works, under a name
// that nothing has yet.
func saveFile(name, text string) (string, error) {
	ext := filepath.Ext(name)
	base := strings.TrimSuffix(name, ext)
	for i := 1; ; i++ {
		path := name
		if i > 1 {
			path = fmt.Sprintf("%s-%d%s", base, i, ext)
		}
		f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
		if os.IsExist(err) && i < 100 {
			continue
		}
		if err != nil {
			return "", fmt.Errorf("save: %w", err)
		}
		if _, err = f.WriteString(text); err != nil {
			f.Close()
			return "", fmt.Errorf("save: %w", err)
		}
		return path, f.Close()
	}
}
