package command

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"testing"

	"confer/cronofy"
	"confer/flow"
	"confer/internal/atomicfile"
	"confer/internal/golden"
	"confer/internal/links"
	"confer/internal/profiles"
	"confer/keystore"
)

// TestWordsOfCommands: what the commands on links, on accounts and on files say of
// what went wrong, with what to do about it.
func TestWordsOfCommands(t *testing.T) {
	t.Parallel()
	var all strings.Builder
	tell := func(p flow.Problem) { fmt.Fprintf(&all, "%s\n    %s\n", p.Summary, p.Hint) }
	for _, err := range []error{
		context.Canceled, &links.NotStoredError{Err: errors.New("x")}, links.ErrNoToken, links.ErrGone, links.ErrMissing, links.ErrNoSecret, links.ErrBusy, links.ErrSite,
		&fs.PathError{Op: "read", Path: "/home/ada/confer/links.json", Err: links.ErrNewer}, &fs.PathError{Op: "read", Path: "/home/ada/confer/links.json", Err: errors.New("not JSON")},
		&cronofy.Error{Status: 400, Code: "invalid_grant"}, &cronofy.Error{Status: 403},
		&keystore.Error{Store: keystore.File, Err: keystore.ErrNoPassphrase}, &keystore.Error{Store: keystore.File, Err: keystore.ErrPassphrase, Path: "/home/ada/confer/secrets.age"},
		keystore.Status{State: keystore.Locked}.Failure("get"), &keystore.Error{Store: keystore.Keyring, Err: keystore.ErrDismissed},
		&keystore.Error{Store: keystore.Keyring, Err: keystore.ErrTimeout},
	} {
		tell(explainLink(err))
	}
	tell(damagedWords("/x/links.json.damaged-1", "/x/links.json.damaged-2"))
	all.WriteString("\nThe service account's token:\n")
	for _, err := range []error{links.ErrMissing, &links.NotStoredError{Err: errors.New("x")}, links.ErrBusy, &cronofy.Error{Status: 400, Code: "invalid_grant"}} {
		if f, ok := errors.AsType[*failure](explainService(err)); ok {
			tell(f.Problem)
		}
	}
	all.WriteString("\nA request for access:\n")
	for _, status := range []int{401, 402, 403, 404, 422} {
		tell(requestProblem(&cronofy.Error{Status: status}))
	}
	all.WriteString("\nFiles:\n")
	for _, err := range []error{
		outError("tokens-out", atomicfile.ErrLocked), outError("tokens-out", profiles.ErrTokensFormat), outError("out", atomicfile.ErrLocked), outError("out", profiles.ErrNotRecords),
	} {
		if f, ok := errors.AsType[*failure](err); ok {
			tell(f.Problem)
		}
	}
	all.WriteString("\nThe end of logout, and moments of status:\n")
	for _, step := range []links.Step{links.StepWait, links.StepRevoke, links.StepSecrets, links.StepList} {
		q := &logoutRun{f: &logoutFlags{}, s: streams{err: &all}}
		q.failed(links.Link{ClientID: "id", ServiceAccount: "ser_1", Provider: "zoom_enterprise"}, links.Forgotten{Failed: step, Revoked: step == links.StepList}, links.ErrBusy)
	}
	fmt.Fprintf(&all, "    %s\n", whereabouts(links.Secret{State: links.Unread, Err: links.ErrDialog}, "keyring"))
	fmt.Fprintf(&all, "    %s\n    %s\n", remembered("firefox"), remembered("none"))
	golden.Equal(t, "../../testdata/words.txt", all.String())
}
