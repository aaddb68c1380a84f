package command

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"golang.org/x/term"

	"confer/cronofy"
	"confer/flow"
	"confer/flow/callback"
	"confer/internal/doctor"
	"confer/internal/links"
	"confer/internal/opener"
	"confer/keystore"
)

func (x *examination) keyring(ctx context.Context) []finding {
	return []finding{keyringCheck(keystore.Probe(ctx))}
}

// keyringCheck says what a state of the keyring means, and what to do.
func keyringCheck(s keystore.Status) finding {
	const other = "Without a keyring: --secret-store session keeps secrets in memory for the run, --secret-store file in an encrypted file."
	f := finding{check: "keyring", state: findingProblem}
	switch s.State {
	case keystore.Ready:
		return finding{"keyring", findingOK, "The system keyring is ready.", ""}
	case keystore.Locked:
		f.message, f.next = "The system keyring is locked.", "Unlock it: the wizard can have your desktop ask for its password. "+other
		if s.NoWindow {
			f.message, f.next = "The system keyring is locked, and this session can show no window that asks for its password.", flow.UnlockWords+" "+other
		}
	case keystore.NoCollection:
		f.message, f.next = "The keyring service runs, but there is no keyring in it yet.", `Make one called "login", for example with Seahorse: File, New, Password Keyring. `+other
	case keystore.NoService:
		f.message, f.next = "No keyring service runs in this session.", "Install one (gnome-keyring, KWallet, KeePassXC) and log in anew. "+other
	case keystore.NoBus:
		f.message, f.next = "This session has no D-Bus, so no keyring can be reached. Over SSH and in containers that is usual.", "Run confer in a desktop session. "+other
	case keystore.Silent:
		f.message, f.next = "The system keyring does not answer.", "Look for a window that asks for its password, or restart the keyring service. "+other
	default:
		f.message, f.next = "This build has no keyring for this system.", other
	}
	if s.Detail != "" && s.State != keystore.NoBus {
		f.message = strings.TrimSuffix(f.message, ".") + " (" + clip(s.Detail) + ")."
	}
	return f
}

func (x *examination) ports(ctx context.Context) []finding {
	var out []finding
	for i, uri := range x.redirectURIs() {
		if !flow.LoopbackRedirect(uri) && x.settings.listen == "" {
			return []finding{{"port", findingOK, "Nothing listens here for " + clip(uri) + ": the final address is pasted.", ""}}
		}
		out = append(out, portCheck(uri, i > 0, doctor.Port(ctx, uri, x.settings.listen)))
	}
	return out
}

// portCheck: the spare ports matter only when the first one is busy.
func portCheck(uri string, spare bool, err error) finding {
	if err == nil {
		return finding{"port", findingOK, "confer can listen for " + clip(uri) + ".", ""}
	}
	f := finding{"port", findingProblem, "", ""}
	var port *callback.PortError
	if errors.As(err, &port) {
		p := flow.Explain(err, flow.StepAuthorize)
		f.message, f.next = p.Summary, "End that program, or use --redirect-uri "+p.Offers[0]+", which must be registered at Cronofy in production."
		if port.Class != callback.PortInUse {
			f.next = p.Hint
		}
	} else {
		f.message = "confer cannot listen for " + clip(uri) + ": " + clip(err.Error()) + "."
	}
	if spare {
		f.state, f.next = findingNote, "It matters only when the first port is busy."
	}
	return f
}

// browser finds out what would be opened, and opens nothing.
func (x *examination) browser(context.Context) []finding {
	m, program := x.host, ""
	m.Start = func(c *exec.Cmd) error { program = c.Path; return nil }
	err := m.Open(x.settings.browser, "http://127.0.0.1/")
	return []finding{browserCheck(err, program, m.Session(), x.settings.browser)}
}

func browserCheck(err error, program string, session opener.Kind, command string) finding {
	where := " (" + string(session) + " session)"
	switch {
	case err == nil:
		return finding{"browser", findingOK, "Links are opened with " + clip(program) + where + ".", ""}
	case errors.Is(err, opener.ErrNone):
		return finding{"browser", findingOK, "No browser is opened, as you wish" + where + ".", ""}
	case command != "" && command != opener.System:
		return finding{"browser", findingProblem, "The browser command cannot be used: " + clip(err.Error()) + ".", "Check --browser, or leave it out."}
	}
	next := "Open the link that confer shows in any browser, on any machine, and paste the final address."
	if session == opener.SSH {
		next += " With ssh -L 8739:127.0.0.1:8739 the callback arrives by itself."
	}
	return finding{"browser", findingNote, "No browser can be opened here: " + clip(err.Error()) + where + ".", next}
}

