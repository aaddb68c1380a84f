package main

import (
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"confer/cronofy"
	"confer/flow"
)

// maxPassphrase is far above any passphrase, in bytes.
const maxPassphrase = 4 << 10

func (f *settings) storeFlags(cmd *cobra.Command) {
	fs := cmd.Flags()
	fs.StringVar(&f.secretStore, "secret-store", "", "keyring, session or file (CONFER_SECRET_STORE)")
	fs.StringVar(&f.passphraseFD, "secret-passphrase-fd", "", "file descriptor to read the passphrase of --secret-store file from, 0 for standard input")
}

// store is where secrets are to be kept, as named by a flag or the environment.
func (f *settings) store(stdin io.Reader) (flow.Store, error) {
	kind := flow.StoreKind(f.secretStore)
	switch kind {
	case "", flow.StoreKeyring, flow.StoreSession:
		if f.passphraseFD != "" {
			return flow.Store{}, passphraseError("goes with --secret-store file", "leave it out, or add --secret-store file")
		}
		return flow.Store{Kind: kind, Pinned: kind != ""}, nil
	case flow.StoreFile:
		passphrase, err := f.passphrase(stdin)
		return flow.Store{Kind: kind, Pinned: true, Passphrase: passphrase}, err
	}
	return flow.Store{}, &usageError{summary: fmt.Sprintf("there is no secret store %q", cronofy.CleanText(f.secretStore, 40)), hint: "--secret-store takes keyring, session or file", step: flow.StepApplication}
}

// passphrase is that of the secrets file. Without the flag a wizard asks for it.
func (f *settings) passphrase(stdin io.Reader) (cronofy.Secret, error) {
	var none cronofy.Secret
	fd, err := strconv.Atoi(f.passphraseFD)
	switch {
	case f.passphraseFD == "" && f.noInput:
		return none, &usageError{summary: "missing: --secret-passphrase-fd", hint: "--secret-store file needs its passphrase from a file descriptor, for example --secret-passphrase-fd 3 3<FILE", step: flow.StepApplication}
	case f.passphraseFD == "":
		return none, nil
	case err != nil || fd < 0 || fd == 1 || fd == 2:
		return none, passphraseError("takes 0, or 3 and above", "for example --secret-passphrase-fd 3 3<FILE")
	case fd == 0 && (f.secretFile == "-" || !f.noInput):
		return none, passphraseError("standard input has another use", "give another one, for example --secret-passphrase-fd 3 3<FILE")
	case fd == 0:
		return readPassphrase(stdin)
	}
	file := os.NewFile(uintptr(fd), "passphrase")
	if file == nil {
		return none, passphraseError("that is no file descriptor", "open it for confer, for example with 3<FILE")
	}
	defer file.Close() // or a browser would inherit it
	return readPassphrase(file)
}

// readPassphrase takes all there is but for one line break at the end, so that
// spaces belong to the passphrase.
func readPassphrase(r io.Reader) (cronofy.Secret, error) {
	b, err := io.ReadAll(io.LimitReader(r, maxPassphrase+1))
	if err != nil {
		return cronofy.Secret{}, passphraseError(reason(err), "open it for confer, for example with 3<FILE")
	}
	text := strings.TrimSuffix(strings.TrimSuffix(string(b), "\n"), "\r")
	switch {
	case text == "":
		return cronofy.Secret{}, passphraseError("there is nothing in it", "it must give the passphrase alone")
	case len(b) > maxPassphrase:
		return cronofy.Secret{}, passphraseError(fmt.Sprintf("there is more than %d bytes in it", maxPassphrase), "it must give the passphrase alone")
	}
	return cronofy.NewSecret(text), nil
}

func passphraseError(what, hint string) error {
	return &usageError{summary: "--secret-passphrase-fd: " + what, hint: hint, step: flow.StepApplication}
}
