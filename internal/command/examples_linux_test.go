package command

import (
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
	"github.com/stretchr/testify/require"

	"confer/cronofy/sandbox"
	"confer/internal/screentest"
	"confer/internal/testhost"
)

// example is a command line that a document or a help text tells people to type.
type example struct{ from, line string }

// examples reads them all: the shell blocks of the documents, and what stands in the
// help of each command.
func examples(t *testing.T) (all []example) {
	t.Helper()
	add := func(from, block string) {
		block = regexp.MustCompile(`\\\n\s*`).ReplaceAllString(block, "")
		for line := range strings.Lines(block) {
			line, _, _ = strings.Cut(strings.TrimSpace(line), "   ") // what it is for stands beside it
			line, _, _ = strings.Cut(line, " # ")
			line = strings.TrimPrefix(strings.Join(strings.Fields(line), " "), "./")
			if strings.HasPrefix(line, "#") {
				continue
			}
			if line == "confer" || strings.Contains(line, "confer ") && !regexp.MustCompile(`^(docker|ssh|cd|git|go) `).MatchString(line) {
				all = append(all, example{from, line})
			}
		}
	}
	for page, text := range documents(t) {
		for _, m := range regexp.MustCompile("(?s)\n```sh\n(.*?)```").FindAllStringSubmatch(text, -1) {
			add(strings.TrimPrefix(page, "../../"), m[1])
		}
	}
	var walk func(*cobra.Command)
	walk = func(cmd *cobra.Command) {
		add(cmd.CommandPath()+" --help", cmd.Example)
		for _, c := range cmd.Commands() {
			walk(c)
		}
	}
	walk(Tree())
	return all
}

// needsOthers are examples that need what a test has not: a tunnel, another person.
// Their commands and flags are checked.
var needsOthers = regexp.MustCompile(`--callback-url|/go/\.\.\.|^ssh `)

// asks are those that lead to the wizard.
var asks = regexp.MustCompile(`^confer( --sandbox)?$|^confer setup (--sandbox|--data-center de --provider zoom_enterprise --label Acme)$`)

// TestExamples runs each example as it stands, with a file or an id where it has a
// placeholder, at a keyring of its own.
func TestExamples(t *testing.T) {
	t.Parallel()
	_, bus, _ := keyringWorkplace(t)
	for _, e := range examples(t) {
		t.Run(e.from+": "+e.line, func(t *testing.T) {
			t.Parallel()
			x := newExampleRun(t, bus)
			switch line := x.filledIn(e.line); {
			case needsOthers.MatchString(line):
				x.isKnown(line)
			case asks.MatchString(line):
				x.opensTheWizard(line)
			case strings.HasPrefix(line, "confer sandbox"):
				x.serves(strings.TrimSuffix(line, " &"))
			default:
				x.succeeds(line)
			}
		})
	}
}

type exampleRun struct {
	t   *testing.T
	dir string
	env []string
	id  map[string]string
}

// newExampleRun has a link called Acme, its secrets in the keyring, and every file
// that examples name.
func newExampleRun(t *testing.T, bus string) *exampleRun {
	s := sandbox.New(sandbox.Options{Seed: 1})
	require.NoError(t, s.Start())
	t.Cleanup(func() { _ = s.Close() })
	c := s.Credentials()
	x := &exampleRun{t: t, dir: t.TempDir(), env: append(home(t), "DBUS_SESSION_BUS_ADDRESS="+bus,
		"CRONOFY_API_URL="+s.APIURL(), "CRONOFY_APP_URL="+s.AppURL(), "CRONOFY_CLIENT_ID="+c.ClientID, "CONFER_SERVICE_ACCOUNT="+c.ServiceAccountID)}
	var people strings.Builder
	require.NoError(t, s.AccountsCSV(&people))
	for _, name := range []string{"people.csv", "accounts.csv"} {
		x.writes(name, people.String())
	}
	x.writes("secret.txt", c.ClientSecret.Reveal())
	x.id = map[string]string{"ID": c.ClientID, "ser_...": c.ServiceAccountID, "FILE": "people.csv", "--client-secret-file FILE": "--client-secret-file secret.txt"}
	uri := testhost.RedirectURI(t)
	x.env = append(x.env, "CONFER_REDIRECT_URI="+uri)
	x.succeeds("confer setup --no-input --data-center de --client-secret-file secret.txt --provider zoom_enterprise --label Acme --browser browser")
	x.succeeds("confer profiles --accounts people.csv --json --out records.jsonl")
	x.env = append(x.env, "CRONOFY_CLIENT_SECRET="+c.ClientSecret.Reveal())
	return x
}

