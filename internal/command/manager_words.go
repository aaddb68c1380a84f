package command

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"

	"confer/cronofy"
	"confer/flow"
	"confer/internal/links"
	"confer/internal/manage"
	"confer/keystore"
)

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
	var lost *manage.NotKeptError
	var file *links.Error
	var aside *setAsideError
	const again = "To have a new token, link again with confer setup."
	switch {
	case errors.Is(err, context.Canceled):
		return flow.Problem{Summary: "Cancelled.", Code: flow.CodeCancelled, Exit: flow.ExitCancelled}
	case errors.As(err, &lost):
		return store("Cronofy gave a new refresh token and the store did not take it, so the stored one has most likely stopped working.", again)
	case errors.Is(err, manage.ErrNoToken):
		return store("confer has no token of its own for this link, and never had one.", "The link can work all the same. "+again)
	case errors.Is(err, manage.ErrGone):
		return store("The secrets of this link were kept in memory, and ended with the run that made it.", "The link can work all the same. "+again)
	case errors.Is(err, manage.ErrMissing):
		return store("The refresh token is not in the store any more.", "The link can work all the same. "+again)
	case errors.Is(err, manage.ErrNoSecret):
		return flow.Problem{Summary: "The client secret is not in the store any more.", Code: flow.CodeUsage, Exit: flow.ExitUsage,
			Hint: "Give it with CRONOFY_CLIENT_SECRET or --client-secret-file, and name its application with --client-id."}
	case errors.Is(err, manage.ErrBusy):
		return store("Another confer works on this link.", "Try again when it has ended.")
	case errors.Is(err, manage.ErrSite):
		return flow.Problem{Summary: "The data center of this link cannot be used.", Hint: "The list of links was changed by hand, or is of another confer. Link again with confer setup.", Code: flow.CodeUsage, Exit: flow.ExitFailed}
	case errors.As(err, &aside):
		return setAsideWords(aside)
	case errors.As(err, &file):
		return store("The list of links cannot be used: "+cronofy.CleanText(file.Error(), 200)+".", "confer doctor checks the folder.")
	}
	return flowSentence(err)
}

func setAsideWords(e *setAsideError) flow.Problem {
	p := flow.Problem{Code: flow.CodeSecretStore, Exit: flow.ExitFailed,
		Summary: "The list of links was damaged. It was kept as " + filepath.Base(e.path) + ".",
		Hint:    "The links still work; only the list is lost. The kept file can be put right by hand."}
	if e.newer {
		p.Summary = "The list of links is of a newer confer. It was kept as " + filepath.Base(e.path) + "."
		p.Hint = "Use that version, and give the file its old name again."
	}
	return p
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
