package flow

import "strings"

// Sentences that hold for a wizard only, or that a script's end takes up.
const (
	otherPort     = "take another port."
	otherPortOnly = "Take another port."
	otherURI      = "Take another redirect URI, or paste the final address instead."
	anotherLink   = "Try again: that makes a new link, and every answer is kept."
	approvedWords = "The administrator approved; Cronofy has most likely made the link. Only confer's own token is missing: "
)

// ForScript is the problem for a run that asked nothing and has ended: it kept
// no answers, and there is no page to go on to.
func (p Problem) ForScript() Problem {
	p.Hint = strings.NewReplacer(
		anotherLink, "Run it again: that makes a new link.",
		orMemory, "or give --secret-store session: it keeps the secrets in memory for this run.",
		enterIt, "Give it with --secret-passphrase-fd, for example --secret-passphrase-fd 3 3<FILE.",
		enterAgain, "Give the right one with --secret-passphrase-fd.",
		otherPort, "give another redirect URI with --redirect-uri.",
		otherPortOnly, "Give another redirect URI with --redirect-uri.",
		otherURI, "Give another redirect URI with --redirect-uri.",
	).Replace(p.Hint)
	switch {
	case !p.Approved:
	case p.Code == CodeSecretStore:
		p.Hint = approvedWords + "for a new link run setup again when the store works, or with --secret-store session; or go on with confer profiles."
	default:
		p.Hint = approvedWords + "run setup again for a new link, or go on with confer profiles."
	}
	return p
}
