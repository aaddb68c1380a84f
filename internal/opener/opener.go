// Package opener opens a web page in the operator's browser, and tells what kind
// of session this is, so far as it decides wording and which way is offered
// first. A browser that does not come is never the end of anything: the caller
// shows the address as well.
package opener

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"time"
)

// The values of --browser that are not commands.
const (
	System = "system" // $BROWSER, else what the system opens web pages with
	None   = "none"   // the operator opens the address
)

// Why no browser was asked.
var (
	// ErrNone: the operator wants none.
	ErrNone = errors.New("no browser is to be opened")
	// ErrNotFound: the machine has nothing that opens web pages.
	ErrNotFound = errors.New("no browser was found")
	// ErrNoDisplay: there is no desktop that a browser could appear on.
	ErrNoDisplay = errors.New("there is no desktop session for a browser")
	// ErrAddress: not an http or https address.
	ErrAddress = errors.New("not a web address")
	// ErrCommand: the browser command cannot be split into words.
	ErrCommand = errors.New("the browser command has an open quote")
)

// Machine is the outside world that opening needs. Host gives this machine.
type Machine struct {
	GOOS     string   // as runtime.GOOS
	Environ  []string // "KEY=value", as os.Environ
	LookPath func(file string) (path string, err error)
	// Files is the root of the file system, without the leading slash.
	Files fs.FS
	// Start starts a process and gives it a moment: one that ends badly by then has
	// opened nothing. It does not wait longer.
	Start func(*exec.Cmd) error
}

// Host is this machine.
func Host() Machine {
	return Machine{
		GOOS: runtime.GOOS, Environ: os.Environ(), LookPath: exec.LookPath,
		Files: os.DirFS("/"), Start: startAndWatch,
	}
}

// Open asks for a browser to open address, and returns when its command has ended
// or seems to run: that a page was shown is not known. command is System, None, or
// a command line split into words without a shell, whose "%s", or else its end, takes
// the address. The process is detached from the terminal and has none of confer's
// secrets in its environment. Errors are the Err ones, or that of the start.
func (m Machine) Open(command, address string) error {
	if u, err := url.Parse(address); err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" {
		return ErrAddress
	}
	switch command = strings.TrimSpace(command); command {
	case None:
		return ErrNone
	case System, "":
		return m.openSystem(address)
	}
	args, err := arguments(command, address)
	if err != nil {
		return err
	}
	return m.start(args)
}

// openSystem tries each of $BROWSER's commands, then the system's own.
func (m Machine) openSystem(address string) error {
	separator := ":" // that of paths
	if m.GOOS == "windows" {
		separator = ";" // there ":" follows a drive's letter
	}
	var tries [][]string
	failed := ErrNoDisplay // unless there is an error that says more
	if m.canShow() {
		failed = ErrNotFound
	}
	if m.getenv("BROWSER") == None {
		return ErrNone
	}
	for command := range strings.SplitSeq(m.getenv("BROWSER"), separator) {
		args, err := arguments(command, address)
		if err != nil {
			failed = err
		} else if len(args) > 1 {
			tries = append(tries, args)
		}
	}
	if m.canShow() {
		for _, args := range m.systemCommands() {
			tries = append(tries, append(args, address))
		}
	}
	for _, args := range tries {
		err := m.start(args)
		if err == nil {
			return nil
		}
		if !errors.Is(err, ErrNotFound) {
			failed = err
		}
	}
	return failed
}

// canShow keeps xdg-open from falling back to a text browser on no terminal.
func (m Machine) canShow() bool {
	if m.GOOS == "windows" || m.GOOS == "darwin" || m.wsl() {
		return true
	}
	return m.getenv("DISPLAY") != "" || m.getenv("WAYLAND_DISPLAY") != ""
}

func (m Machine) systemCommands() [][]string {
	switch m.GOOS {
	case "darwin":
		return [][]string{{"/usr/bin/open"}}
	case "windows": // not "cmd /c start": it reads & in addresses as its own; by no search path, where anybody may have put another
		return [][]string{{cmp.Or(m.getenv("SystemRoot"), `C:\Windows`) + `\System32\rundll32.exe`, "url.dll,FileProtocolHandler"}}
	}
	linux := [][]string{{"xdg-open"}, {"x-www-browser"}, {"www-browser"}, {"wslview"}}
	if m.wsl() { // the browser is on the Windows side
		return append([][]string{{"wslview"}}, append(linux[:3], []string{"rundll32.exe", "url.dll,FileProtocolHandler"})...)
	}
	return linux
}

