package doctor

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"confer/cronofy"
	"confer/flow"
	"confer/flow/callback"
	"confer/internal/atomicfile"
	"confer/internal/opener"
	"confer/keystore"
)

// otherStores are the ways out where there is no keyring.
const otherStores = "Without a keyring: --secret-store session keeps secrets in memory for the run, --secret-store file in an encrypted file."

// keyring tells the state of the keyring and, where it is ready, whether it really
// takes something: only that shows it.
func (m *Machine) keyring(ctx context.Context) []Finding {
	status := m.Probe(ctx)
	if status.State != keystore.Ready {
		return []Finding{KeyringState(status)}
	}
	return []Finding{tryStore(ctx, m.Keyring, status.Program)}
}

// KeyringState says what a state of the keyring means, and what to do.
func KeyringState(s keystore.Status) Finding {
	help := flow.KeyringHelp(s)
	switch s.State {
	case keystore.Locked:
		if !s.NoWindow {
			help = "Unlock it: the wizard can have your desktop ask for its password."
		}
	case keystore.NoService:
		help = "Install one (gnome-keyring, KWallet, KeePassXC) and log in anew."
	case keystore.NoBus:
		help = "Run confer in a desktop session."
	}
	message := flow.KeyringWords(s)
	if s.Detail != "" && s.State != keystore.NoBus && !strings.Contains(message, clean(s.Detail)) {
		message = strings.TrimSuffix(message, ".") + " (" + clean(s.Detail) + ")."
	}
	return Finding{"keyring", Problem, message, strings.TrimSpace(help + " " + otherStores)}
}

// tryStore stores a test item, reads it back and deletes it.
func tryStore(ctx context.Context, store keystore.Store, program string) Finding {
	name := "The system keyring"
	if program != "" {
		name += " (" + clean(program) + ")"
	}
	left, err := keystore.TestWrite(ctx, store)
	switch {
	case err != nil:
		return Finding{"keyring", Problem, "A test item could not be stored in the system keyring and read back. " + flow.Explain(err, flow.StepApplication).Summary, otherStores}
	case left != nil:
		return Finding{"keyring", Problem, "A test item was stored in the system keyring and could not be deleted. " + flow.Explain(left, flow.StepApplication).Summary,
			`Delete it in your keyring program: its name begins with "confer: test-item".`}
	}
	return Finding{"keyring", OK, name + " works: a test item was stored, read back and deleted.", ""}
}

const portLimit = 2 * time.Second

func (m *Machine) ports(ctx context.Context) (out []Finding) {
	for i, uri := range m.RedirectURIs {
		if !flow.LoopbackRedirect(uri) && m.Listen == "" {
			return []Finding{{State: OK, Message: "Nothing listens here for " + clean(uri) + ": the final address is pasted."}}
		}
		out = append(out, portFinding(uri, i > 0, tryPort(ctx, uri, m.Listen)))
	}
	return out
}

// tryPort listens where a redirect URI's callback would arrive, and stops again.
func tryPort(ctx context.Context, redirectURI, listen string) error {
	ctx, cancel := context.WithTimeout(ctx, portLimit)
	defer cancel()
	s, err := callback.Open(ctx, callback.Config{RedirectURI: redirectURI, Listen: listen, States: callback.NewStates()})
	if err == nil {
		s.Close()
	}
	return err
}

// portFinding: the spare ports matter only when the first one is busy.
func portFinding(uri string, spare bool, err error) Finding {
	if err == nil {
		return Finding{"port", OK, "confer can listen for " + clean(uri) + ".", ""}
	}
	f := Finding{"port", Problem, "confer cannot listen for " + clean(uri) + ": " + clean(err.Error()) + ".", ""}
	var port *callback.PortError
	if errors.As(err, &port) {
		p := flow.Explain(err, flow.StepAuthorize)
		f.Message, f.Next = p.Summary, p.Hint
		if port.Class == callback.PortInUse {
			f.Next = "End that program, or use --redirect-uri " + p.Offers[0] + ", which must be registered at Cronofy in production."
		}
	}
	if spare {
		f.State, f.Next = Note, "It matters only when the first port is busy."
	}
	return f
}

// browser finds out what would be opened, and opens nothing.
func (m *Machine) browser(context.Context) []Finding {
	o, program := m.Opener, ""
	o.Start = func(c *exec.Cmd) error { program = c.Path; return nil }
	err := o.Open(m.Browser, "http://127.0.0.1/")
	return []Finding{browserFinding(err, program, o.Session(), m.Browser)}
}

