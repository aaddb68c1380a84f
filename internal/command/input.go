package command

import (
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

	"confer/cronofy"
	"confer/flow"
	"confer/internal/links"
	"confer/keystore"
)

// openInput opens what a flag names, - for standard input. Neither the opening
// nor a read outlives ctx: a FIFO waits for its other end, a pipe for what is
// written to it.
func openInput(ctx context.Context, path string, stdin io.Reader) (io.ReadCloser, error) {
	if path == "-" {
		if file, ok := stdin.(*os.File); ok && regular(file) {
			return file, nil
		}
		return heeding(ctx, stdin, func() error { return nil }), nil
	}
	if fd, ok := descriptorIn(path); ok && !inherited(fd) {
		return nil, &os.PathError{Op: "open", Path: path, Err: syscall.EBADF}
	}
	file, err := await(ctx, func() (*os.File, error) { return os.Open(path) })
	if err != nil {
		return nil, err
	}
	switch info, err := file.Stat(); {
	case err == nil && info.IsDir():
		_ = file.Close()
		return nil, &os.PathError{Op: "open", Path: path, Err: errors.New("is a folder")}
	case err == nil && info.Mode().IsRegular():
		return file, nil
	}
	return heeding(ctx, file, file.Close), nil
}

// regular files never keep a reader waiting.
func regular(file *os.File) bool {
	info, err := file.Stat()
	return err == nil && info.Mode().IsRegular()
}

// descriptors are the paths by which a shell hands over what it has opened.
var descriptors = regexp.MustCompile(`^(?:/dev/fd|/proc/(?:self|thread-self|\d+)/fd)/(\d+)$`)

func descriptorIn(path string) (int, bool) {
	m := descriptors.FindStringSubmatch(filepath.Clean(path))
	if m == nil {
		return 0, false
	}
	fd, err := strconv.Atoi(m[1])
	return fd, err == nil
}

// heedingReader gives up a read when its context ends. The read itself goes on:
// it ends with the program, which is what follows.
type heedingReader struct {
	ctx   context.Context
	r     io.Reader
	close func() error
}

func heeding(ctx context.Context, r io.Reader, end func() error) *heedingReader {
	return &heedingReader{ctx, r, end}
}

// Read implements io.Reader. The buffer is its own, since a read that was given
// up may still fill it.
func (h *heedingReader) Read(p []byte) (int, error) {
	b := make([]byte, len(p))
	n, err := await(h.ctx, func() (int, error) { return h.r.Read(b) })
	return copy(p, b[:n]), err
}

// Close implements io.Closer.
func (h *heedingReader) Close() error { return h.close() }

// readHidden reads a secret from what a flag names. A terminal is asked for one
// line, of which it shows nothing.
func readHidden(ctx context.Context, path string, s streams, question string) (string, error) {
	if in, ok := asTerminal(s.in); ok && path == "-" {
		secret, err := askSecret(ctx, in, s.err, question)
		return secret.Reveal(), err
	}
	in, err := openInput(ctx, path, s.in)
	if err != nil {
		return "", err
	}
	defer in.Close()
	b, err := io.ReadAll(io.LimitReader(in, maxSecretFile+1))
	if len(b) > maxSecretFile {
		return "", errors.New(tooLong(maxSecretFile))
	}
	if err != nil {
		return "", err
	}
	return decodeText(b)
}

// inputError is the usage error for what could not be read; a run that was ended
// meanwhile is no mistake in the call.
func inputError(flag string, err error, hint string, step flow.Step) error {
	if errors.Is(err, context.Canceled) {
		return err
	}
	return &usageError{summary: flag + ": " + reason(err), hint: hint, step: step}
}

// stdinTaken says that standard input has another use than the passphrase.
func (f *settings) stdinTaken() error {
	if f.stdinFor == "" {
		return nil
	}
	return passphraseError("standard input is where "+f.stdinFor, f.stdinFree+", or give another descriptor, for example --secret-passphrase-fd 3 3<FILE")
}

// askNewPassphrase asks at a terminal; twice where a mistake would close a file
// for good.
func askNewPassphrase(ctx context.Context, in *os.File, out io.Writer, again bool) (cronofy.Secret, error) {
	first, err := askSecret(ctx, in, out, passphraseQuestion)
	if err != nil || !again || first.Empty() {
		return first, err
	}
	second, err := askSecret(ctx, in, out, "Repeat the passphrase: ")
	if err == nil && !first.Equal(second) {
		err = passphraseError("the two are not the same", "type the same passphrase twice")
	}
	return first, err
}

const passphraseQuestion = "Passphrase of the encrypted file: "

