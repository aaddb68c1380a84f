package command

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"unicode/utf8"

	"golang.org/x/term"
	textunicode "golang.org/x/text/encoding/unicode"
	"golang.org/x/text/transform"

	"confer/cronofy"
	"confer/flow"
	"confer/keystore"
	"confer/ui"
)

// typedPath is a path as it is typed where no shell reads it: ~/ is the home folder.
func typedPath(path string) string {
	rest, ok := strings.CutPrefix(path, "~/")
	if home, err := os.UserHomeDir(); ok && err == nil {
		return filepath.Join(home, rest)
	}
	return path
}

// openInput opens what a flag names, - for standard input. Neither the opening
// nor a read outlives ctx: a FIFO waits for its other end, a pipe for what is
// written to it.
func openInput(ctx context.Context, path string, stdin io.Reader) (io.ReadCloser, error) {
	if path == "-" {
		if file, ok := stdin.(*os.File); ok && regular(file) {
			return file, nil
		}
		return cancelable{io.NopCloser(stdin), ctx}, nil
	}
	if m := descriptors.FindStringSubmatch(filepath.Clean(path)); m != nil {
		if fd, err := strconv.Atoi(m[1]); err == nil && !inherited(fd) {
			return nil, &os.PathError{Op: "open", Path: path, Err: syscall.EBADF}
		}
	}
	file, err := await(ctx, func() (*os.File, error) { return os.Open(path) })
	if err != nil {
		return nil, err
	}
	if regular(file) {
		return file, nil
	}
	return cancelable{file, ctx}, nil
}

func regular(file *os.File) bool {
	info, err := file.Stat()
	return err == nil && info.Mode().IsRegular()
}

// descriptors are the paths by which a shell hands over what it has opened.
var descriptors = regexp.MustCompile(`^(?:/dev/fd|/proc/(?:self|thread-self|\d+)/fd)/(\d+)$`)

// cancelable gives up a read when its context ends.
type cancelable struct {
	io.ReadCloser
	ctx context.Context
}

// Read has a buffer of its own, since a read that was given up may still fill it.
func (c cancelable) Read(p []byte) (int, error) {
	b := make([]byte, len(p))
	n, err := await(c.ctx, func() (int, error) { return c.ReadCloser.Read(b) })
	return copy(p, b[:n]), err
}

// maxSecretFile is far above any secret, in bytes.
const maxSecretFile = 64 << 10

// readSecret reads the client secret or the token that a file holds alone. A terminal
// is asked for one line, of which it shows nothing.
func readSecret(ctx context.Context, path string, s streams, question string) (cronofy.Secret, error) {
	if in, ok := asTerminal(s.in); ok && path == "-" {
		typed, err := ui.AskSecret(ctx, in, s.err, question)
		return bare(strings.TrimSpace(typed), err, false)
	}
	in, err := openInput(ctx, path, s.in)
	if err != nil {
		return cronofy.Secret{}, err
	}
	defer in.Close()
	text, err := readText(in)
	return bare(strings.TrimSpace(text), err, false)
}

// bare makes a secret of what was read, if it stands alone.
func bare(text string, err error, passphrase bool) (cronofy.Secret, error) {
	if err == nil && text == "" {
		err = errors.New("there is nothing in it")
	}
	if err == nil {
		err = flow.NotBare(text, passphrase)
	}
	if err != nil {
		return cronofy.Secret{}, err
	}
	return cronofy.NewSecret(text), nil
}

func readText(r io.Reader) (string, error) {
	b, err := io.ReadAll(io.LimitReader(r, maxSecretFile+1))
	switch {
	case len(b) > maxSecretFile:
		return "", fmt.Errorf("there is more than %d bytes in it", maxSecretFile)
	case err != nil:
		return "", err
	}
	return decodeText(b)
}

// inputError is the usage error for what could not be read; a run that was ended
// meanwhile is no mistake in the call.
func inputError(flag string, err error, hint string) error {
	if errors.Is(err, context.Canceled) {
		return err
	}
	return wrong(flag, ": "+cronofy.FileReason(err), hint)
}

