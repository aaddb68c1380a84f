package command

import (
	"errors"
	"strings"

	"confer/internal/links"
	"confer/internal/manage"
)

// forgottenEvent is a line of logout --json.
type forgottenEvent struct {
	eventHead
	ID               string `json:"id"`
	ServiceAccountID string `json:"service_account_id"`
	Label            string `json:"label,omitempty"`
	Revoked          bool   `json:"revoked"`
	RefreshTokens    int    `json:"refresh_tokens_deleted"`
	ClientSecret     bool   `json:"client_secret_deleted"`
}

// keptEvent is a line of logout --json for what could not be forgotten.
type keptEvent struct {
	eventHead
	ID      string      `json:"id,omitempty"` // empty: service accounts and unfinished answers
	Step    manage.Step `json:"step"`
	Revoked bool        `json:"revoked"`
	Code    string      `json:"code"`
	Message string      `json:"message"`
	Hint    string      `json:"hint"`
}

func stepOf(err error) manage.Step {
	var e *manage.StepError
	if errors.As(err, &e) {
		return e.Step
	}
	return ""
}

func stepWords(step manage.Step, revoked bool) string {
	did := ""
	if revoked {
		did = "its token is revoked, but "
	}
	switch step {
	case manage.StepWait:
		return "nothing was done."
	case manage.StepRevoke:
		return "its token could not be revoked, and nothing was deleted."
	case manage.StepSecrets:
		return did + "its secrets could not all be deleted."
	case manage.StepList:
		return did + "its secrets are deleted, but the list could not be changed."
	}
	return did + "it could not be forgotten."
}

func deletedWords(done manage.Forgotten) string {
	var did []string
	if done.RefreshTokens > 0 {
		did = append(did, "its tokens")
	}
	if done.ClientSecret {
		did = append(did, "the client secret")
	}
	words := ""
	switch {
	case done.Memory:
		return "; its secrets were in memory only"
	case len(did) > 0:
		words = ", with " + strings.Join(did, " and ")
	}
	if done.NeededBy != "" {
		words += "; the client secret stays, because " + neederWords(done.NeededBy)
	}
	return words
}

func neederWords(by string) string {
	switch by {
	case links.ByServiceAccount:
		return "a service account authorized here needs it"
	case links.ByDraft:
		return "the set-up that was not finished needs it"
	}
	return "another link needs it"
}

// deletedEvent is the line of logout --left-over --json.
type deletedEvent struct {
	eventHead
	RefreshTokens int  `json:"refresh_tokens_deleted"`
	ClientSecret  bool `json:"client_secret_deleted"`
}