func (m Machine) start(args []string) error {
	path, err := m.LookPath(args[0])
	if err != nil {
		return fmt.Errorf("%w: %s", ErrNotFound, args[0])
	}
	if textBrowser(path) {
		return fmt.Errorf("%w: %s is a text browser", ErrNotFound, args[0])
	}
	cmd := exec.Command(path, args[1:]...) // no context: a browser outlives us
	cmd.Env = m.cleanEnviron()
	cmd.SysProcAttr = detached()
	err = m.Start(cmd)
	ended := new(exec.ExitError)
	switch {
	case err == nil, errors.As(err, &ended) && strings.EqualFold(filepath.Base(args[0]), "explorer.exe"): // which always ends with 1
		return nil
	case errors.As(err, &ended):
		return fmt.Errorf("%s ended with %s", args[0], ended)
	}
	return fmt.Errorf("start %s: %w", args[0], err)
}

// startLimit: what opens pages hands over to a browser and ends, or is the browser
// and goes on. Whatever goes wrong does so at once.
const startLimit = 2 * time.Second

// startAndWatch goes on waiting in the background, so that no zombie stays.
func startAndWatch(cmd *exec.Cmd) error {
	if err := cmd.Start(); err != nil {
		return err
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	t := time.NewTimer(startLimit)
	defer t.Stop()
	select {
	case err := <-ended:
		return err
	case <-t.C:
		return nil
	}
}

// textBrowser looks through the links of Debian's alternatives. A text browser
// on no terminal shows nothing.
func textBrowser(path string) bool {
	if real, err := filepath.EvalSymlinks(path); err == nil {
		path = real
	}
	return slices.Contains([]string{"w3m", "lynx", "links", "links2", "elinks", "browsh", "carbonyl", "chawan", "cha"}, filepath.Base(path))
}

func (m Machine) getenv(key string) string {
	for _, kv := range slices.Backward(m.Environ) {
		if k, v, _ := strings.Cut(kv, "="); k == key || m.GOOS == "windows" && strings.EqualFold(k, key) {
			return v
		}
	}
	return ""
}

// cleanEnviron leaves out every variable of ours that may hold a secret.
func (m Machine) cleanEnviron() []string {
	clean := []string{} // not nil, which would stand for the whole environment
	for _, kv := range m.Environ {
		if key, _, _ := strings.Cut(kv, "="); !ourSecret.MatchString(key) {
			clean = append(clean, kv)
		}
	}
	return clean
}

var ourSecret = regexp.MustCompile(`(?i)^(CRONOFY|CONFER)_.*(SECRET|PASSPHRASE|PASSWORD|TOKEN|KEY)`)

// arguments splits a command line and puts the address in.
func arguments(command, address string) ([]string, error) {
	words, err := split(command)
	if err != nil || len(words) == 0 {
		return nil, err
	}
	placed := false
	for i, w := range words[1:] {
		if strings.Contains(w, "%s") {
			words[i+1], placed = strings.ReplaceAll(w, "%s", address), true
		}
	}
	if !placed {
		words = append(words, address)
	}
	return words, nil
}

var (
	word   = regexp.MustCompile(`(?:[^ \t"']|"[^"]*"|'[^']*')+`)
	quoted = regexp.MustCompile(`"([^"]*)"|'([^']*)'`)
)

// split parts words at white space outside of quotes. A backslash is an
// ordinary character, because Windows' paths have them.
func split(command string) ([]string, error) {
	if strings.Trim(word.ReplaceAllString(command, ""), " \t") != "" {
		return nil, ErrCommand // a quote that nothing closes is in no word
	}
	words := word.FindAllString(command, -1)
	for i, w := range words {
		words[i] = quoted.ReplaceAllString(w, "$1$2")
	}
	return words, nil
}
