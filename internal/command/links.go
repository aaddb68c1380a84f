package command

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"runtime"
	"strings"

	"github.com/spf13/cobra"

	"confer/cronofy"
	"confer/flow"
	"confer/internal/links"
)

// secretsFile is the name of the encrypted file beside the file of links.
const secretsFile = "secrets.age"

// manageFlags are those of the commands that work on links made earlier.
func (f *settings) manageFlags(cmd *cobra.Command) {
	add(cmd, f.options(map[string]string{
		"client-id":          "client id that a given client secret belongs to",
		"client-secret-file": "file with the client secret, where none is stored (or CRONOFY_CLIENT_SECRET)",
		"no-input":           "never ask: what is missing is an error that names its flag",
	}, "client-id", "client-secret-file", "no-input", "json", "ca-file", "secret-passphrase-fd", "debug")...)
}

func secretsPath(list string) string { return filepath.Join(filepath.Dir(list), secretsFile) }

// newManager wires what the commands on links need. Nothing is opened or asked
// before it is needed.
func newManager(ctx context.Context, f *settings, e environment, s streams) (*links.Manager, error) {
	list, err := listPath()
	if err != nil {
		return nil, err
	}
	f.fill(e)
	secret, err := f.secret(ctx, e, s)
	if err == nil && f.secretFile != "" && f.clientID == "" {
		err = usage("--client-secret-file needs --client-id", "name the application that the secret belongs to")
	}
	if err != nil {
		return nil, err
	}
	phrase := cronofy.Secret{}
	if f.passphraseFD != "" {
		if phrase, err = f.passphrase(ctx, s); err != nil {
			return nil, err
		}
	}
	clients, err := newClients(ctx, f, e.names, cronofy.NewLimiter(callsPerSecond, callsPerMinute))
	if err != nil {
		return nil, err
	}
	notify := func(w cronofy.Wait) { sayWait(s.err, w.For, w.Reason) }
	ask := func() (cronofy.Secret, error) { return askPassphrase(ctx, f, s, phrase) }
	return managerOf(list, &cronofy.App{ClientID: f.clientID, ClientSecret: secret}, clients, notify, ask), nil
}

// managerOf works on the list. The client secret of app may be empty, and comes before
// the stored one; ask gives the passphrase of the encrypted file when it is needed.
func managerOf(list string, app *cronofy.App, clients clientMaker, notify func(cronofy.Wait), ask func() (cronofy.Secret, error)) *links.Manager {
	places := newStores(secretsPath(list))
	places.ask = ask
	return &links.Manager{
		Links: links.Open(list), Stores: places, Given: app,
		NewClient:      func(site cronofy.Site, a cronofy.App) links.Client { return clients(site, a, notify) },
		DialogPossible: runtime.GOOS == "darwin", // a locked keychain cannot be told from an open one there
	}
}

func listPath() (string, error) {
	path, err := links.DefaultPath()
	if err != nil {
		return "", usage("there is no folder for confer's state: "+cronofy.CleanText(err.Error(), 160), "set HOME or XDG_STATE_HOME")
	}
	return path, nil
}

// oneLink is the link that the operator named, or the only one that there is. That a
// list was damaged counts more than that this one is empty.
func oneLink(ctx context.Context, m *links.Manager, ref string) (links.Link, error) {
	c, err := m.Links.Load(ctx)
	found, named := c.Links, fmt.Sprintf("%q", cronofy.CleanText(ref, 80))
	if ref != "" {
		found = c.Find(ref)
	}
	switch {
	case err != nil:
		return links.Link{}, ended(explainLink(err))
	case len(found) == 1:
		return found[0], nil
	case len(c.Links) == 0 && len(c.Damaged) > 0:
		return links.Link{}, ended(damagedWords(c.Damaged...))
	case len(c.Links) == 0:
		return links.Link{}, usage("nothing is linked here", "confer makes a link; confer status tells what else is here")
	case len(found) == 0:
		return links.Link{}, usage("there is no link "+named, "confer status lists them: "+linkIDs(c.Links))
	case ref == "":
		return links.Link{}, usage("missing: which link", "name one of "+linkIDs(found)+", or say --all")
	}
	return links.Link{}, usage(named+" could be any of several links", "name one of "+linkIDs(found))
}

