package command

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"confer/cronofy"
	"confer/flow"
	"confer/internal/links"
	"confer/internal/manage"
	"confer/keystore"
)

// secretsFile is the name of the encrypted file beside the file of links.
const secretsFile = "secrets.age"

// manageFlags are those of the commands that work on links made earlier.
func (f *settings) manageFlags(cmd *cobra.Command) {
	fs := cmd.Flags()
	fs.BoolVar(&f.json, "json", false, "JSON lines on standard output")
	fs.BoolVar(&f.noInput, "no-input", false, "never ask: what is missing is an error that names its flag")
	fs.StringVar(&f.clientID, "client-id", "", "client id that a given client secret belongs to (CRONOFY_CLIENT_ID)")
	fs.StringVar(&f.secretFile, "client-secret-file", "", "file with the client secret, where none is stored (or CRONOFY_CLIENT_SECRET)")
	fs.StringVar(&f.passphraseFD, "secret-passphrase-fd", "", "file descriptor to read the passphrase of the secrets file from, 0 for standard input")
	fs.StringVar(&f.caFile, "ca-file", "", "PEM file with certificate authorities to trust beside the system's")
	fs.StringVar(&f.debug, "debug", "", "file to note down what happens, safe to post")
}

// newManager wires what the commands on links need. Nothing is opened or asked
// before it is needed.
func newManager(ctx context.Context, f *settings, e environment, s streams) (*manage.Manager, error) {
	path, err := links.DefaultPath()
	if err != nil {
		return nil, &usageError{summary: "there is no folder for confer's state: " + cronofy.CleanText(err.Error(), 160), hint: "set HOME or XDG_STATE_HOME"}
	}
	given, err := f.givenSecret(ctx, e, s)
	if err != nil {
		return nil, err
	}
	phrase, err := f.givenPassphrase(ctx, s)
	if err != nil {
		return nil, err
	}
	newClient, err := newClients(ctx, f, e.names, cronofy.NewLimiter(callsPerSecond, callsPerMinute))
	if err != nil {
		return nil, err
	}
	return &manage.Manager{
		Links: links.Open(path),
		Stores: &managedStores{stores: newStores(""), path: filepath.Join(filepath.Dir(path), secretsFile),
			ask: func() (cronofy.Secret, error) { return askPassphrase(ctx, f, s, phrase) }},
		NewClient: func(site cronofy.Site, app cronofy.App) manage.Client {
			return newClient(site, app, func(w cronofy.Wait) {
				fmt.Fprintf(s.err, "confer: waiting %s (%s)\n", w.For.Round(100e6), w.Reason)
			})
		},
		Given:          given,
		DialogPossible: runtime.GOOS == "darwin", // a locked keychain cannot be told from an open one there
	}, nil
}

// givenSecret is the client secret of this run, for the application that it
// belongs to.
func (f *settings) givenSecret(ctx context.Context, e environment, s streams) (func(clientID string) cronofy.Secret, error) {
	if f.clientID == "" {
		f.clientID = e.clientID
	}
	secret, err := f.secret(ctx, e, s)
	if err == nil && f.secretFile != "" && f.clientID == "" {
		err = &usageError{summary: "--client-secret-file needs --client-id", hint: "name the application that the secret belongs to"}
	}
	return func(id string) cronofy.Secret {
		if id != f.clientID {
			return cronofy.Secret{}
		}
		return secret
	}, err
}

func (f *settings) givenPassphrase(ctx context.Context, s streams) (cronofy.Secret, error) {
	if f.passphraseFD == "" {
		return cronofy.Secret{}, nil
	}
	return f.passphrase(ctx, s, false)
}

// managedStores gives the keyring and the secrets file, whose passphrase is
// asked for at the first use.
type managedStores struct {
	stores *stores
	path   string
	ask    func() (cronofy.Secret, error)

	mu   sync.Mutex
	file *keystore.FileStore
}

// Probe implements manage.Stores.
func (m *managedStores) Probe(ctx context.Context) keystore.Status { return m.stores.Probe(ctx) }

