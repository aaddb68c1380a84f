package doctor

import (
	"context"
	"errors"
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
	if s.State == keystore.Locked && !s.NoWindow {
		help = "Unlock it: the wizard can have your desktop ask for its password."
	}
	message := flow.KeyringWords(s)
	if s.Detail != "" && s.State != keystore.NoBus && !strings.Contains(message, clean(s.Detail)) {
		message = strings.TrimSuffix(message, ".") + " (" + clean(s.Detail) + ")."
	}
	return Finding{"keyring", Problem, message, strings.TrimSpace(help + " " + otherStores)}
}

// tryStore stores a test item, reads it back and deletes it.
func tryStore(ctx context.Context, store keystore.Store, program string) Finding {
	left, err := keystore.TestWrite(ctx, store)
	switch {
	case err != nil:
		return Finding{"keyring", Problem, "A test item could not be stored in the system keyring and read back. " + flow.Explain(err, flow.StepApplication).Summary, otherStores}
	case left != nil:
		return Finding{"keyring", Problem, "A test item was stored in the system keyring and could not be deleted. " + flow.Explain(left, flow.StepApplication).Summary,
			`Delete it in your keyring program: its name begins with "confer: test-item".`}
	}
	return Finding{"keyring", OK, flow.KeyringName(clean(program)) + " works: a test item was stored, read back and deleted.", ""}
}

const portLimit = 2 * time.Second

// ports listens where the callback of each redirect URI would arrive, and stops again.
func (m *Machine) ports(ctx context.Context) (out []Finding) {
	for i, uri := range m.RedirectURIs {
		if !flow.LoopbackRedirect(uri) && m.Listen == "" {
			return []Finding{{"port", OK, "Nothing listens here for " + clean(uri) + ": the final address is pasted.", ""}}
		}
		limited, cancel := context.WithTimeout(ctx, portLimit)
		s, err := callback.Open(limited, callback.Config{RedirectURI: uri, Listen: m.Listen, States: callback.NewStates()})
		cancel()
		if err == nil {
			s.Close()
		}
		out = append(out, portFinding(uri, i > 0, err))
	}
	return out
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
	if session == opener.Remote {
		next += " With ssh -L 8739:127.0.0.1:8739 the callback arrives by itself."
	}
	return Finding{"browser", Note, "No browser can be opened here: " + clean(err.Error()) + where + ".", next}
}

// folder looks at confer's own folder and the files in it. One that is not there is
// in order if it can be made.
func (m *Machine) folder(context.Context) []Finding {
	if m.FolderErr != nil {
		return []Finding{{"folder", Problem, "There is no folder for confer's state: " + clean(m.FolderErr.Error()) + ".", "Set HOME or XDG_STATE_HOME."}}
	}
	works, dir := "is private and can be written to.", m.Folder
	err := atomicfile.CheckFolder(dir, false)
	if errors.Is(err, fs.ErrNotExist) {
		works, err = "can be made.", nil
		for _, gone := os.Stat(dir); gone != nil && dir != filepath.Dir(dir); _, gone = os.Stat(dir) {
			dir = filepath.Dir(dir) // the nearest that is there
		}
	}
	if err == nil {
		err = atomicfile.CanWrite(dir)
	}
	for _, name := range m.Files {
		f, failed := atomicfile.Open(filepath.Join(m.Folder, name), true)
		if failed == nil {
			_ = f.Close()
		} else if err == nil && !errors.Is(failed, fs.ErrNotExist) {
			err = failed
		}
	}
	return []Finding{folderFinding(shortHome(m.Folder), works, err)}
}

func folderFinding(dir, works string, err error) Finding {
	var unsafe *atomicfile.UnsafeError
	switch {
	case err == nil:
		return Finding{"folder", OK, dir + " " + works, ""}
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
