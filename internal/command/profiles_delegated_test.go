package command

import (
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"testing"

	"confer/cronofy"
	"confer/internal/delegated"
	"confer/internal/golden"
	"confer/internal/profiles"
)

// TestProfilesWords: what confer profiles says of an account that could not be read, of
// what keeps answers from coming, and at the end of a run that read no account.
func TestProfilesWords(t *testing.T) {
	t.Parallel()
	full := fmt.Errorf("%w: %w", profiles.ErrTokensLost, &fs.PathError{Op: "write", Path: "tokens.jsonl", Err: errors.New("no space left on device")})
	refresh := func(status int, code string) error {
		return &cronofy.Error{Op: "refresh token", Status: status, Code: code}
	}
	broken := &cronofy.NetworkError{Op: "refresh token", Host: "api-de.cronofy.com", Kind: cronofy.NetworkReset, Sent: true}
	var b strings.Builder
	b.WriteString("An account\n\n")
	for _, err := range []error{
		&profiles.ListError{Line: 3, Reason: "no access_token and no refresh_token"}, profiles.ErrOnlyRefreshToken,
		&profiles.RenewError{Err: refresh(400, "invalid_grant")}, &profiles.RenewError{Err: refresh(401, "invalid_client")},
		&profiles.RenewError{Err: refresh(404, "")}, &profiles.RenewError{Err: broken}, &profiles.RenewError{Err: full},
		&profiles.RenewError{Err: &delegated.DeniedError{Code: "access_denied", Description: "There is no such mailbox."}},
		&profiles.RenewError{Err: &delegated.NoAnswerError{}},
		&profiles.RenewError{Err: &delegated.NoAnswerError{Refused: delegated.Unsigned}},
		&profiles.RenewError{Err: &delegated.NoAnswerError{Refused: delegated.Forged}},
		&profiles.RenewError{Err: &delegated.NoAnswerError{Refused: delegated.Malformed}},
		&profiles.RenewError{Err: &delegated.CallError{Err: &cronofy.Error{Op: "request", Status: 422}}},
		&profiles.RenewError{Err: &delegated.CallError{Err: broken}},
		&profiles.RenewError{Err: &delegated.CallError{Err: broken, Exchange: true}},
	} {
		code, message := explainAccount(err)
		fmt.Fprintf(&b, "%s: %s\n", code, message)
	}
	b.WriteString("\nA notice\n\n")
	r := &profilesRun{f: &profilesFlags{}, s: streams{err: &b}, progress: newProgress(streams{err: &b}, true)}
	for _, why := range []delegated.Refusal{delegated.Unsigned, delegated.Forged, delegated.Malformed} {
		r.tellRefused(why)
	}
	b.WriteString("\nThe end of a run\n")
	for _, err := range []error{
		fmt.Errorf("%w: %w", errOutput, &fs.PathError{Op: "write", Path: "x", Err: errors.New("no space left on device")}),
		&profiles.RenewError{Err: full}, &profiles.RenewError{Err: refresh(401, "invalid_client")},
		delegated.ErrNotServiceAccount,
	} {
		b.WriteString("\n")
		fmt.Fprintf(&b, "[%d]\n", exitCode(r.words(t.Context(), err), &b))
	}
	golden.Equal(t, "../../testdata/profiles-words.txt", b.String())
}