// store is where secrets are to be kept, as named by a flag or the environment.
func (f *settings) store(ctx context.Context, s streams) (flow.Store, error) {
	kind := keystore.Kind(f.secretStore)
	switch kind {
	case "", keystore.Keyring, keystore.Session:
		if f.passphraseFD != "" {
			return flow.Store{}, wrong("secret-passphrase-fd", " goes with --secret-store file", "leave it out, or add --secret-store file")
		}
		return flow.Store{Kind: kind, Pinned: kind != ""}, nil
	}
	passphrase, err := f.passphrase(ctx, s)
	return flow.Store{Kind: kind, Pinned: true, Passphrase: passphrase}, err
}

// passphrase is that of the encrypted file. Without the flag a wizard asks for it.
func (f *settings) passphrase(ctx context.Context, s streams) (cronofy.Secret, error) {
	var none cronofy.Secret
	fd, err := strconv.Atoi(f.passphraseFD)
	switch {
	case f.passphraseFD == "" && f.noInput:
		return none, usageAt(flow.StepApplication, "missing: --secret-passphrase-fd", "--secret-store file needs its passphrase from a file descriptor, "+byDescriptor)
	case f.passphraseFD == "":
		return none, nil
	case err == nil && fd == 0:
		if _, terminal := asTerminal(s.in); terminal || f.asks {
			return none, wrong("secret-passphrase-fd", ": standard input is for what you type", "leave it out to be asked, or give another descriptor, "+byDescriptor)
		}
		return readPassphrase(ctx, s.in)
	case !descriptorsPass:
		return none, wrong("secret-passphrase-fd", ": takes 0 on Windows", "give the passphrase on standard input")
	case err != nil || fd < 3:
		return none, wrong("secret-passphrase-fd", ": takes 0, or 3 and above", byDescriptor)
	case !inherited(fd):
		return none, wrong("secret-passphrase-fd", ": nothing is open as "+strconv.Itoa(fd), openForUs)
	}
	file := os.NewFile(uintptr(fd), "passphrase")
	defer file.Close() // or a browser would inherit it
	return readPassphrase(ctx, file)
}

const (
	byDescriptor = "for example --secret-passphrase-fd 3 3<FILE"
	openForUs    = "open it for confer, for example with 3<FILE"
)

// readPassphrase takes all there is but for one line break at the end, so that
// spaces belong to the passphrase.
func readPassphrase(ctx context.Context, r io.Reader) (cronofy.Secret, error) {
	text, err := readText(cancelable{io.NopCloser(r), ctx})
	hint := "it must give the passphrase alone"
	if _, system := errors.AsType[*os.PathError](err); system {
		hint = openForUs
	}
	passphrase, err := bare(strings.TrimSuffix(strings.TrimSuffix(text, "\n"), "\r"), err, true)
	if err != nil {
		err = inputError("secret-passphrase-fd", err, hint)
	}
	return passphrase, err
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
	typed, err := ui.AskSecret(ctx, in, s.err, "Passphrase of the encrypted file: ")
	return cronofy.NewSecret(typed), err
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
	f := fileOf(stream)
	return f, f != nil && term.IsTerminal(int(f.Fd()))
}

// decodeText gives a file of an editor or a shell as UTF-8 without a byte order
// mark: PowerShell's > writes UTF-16. What is no text is an error.
func decodeText(b []byte) (string, error) {
	text, _, err := transform.String(textunicode.BOMOverride(transform.Nop), string(b))
	switch {
	case bytes.HasPrefix(b, []byte("%PDF-")):
		return "", errors.New("it is a PDF")
	case bytes.HasPrefix(b, []byte("\x1f\x8b")), bytes.HasPrefix(b, []byte("PK\x03\x04")):
		return "", errors.New("it is a compressed file")
	case err != nil, strings.ContainsRune(text, 0), strings.ContainsRune(text, utf8.RuneError):
		return "", errors.New("it is not text in UTF-8 or UTF-16")
	}
	return text, nil
}