// The smallest terminal that the wizard is drawn in; what is smaller gets one
// sentence instead.
const leastWidth, leastHeight = 40, 12

func (x *examination) terminal(context.Context) []finding {
	_, in := asTerminal(x.streams.in)
	out, isTerminal := asTerminal(x.streams.out)
	t := terminalFacts{input: in, output: isTerminal, name: clip(x.env.get("TERM")), multiplexer: x.env.get("TMUX") != "" || x.env.get("STY") != ""}
	if isTerminal {
		t.width, t.height, _ = term.GetSize(int(out.Fd()))
	}
	t.colors = colorWords(x.env.get)
	return []finding{t.check()}
}

type terminalFacts struct {
	input, output bool // is a terminal
	name          string
	width, height int
	colors        string
	multiplexer   bool
}

func (t terminalFacts) check() finding {
	f := finding{check: "terminal", state: findingNote}
	switch {
	case !t.input || !t.output:
		f.message, f.next = "This is no terminal, so the wizard cannot run here.", "Give the answers by flags and --no-input."
		return f
	case t.name == "dumb" || t.name == "":
		f.message, f.next = "This terminal cannot move its cursor (TERM is "+orNone(t.name)+").", "The wizard asks line by line here."
		return f
	}
	f.message = fmt.Sprintf("%s, %d columns and %d rows, %s.", t.name, t.width, t.height, t.colors)
	if t.width > 0 && (t.width < leastWidth || t.height < leastHeight) {
		f.next = fmt.Sprintf("Make it at least %d columns and %d rows.", leastWidth, leastHeight)
		return f
	}
	if t.multiplexer {
		f.message = strings.TrimSuffix(f.message, ".") + ", inside a multiplexer."
	}
	f.state = findingOK
	return f
}

func orNone(name string) string {
	if name == "" {
		return "not set"
	}
	return name
}

// colorWords goes by the customs of https://no-color.org and COLORTERM.
func colorWords(get func(string) string) string {
	name := get("TERM")
	switch {
	case get("NO_COLOR") != "":
		return "no colours, as NO_COLOR wishes"
	case get("COLORTERM") == "truecolor" || get("COLORTERM") == "24bit" || strings.HasSuffix(name, "-direct"):
		return "all colours"
	case strings.Contains(name, "256color"):
		return "256 colours"
	}
	return "16 colours"
}

func (x *examination) folder(context.Context) []finding {
	path, err := links.DefaultPath()
	if err != nil {
		return []finding{{"folder", findingProblem, "There is no folder for confer's state: " + clip(err.Error()) + ".", "Set HOME or XDG_STATE_HOME."}}
	}
	dir := filepath.Dir(path)
	exists, err := doctor.Folder(dir, filepath.Base(path), secretsFile)
	return []finding{folderCheck(shortHome(dir, os.Getenv("HOME")), exists, err)}
}

func folderCheck(dir string, exists bool, err error) finding {
	var e *links.Error
	switch {
	case err == nil && exists:
		return finding{"folder", findingOK, dir + " is yours alone and can be written.", ""}
	case err == nil:
		return finding{"folder", findingOK, dir + " can be made.", ""}
	case errors.As(err, &e) && errors.Is(err, links.ErrUnsafe):
		return finding{"folder", findingProblem, clip(e.Path) + " is not private: " + clip(e.Detail) + ".",
			"Make it yours alone (chmod 700 for the folder, 600 for files in it), or move it away."}
	}
	return finding{"folder", findingProblem, dir + " cannot be used: " + cronofy.CleanText(err.Error(), 200) + ".",
		"Check the room on the disk and your rights, or set XDG_STATE_HOME to another folder."}
}

// shortHome writes a path as people do.
func shortHome(path, home string) string {
	if rest, ok := strings.CutPrefix(path, home+string(filepath.Separator)); ok && home != "" {
		return clip("~" + string(filepath.Separator) + rest)
	}
	return clip(path)
}
