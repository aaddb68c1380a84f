package command

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"

	"github.com/spf13/cobra"

	"confer/cronofy"
	"confer/flow"
	"confer/internal/links"
)

// maxPassphrase is far above any passphrase, in bytes.
const maxPassphrase = 4 << 10

func (f *settings) storeFlags(cmd *cobra.Command) {
	fs := cmd.Flags()
	fs.StringVar(&f.secretStore, "secret-store", "", "keyring, session or file (CONFER_SECRET_STORE)")
	fs.StringVar(&f.passphraseFD, "secret-passphrase-fd", "", "file descriptor to read the passphrase of --secret-store file from, 0 for standard input")
}

// store is where secrets are to be kept, as named by a flag or the environment.
func (f *settings) store(ctx context.Context, s streams) (flow.Store, error) {
	kind := flow.StoreKind(f.secretStore)
	switch kind {
	case "", flow.StoreKeyring, flow.StoreSession:
		if f.passphraseFD != "" {
			return flow.Store{}, passphraseError("goes with --secret-store file", "leave it out, or add --secret-store file")
		}
		return flow.Store{Kind: kind, Pinned: kind != ""}, nil
	case flow.StoreFile:
		passphrase, err := f.passphrase(ctx, s, !secretsFileThere())
		return flow.Store{Kind: kind, Pinned: true, Passphrase: passphrase}, err
	}
	return flow.Store{}, &usageError{summary: fmt.Sprintf("there is no secret store %q", cronofy.CleanText(f.secretStore, 40)), hint: "--secret-store takes keyring, session or file", step: flow.StepApplication}
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

// passphrase is that of the secrets file. Without the flag a wizard asks for it.
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
	text := unbroken(string(b))
	switch {
	case text == "":
		return cronofy.Secret{}, passphraseError("there is nothing in it", "it must give the passphrase alone")
	case len(b) > maxPassphrase:
		return cronofy.Secret{}, passphraseError(tooLong(maxPassphrase), "it must give the passphrase alone")
	}
	return cronofy.NewSecret(text), nil
}

func passphraseError(what, hint string) error {
	return &usageError{summary: "--secret-passphrase-fd: " + what, hint: hint, step: flow.StepApplication}
}
