package command

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"runtime"
	"strings"

	"github.com/spf13/cobra"

	"confer/cronofy"
	"confer/flow"
	"confer/internal/links"
	"confer/keystore"
)

// secretsFile is the name of the encrypted file beside the file of links.
const secretsFile = "secrets.age"

// manageFlags are those of the commands that work on links made earlier.
func (f *settings) manageFlags(cmd *cobra.Command) {
	add(cmd, f.options(map[string]string{
		"client-id":          "client id that a given client secret belongs to (CRONOFY_CLIENT_ID)",
		"client-secret-file": "file with the client secret, where none is stored (or CRONOFY_CLIENT_SECRET)",
		"no-input":           "never ask: what is missing is an error that names its flag",
	}, "client-id", "client-secret-file", "no-input", "json", "ca-file", "secret-passphrase-fd", "debug")...)
}

// newManager wires what the commands on links need. Nothing is opened or asked
// before it is needed.
func newManager(ctx context.Context, f *settings, e environment, s streams) (*links.Manager, error) {
	path, err := listPath()
	if err != nil {
		return nil, err
	}
	given, err := f.givenSecret(ctx, e, s)
	if err != nil {
		return nil, err
	}
	phrase := cronofy.Secret{}
	if f.passphraseFD != "" {
		if phrase, err = f.passphrase(ctx, s, false); err != nil {
			return nil, err
		}
	}
	newClient, err := newClients(ctx, f, e.names, cronofy.NewLimiter(callsPerSecond, callsPerMinute))
	if err != nil {
		return nil, err
	}
	return &links.Manager{
		Links:  links.Open(path),
		Stores: newManagedStores(path, func() (cronofy.Secret, error) { return askPassphrase(ctx, f, s, phrase) }),
		NewClient: func(site cronofy.Site, app cronofy.App) links.Client {
			return newClient(site, app, func(w cronofy.Wait) {
				fmt.Fprintf(s.err, "confer: waiting %s (%s)\n", w.For.Round(100e6), w.Reason)
			})
		},
		Given:          given,
		DialogPossible: runtime.GOOS == "darwin", // a locked keychain cannot be told from an open one there
	}, nil
}