func (x *exampleRun) writes(name, text string) {
	require.NoError(x.t, os.WriteFile(filepath.Join(x.dir, name), []byte(text), 0o600))
}

// filledIn has a file or an id for each placeholder.
func (x *exampleRun) filledIn(line string) string {
	for _, placeholder := range []string{"--client-secret-file FILE", "FILE", "ID", "ser_..."} {
		line = regexp.MustCompile(regexp.QuoteMeta(placeholder)+`(\s|$)`).ReplaceAllString(line, x.id[placeholder]+"$1")
	}
	return line
}

func (x *exampleRun) command(line string) *exec.Cmd {
	cmd := exec.Command("bash", "-eu", "-o", "pipefail", "-c", line)
	cmd.Dir, cmd.Env = x.dir, x.env
	return cmd
}

// succeeds runs a line to its end.
func (x *exampleRun) succeeds(line string) {
	x.t.Helper()
	line = strings.NewReplacer("my-application import", "cat", "> \"${fpath[1]}/_confer\"", "> _confer", "> ~/.config/fish/completions/", "> ").Replace(line)
	if strings.Contains(line, "--no-input") && !strings.Contains(line, "--browser") {
		line += " --browser browser"
	}
	line = regexp.MustCompile(`--redirect-uri \S+`).ReplaceAllString(line, "") // its port may be taken
	if strings.Contains(line, "--revoke") {                                    // asks at a terminal
		line += " --yes"
	}
	for _, made := range regexp.MustCompile(`--(?:out|tokens-out) (\S+)`).FindAllStringSubmatch(line, -1) {
		if made[1] != "-" && !strings.Contains(line, "--continue") {
			_ = os.Remove(filepath.Join(x.dir, made[1]))
		}
	}
	out, err := x.command(line).CombinedOutput()
	require.NoError(x.t, err, "%s\n%s", line, out)
}

// opensTheWizard sees the first page, and leaves.
func (x *exampleRun) opensTheWizard(line string) {
	x.t.Helper()
	w := startTerminal(x.t, terminalOptions{env: x.env}, strings.Fields(line)[1:]...)
	w.until("ctrl+c quit")
	w.press(ctrlC)
	_ = w.exits(130)
}

// serves waits until the sandbox says where it is, and ends it.
func (x *exampleRun) serves(line string) {
	x.t.Helper()
	cmd := x.command("exec " + line)
	screen := screentest.New(x.t, 200, 100, io.Discard)
	cmd.Stdout, cmd.Stderr = screen, screen
	require.NoError(x.t, cmd.Start())
	screen.UntilWritten("SANDBOX_CONTROL_URL")
	require.NoError(x.t, cmd.Process.Signal(syscall.SIGINT))
	_ = cmd.Wait()
	require.Equal(x.t, 130, cmd.ProcessState.ExitCode())
}

// isKnown checks that the command and the flags of a line are there.
func (x *exampleRun) isKnown(line string) {
	x.t.Helper()
	words := strings.Fields(line)[1:]
	cmd, rest, err := Tree().Find(words)
	require.NoError(x.t, err)
	require.NoError(x.t, cmd.ParseFlags(rest))
	cmd.Flags().Visit(func(f *pflag.Flag) { require.NotEmpty(x.t, f.Usage) })
}