// Open implements manage.Stores.
func (m *managedStores) Open(kind string) (keystore.Store, error) {
	if flow.StoreKind(kind) != flow.StoreFile {
		return m.stores.Open(flow.StoreKind(kind), cronofy.Secret{})
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.file == nil {
		m.file = keystore.OpenFile(m.path, func(context.Context) (string, error) {
			phrase, err := m.ask()
			return phrase.Reveal(), err
		})
	}
	return m.file, nil
}

// errNoPassphrase: nobody can be asked for it.
var errNoPassphrase = errors.New("no passphrase was given")

// askPassphrase gives the one that came by its flag, or asks at the terminal.
func askPassphrase(ctx context.Context, f *settings, s streams, given cronofy.Secret) (cronofy.Secret, error) {
	in, ok := asTerminal(s.in)
	switch {
	case !given.Empty():
		return given, nil
	case f.noInput || !ok:
		return cronofy.Secret{}, errNoPassphrase
	}
	return askSecret(ctx, in, s.err, passphraseQuestion)
}

// askSecret asks at a terminal that shows nothing of what is typed. It is told so
// before it shows the question: somebody may be quick to paste.
func askSecret(ctx context.Context, in *os.File, out io.Writer, question string) (cronofy.Secret, error) {
	old, err := term.MakeRaw(int(in.Fd()))
	if err != nil {
		return cronofy.Secret{}, fmt.Errorf("hide what is typed: %w", err)
	}
	defer func() { _ = term.Restore(int(in.Fd()), old) }()
	t := term.NewTerminal(struct {
		io.Reader
		io.Writer
	}{in, out}, "")
	text, err := await(ctx, func() (string, error) { return t.ReadPassword(question) })
	if errors.Is(err, io.EOF) { // Ctrl+C or Ctrl+D
		fmt.Fprint(out, "\r\n")
		err = context.Canceled
	}
	return cronofy.NewSecret(text), err
}

// askLine asks a question and reads one line, without its end.
func askLine(ctx context.Context, s streams, question string) (string, error) {
	fmt.Fprint(s.err, question)
	return await(ctx, func() (string, error) {
		line, err := bufio.NewReader(io.LimitReader(s.in, maxSecretFile)).ReadString('\n')
		return strings.TrimSpace(line), err
	})
}

// await waits for somebody who types or writes, or for the end of ctx. The read
// cannot be given up; it ends with the program, which is what follows.
func await[T any](ctx context.Context, read func() (T, error)) (T, error) {
	type result struct {
		value T
		err   error
	}
	done := make(chan result, 1)
	go func() {
		defer exitOnPanic(os.Stderr)
		v, err := read()
		done <- result{v, err}
	}()
	select {
	case r := <-done:
		return r.value, r.err
	case <-ctx.Done():
		var none T
		return none, ctx.Err()
	}
}

func asTerminal(stream any) (*os.File, bool) {
	f, ok := stream.(*os.File)
	return f, ok && term.IsTerminal(int(f.Fd()))
}

// findLink looks up what the operator named.
func findLink(c links.Contents, ref string) (links.Link, error) {
	l, err := c.Find(ref)
	var many *links.AmbiguousError
	switch {
	case err == nil:
		return l, nil
	case errors.As(err, &many):
		return l, &usageError{summary: fmt.Sprintf("%q could be any of several links", cronofy.CleanText(ref, 80)), hint: "name one of " + strings.Join(many.IDs, ", ")}
	case len(c.Links) == 0:
		return l, &usageError{summary: "nothing is linked here", hint: "confer makes a link; confer status lists them"}
	}
	return l, &usageError{summary: fmt.Sprintf("there is no link %q", cronofy.CleanText(ref, 80)), hint: "confer status lists them: " + strings.Join(linkIDs(c.Links), ", ")}
}

func linkIDs(all []links.Link) []string {
	ids := make([]string, len(all))
	for i, l := range all {
		ids[i] = l.ID()
	}
	return ids
}

// loadLinks reads the file of links for a command that works on one of them.
func loadLinks(ctx context.Context, m *manage.Manager) (links.Contents, error) {
	c, err := m.Links.Load(ctx)
	if err != nil {
		return c, err
	}
	if c.SetAside != "" {
		return c, &setAsideError{c.SetAside, c.Newer}
	}
	return c, nil
}

// setAsideError: the file of links could not be understood and was put aside.
type setAsideError struct {
	path  string
	newer bool
}

func (e *setAsideError) Error() string { return "the list of links was set aside" }