func linkIDs(all []links.Link) string { return strings.Join(each(all, links.Link.ID), ", ") }

// explainLink makes the sentence for an error of work on a link. What is not of
// links alone is flow's; its hints, which are of the wizard, are put right.
func explainLink(err error) flow.Problem {
	const again = "To have a new token, link again with confer setup."
	const works = "The link may still work. " + again
	p := flow.Problem{Code: flow.CodeSecretStore, Exit: flow.ExitFailed}
	_, lost := errors.AsType[*links.NotStoredError](err)
	file, isFile := errors.AsType[*fs.PathError](err)
	switch {
	case errors.Is(err, context.Canceled):
		return flow.Problem{Summary: "Cancelled.", Code: flow.CodeCancelled, Exit: flow.ExitCancelled}
	case lost:
		p.Summary, p.Hint = "Cronofy gave a new refresh token and the store did not take it, so the stored one has most likely stopped working.", again
	case errors.Is(err, links.ErrNoToken):
		p.Summary, p.Hint = "confer has no token of its own for this link, and never had one.", works
	case errors.Is(err, links.ErrGone):
		p.Summary, p.Hint = "The secrets of this link were kept in memory, and ended with the run that made it.", works
	case errors.Is(err, links.ErrMissing):
		p.Summary, p.Hint = "The refresh token is not in the store any more.", works
	case errors.Is(err, links.ErrNoSecret):
		p.Summary, p.Code, p.Exit = "The client secret is not in the store any more.", flow.CodeUsage, flow.ExitUsage
		p.Hint = "Give it with CRONOFY_CLIENT_SECRET or --client-secret-file, and name its application with --client-id."
	case errors.Is(err, links.ErrBusy):
		p.Summary, p.Hint = "Another confer is using the same token.", "Try again when it has ended."
	case errors.Is(err, links.ErrSite):
		p.Summary, p.Code = "The data center of this link cannot be used.", flow.CodeUsage
		p.Hint = "The list of links was changed by hand, or comes from another confer. Link again with confer setup."
	case errors.Is(err, links.ErrNewer) && isFile:
		p.Summary = "The list of links was written by a newer confer: " + cronofy.CleanText(file.Path, 200) + "."
		p.Hint = "Use that version, or move the file away to begin a new list."
	case isFile:
		p.Summary, p.Hint = "The list of links cannot be used: "+cronofy.CleanText(file.Error(), 200)+".", "confer doctor checks the folder."
	default:
		return explainCall(err)
	}
	return p
}

// damagedWords name all lists that were set aside: each may name secrets that no
// other does.
func damagedWords(paths ...string) flow.Problem {
	return flow.Problem{Code: flow.CodeSecretStore, Exit: flow.ExitFailed,
		Summary: "The list of links was damaged. It was kept as " + baseNames(paths) + ".",
		Hint: "The links still work at Cronofy, but secrets that only this list names may still be in the keyring or in " + secretsFile + ". " +
			"Repair the file and rename it to links.json, or delete it."}
}

func baseNames(paths []string) string { return strings.Join(each(paths, filepath.Base), ", ") }

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

// explainCall is for a call to Cronofy, or for the store.
func explainCall(err error) flow.Problem {
	p := flow.Explain(err, flow.StepApplication)
	status, noToken := tokenStatus(err)
	switch {
	case cronofy.CodeOf(err) == "invalid_grant":
		p.Summary = "Cronofy no longer accepts confer's token: it was revoked, or another program has used it up."
		p.Hint = "That says nothing about the link itself. To have a new token, link again with confer setup."
	case noToken:
		p.Summary = fmt.Sprintf("Cronofy did not accept confer's token (status %d).", status)
		p.Hint = "Check the data center. If it goes on, ask Cronofy's support, naming the client id."
	case p.Code == flow.CodeSecretStore:
		p = p.ForStored()
	case cronofy.AnswerLost(err):
		p.Hint = "It is not known whether Cronofy replaced the token. Run this again; if Cronofy then refuses the token, link again with confer setup."
	}
	return p
}

// tokenStatus gives a status of the token endpoint for which flow's sentences, which
// are a link token's and an account's, would say something wrong.
func tokenStatus(err error) (status int, ok bool) {
	status = cronofy.StatusOf(err)
	return status, cronofy.CodeOf(err) == "" && status > 401 && status < 423
}