// tooLong is for what is far above any secret.
func tooLong(most int) string { return fmt.Sprintf("there is more than %d bytes in it", most) }

// unbroken takes one line break off the end, so that spaces belong to what is left.
func unbroken(text string) string {
	return strings.TrimSuffix(strings.TrimSuffix(text, "\n"), "\r")
}

// maxPassphrase is far above any passphrase, in bytes.
const maxPassphrase = 4 << 10

// store is where secrets are to be kept, as named by a flag or the environment.
func (f *settings) store(ctx context.Context, s streams) (flow.Store, error) {
	kind := flow.StoreKind(f.secretStore)
	switch kind {
	case "", flow.StoreKeyring, flow.StoreSession:
		if f.passphraseFD != "" {
			return flow.Store{}, passphraseError("goes with --secret-store file", "leave it out, or add --secret-store file")
		}
		return flow.Store{Kind: kind, Pinned: kind != ""}, nil
	}
	isNew := !secretsFileThere()
	passphrase, err := f.passphrase(ctx, s, isNew)
	if isNew && !passphrase.Empty() && keystore.WeakPassphrase(passphrase.Reveal()) {
		fmt.Fprintln(s.err, "confer: note:", flow.WeakPassphrase)
	}
	return flow.Store{Kind: kind, Pinned: true, Passphrase: passphrase}, err
}

// secretsFileThere: without a file the passphrase is of a new one.
func secretsFileThere() bool {
	path, err := links.DefaultPath()
	if err != nil {
		return false
	}
	_, err = os.Lstat(filepath.Join(filepath.Dir(path), secretsFile))
	return err == nil
}

// passphrase is that of the encrypted file. Without the flag a wizard asks for it.
func (f *settings) passphrase(ctx context.Context, s streams, isNew bool) (cronofy.Secret, error) {
	var none cronofy.Secret
	fd, err := strconv.Atoi(f.passphraseFD)
	switch {
	case f.passphraseFD == "" && f.noInput:
		return none, &usageError{summary: "missing: --secret-passphrase-fd", hint: "--secret-store file needs its passphrase from a file descriptor, for example --secret-passphrase-fd 3 3<FILE", step: flow.StepApplication}
	case f.passphraseFD == "":
		return none, nil
	case err == nil && fd == 0:
		return f.passphraseFromStdin(ctx, s, isNew)
	case !descriptorsPass:
		return none, passphraseError("takes 0 on Windows", "give the passphrase on standard input")
	case err != nil || fd < 3:
		return none, passphraseError("takes 0, or 3 and above", "for example --secret-passphrase-fd 3 3<FILE")
	case !inherited(fd):
		return none, passphraseError("nothing is open as "+strconv.Itoa(fd), openForUs)
	}
	file := os.NewFile(uintptr(fd), "passphrase")
	defer file.Close() // or a browser would inherit it
	return readPassphrase(ctx, file)
}

const openForUs = "open it for confer, for example with 3<FILE"

func (f *settings) passphraseFromStdin(ctx context.Context, s streams, isNew bool) (cronofy.Secret, error) {
	if err := f.stdinTaken(); err != nil {
		return cronofy.Secret{}, err
	}
	in, ok := asTerminal(s.in)
	if !ok {
		return readPassphrase(ctx, s.in)
	}
	phrase, err := askNewPassphrase(ctx, in, s.err, isNew)
	if err == nil && phrase.Empty() {
		err = passphraseError("nothing was typed", "type the passphrase")
	}
	return phrase, err
}

// readPassphrase takes all there is but for one line break at the end, so that
// spaces belong to the passphrase.
func readPassphrase(ctx context.Context, r io.Reader) (cronofy.Secret, error) {
	b, err := io.ReadAll(io.LimitReader(heeding(ctx, r, nil), maxPassphrase+1))
	if errors.Is(err, context.Canceled) {
		return cronofy.Secret{}, err
	}
	if err != nil {
		return cronofy.Secret{}, passphraseError(reason(err), openForUs)
	}
	text, err := decodeText(b)
	text = unbroken(text)
	switch {
	case len(b) > maxPassphrase:
		err = errors.New(tooLong(maxPassphrase))
	case err == nil && text == "":
		err = errors.New("there is nothing in it")
	case err == nil:
		err = flow.NotBare(text, true)
	}
	if err != nil {
		return cronofy.Secret{}, passphraseError(err.Error(), "it must give the passphrase alone")
	}
	return cronofy.NewSecret(text), nil
}

func passphraseError(what, hint string) error {
	return &usageError{summary: "--secret-passphrase-fd: " + what, hint: hint, step: flow.StepApplication}
}