func browserFinding(err error, program string, session opener.Kind, command string) Finding {
	where := " (" + string(session) + " session)"
	switch {
	case err == nil:
		return Finding{"browser", OK, "Links are opened with " + clean(program) + where + ".", ""}
	case errors.Is(err, opener.ErrNone):
		return Finding{"browser", OK, "No browser is opened, as you asked" + where + ".", ""}
	case command != "" && command != opener.System:
		return Finding{"browser", Problem, "The browser command cannot be used: " + clean(err.Error()) + ".", "Check --browser, or leave it out."}
	}
	next := "Open the approval link that confer shows in any browser, on any machine, and paste the final address."
	if session == opener.SSH {
		next += " With ssh -L 8739:127.0.0.1:8739 the callback arrives by itself."
	}
	return Finding{"browser", Note, "No browser can be opened here: " + clean(err.Error()) + where + ".", next}
}

// The smallest terminal that the wizard is drawn in; what is smaller gets one
// sentence instead.
const leastWidth, leastHeight = 40, 12

// Terminal is what is known of where confer runs.
type Terminal struct {
	Input, Output bool // is a terminal
	Width, Height int
	Getenv        func(string) string
}

func (m *Machine) terminal(context.Context) []Finding { return []Finding{m.Terminal.finding()} }

func (t Terminal) finding() Finding {
	name, set := clean(t.Getenv("TERM")), "TERM is dumb"
	if name == "" {
		set = "TERM is not set"
	}
	switch {
	case !t.Input || !t.Output:
		return Finding{"terminal", Note, "This is no terminal, so the wizard cannot run here.", "Give the answers by flags and --no-input."}
	case name == "" || name == "dumb":
		return Finding{"terminal", Note, "This terminal cannot move its cursor (" + set + ").", "The wizard asks line by line here."}
	}
	f := Finding{"terminal", OK, fmt.Sprintf("%s, %d columns and %d rows.", name, t.Width, t.Height), ""}
	if t.Width > 0 && (t.Width < leastWidth || t.Height < leastHeight) {
		f.State, f.Next = Note, fmt.Sprintf("Make it at least %d columns and %d rows.", leastWidth, leastHeight)
	}
	return f
}

func (m *Machine) folder(context.Context) []Finding {
	if m.FolderErr != nil {
		return []Finding{{State: Problem, Message: "There is no folder for confer's state: " + clean(m.FolderErr.Error()) + ".", Next: "Set HOME or XDG_STATE_HOME."}}
	}
	exists, err := lookAtFolder(m.Folder, m.Files)
	return []Finding{folderFinding(shortHome(m.Folder), exists, err)}
}

// lookAtFolder tells what is wrong with a folder for private files and with the
// files in it. One that is not there is in order if it can be made.
func lookAtFolder(dir string, files []string) (exists bool, err error) {
	if _, err := os.Lstat(dir); errors.Is(err, fs.ErrNotExist) {
		above := filepath.Dir(dir) // the nearest that is there
		for _, err := os.Stat(above); err != nil && above != filepath.Dir(above); _, err = os.Stat(above) {
			above = filepath.Dir(above)
		}
		return false, atomicfile.CanWrite(above)
	}
	if err := atomicfile.CheckFolder(dir, false); err != nil {
		return true, err
	}
	if err := atomicfile.CanWrite(dir); err != nil {
		return true, err
	}
	for _, name := range files {
		f, err := atomicfile.Open(filepath.Join(dir, name), true)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return true, err
		}
		_ = f.Close()
	}
	return true, nil
}

func folderFinding(dir string, exists bool, err error) Finding {
	var unsafe *atomicfile.UnsafeError
	switch {
	case err == nil && exists:
		return Finding{"folder", OK, dir + " is private and can be written to.", ""}
	case err == nil:
		return Finding{"folder", OK, dir + " can be made.", ""}
	case errors.As(err, &unsafe):
		return Finding{"folder", Problem, shortHome(unsafe.Path) + " is not private: it " + clean(unsafe.Why) + ".",
			"Make it private (chmod 700 for the folder, 600 for files in it), or move it away."}
	}
	return Finding{"folder", Problem, dir + " cannot be used: " + cronofy.FileReason(err) + ".",
		"Check the room on the disk and your rights, or set XDG_STATE_HOME to another folder."}
}

// shortHome writes a path as people do.
func shortHome(path string) string {
	home := os.Getenv("HOME")
	if rest, ok := strings.CutPrefix(path, home+string(filepath.Separator)); ok && home != "" {
		return clean("~" + string(filepath.Separator) + rest)
	}
	return clean(path)
}