// listPath is where the list of links is or will be.
func listPath() (string, error) {
	path, err := links.DefaultPath()
	if err != nil {
		return "", &usageError{summary: "there is no folder for confer's state: " + cronofy.CleanText(err.Error(), 160), hint: "set HOME or XDG_STATE_HOME"}
	}
	return path, nil
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

// managedStores are the keyring and the encrypted file, whose passphrase is asked
// for at the first use.
type managedStores struct {
	*stores
	file *keystore.FileStore
}

func newManagedStores(list string, ask func() (cronofy.Secret, error)) managedStores {
	file := keystore.OpenFile(filepath.Join(filepath.Dir(list), secretsFile), func(context.Context) (string, error) {
		phrase, err := ask()
		return phrase.Reveal(), err
	})
	return managedStores{newStores(""), file}
}

// Open implements links.Stores.
func (m managedStores) Open(kind string) (keystore.Store, error) {
	if flow.StoreKind(kind) == flow.StoreFile {
		return m.file, nil
	}
	return m.stores.Open(flow.StoreKind(kind), cronofy.Secret{})
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

// loadLinks reads the file of links for a command that works on one of them. That
// nothing is listed is an error where an earlier list was damaged.
func loadLinks(ctx context.Context, m *links.Manager) (links.Contents, error) {
	c, err := m.Links.Load(ctx)
	if err != nil {
		return c, err
	}
	if n := len(c.Damaged); n > 0 && len(c.Links) == 0 {
		return c, &damagedError{c.Damaged[n-1]}
	}
	return c, nil
}

// damagedError: the list of links could not be understood and has another name now.
type damagedError struct{ path string }

// Error is one line.
func (e *damagedError) Error() string { return "the list of links was damaged" }

// explainLink makes the sentence for an error of work on a link. What is not of
// links alone is flow's; its hints, which are of the wizard, are put right.
func explainLink(err error) flow.Problem {
	p := linkSentence(err)
	p.Err = err
	return p
}

func linkSentence(err error) flow.Problem {
	store := func(summary, hint string) flow.Problem {
		return flow.Problem{Summary: summary, Hint: hint, Code: flow.CodeSecretStore, Exit: flow.ExitFailed}
	}
	var lost *links.NotStoredError
	var file *links.Error
	var damaged *damagedError
	const again = "To have a new token, link again with confer setup."
	switch {
	case errors.Is(err, context.Canceled):
		return flow.Problem{Summary: "Cancelled.", Code: flow.CodeCancelled, Exit: flow.ExitCancelled}
	case errors.As(err, &lost):
		return store("Cronofy gave a new refresh token and the store did not take it, so the stored one has most likely stopped working.", again)
	case errors.Is(err, links.ErrNoToken):
		return store("confer has no token of its own for this link, and never had one.", "The link can work all the same. "+again)
	case errors.Is(err, links.ErrGone):
		return store("The secrets of this link were kept in memory, and ended with the run that made it.", "The link can work all the same. "+again)
	case errors.Is(err, links.ErrMissing):
		return store("The refresh token is not in the store any more.", "The link can work all the same. "+again)
	case errors.Is(err, links.ErrNoSecret):
		return flow.Problem{Summary: "The client secret is not in the store any more.", Code: flow.CodeUsage, Exit: flow.ExitUsage,
			Hint: "Give it with CRONOFY_CLIENT_SECRET or --client-secret-file, and name its application with --client-id."}
	case errors.Is(err, links.ErrBusy):
		return store("Another confer works on this link.", "Try again when it has ended.")
	case errors.Is(err, links.ErrSite):
		return flow.Problem{Summary: "The data center of this link cannot be used.", Hint: "The list of links was changed by hand, or is of another confer. Link again with confer setup.", Code: flow.CodeUsage, Exit: flow.ExitFailed}
	case errors.As(err, &damaged):
		return damagedWords(damaged.path)
	case errors.Is(err, links.ErrNewer) && errors.As(err, &file):
		return store("The list of links was written by a newer confer: "+cronofy.CleanText(file.Path, 200)+".", "Use that version, or move the file away to begin a new list.")
	case errors.As(err, &file):
		return store("The list of links cannot be used: "+cronofy.CleanText(file.Error(), 200)+".", "confer doctor checks the folder.")
	}
	return flowSentence(err)
}

func damagedWords(path string) flow.Problem {
	return flow.Problem{Code: flow.CodeSecretStore, Exit: flow.ExitFailed,
		Summary: "The list of links was damaged. It was kept as " + filepath.Base(path) + ".",
		Hint: "The links still work at Cronofy, but secrets that only this list names may still be in the keyring or in " + secretsFile + ". " +
			"Repair the file and rename it to links.json, or delete it."}
}

// aside is a file of secrets or of links that no list leads to.
type aside struct {
	event, path string
	problem     flow.Problem
}

// setAside are the lists that were damaged, and an encrypted file whose secrets
// nothing lists, where there is one.
func setAside(damaged []string, unlisted string) (all []aside) {
	for _, path := range damaged {
		all = append(all, aside{"set_aside", path, damagedWords(path)})
	}
	if unlisted != "" {
		all = append(all, aside{"unlisted_file", unlisted, flow.Problem{Code: flow.CodeSecretStore, Exit: flow.ExitFailed,
			Summary: "The encrypted file " + clip(unlisted) + " is there, but the list of links names no secret in it.",
			Hint:    "The list was lost or deleted. Delete the file if nobody needs it, or link again with its passphrase."}})
	}
	return all
}

func flowSentence(err error) flow.Problem {
	p := flow.Explain(err, flow.StepApplication)
	switch {
	case cronofy.CodeOf(err) == "invalid_grant":
		p.Summary = "Cronofy does not take confer's token for this link any more: it was revoked, or another program has used it up."
		p.Hint = "That says nothing about the link itself. To have a new token, link again with confer setup."
	case cronofy.CodeOf(err) == "" && cronofy.StatusOf(err) > 401 && cronofy.StatusOf(err) < 423: // not about the link
		p.Summary = fmt.Sprintf("Cronofy did not take confer's token for this link (status %d).", cronofy.StatusOf(err))
		p.Hint = "Check the data center. If it goes on, ask Cronofy's support, naming the client id."
	case p.Code == flow.CodeSecretStore:
		p.Hint = storeHint(err, p.Hint)
	case cronofy.AnswerLost(err):
		p.Hint = "Whether Cronofy changed the token is unknown. Run this again; if Cronofy then refuses the token, link again with confer setup."
	}
	return p
}

// storeHint is for a command that asks nothing but the passphrase, and at a
// terminal alone. What the wizard's page says of a file holds here too.
func storeHint(err error, page string) string {
	store := new(keystore.Error)
	_ = errors.As(err, &store)
	switch {
	case errors.Is(err, keystore.ErrNoPassphrase):
		return "Give it with --secret-passphrase-fd, for example --secret-passphrase-fd 3 3<FILE, or run this in a terminal."
	case errors.Is(err, keystore.ErrPassphrase):
		return "Run this again with the right one. If it is lost, nothing opens the file: move away " + cronofy.CleanText(store.Path, 300) + "; confer logout then forgets what was in it."
	case errors.Is(err, keystore.ErrLocked):
		return "Unlock it, then run this again."
	case errors.Is(err, keystore.ErrDismissed):
		return "Run this again, and allow it in the keyring's window."
	case errors.Is(err, keystore.ErrDamaged), errors.Is(err, keystore.ErrNewer), errors.Is(err, keystore.ErrInsecure):
		return page
	}
	return "Run this again when the store can be used; confer doctor tells more."
}

// complainOf says a problem on standard error, and gives the exit for it.
func complainOf(s streams, p flow.Problem) error {
	if p.Code == flow.CodeCancelled {
		return &exitError{flow.ExitCancelled}
	}
	complain(s.err, p.Summary, p.Hint)
	return &exitError{p.Exit}
}
