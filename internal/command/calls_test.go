package command

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/spf13/cobra"
	"github.com/stretchr/testify/require"

	"confer/internal/golden"
)

// TestHelpOfAllCommands is the help as people read it.
func TestHelpOfAllCommands(t *testing.T) {
	t.Setenv("COLUMNS", "100")
	var all strings.Builder
	root := Tree()
	root.InitDefaultHelpCmd()
	for _, cmd := range append([]*cobra.Command{root}, root.Commands()...) {
		cmd.SetOut(&all)
		fmt.Fprintf(&all, "$ %s --help\n", cmd.CommandPath())
		cmd.InitDefaultHelpFlag()
		writeHelp(cmd, nil)
		all.WriteString("\n")
	}
	golden.Equal(t, "../../testdata/help.txt", all.String())
}

// wrongCalls cannot be carried out as they stand. Words are separated by spaces; {}
// is an empty folder with the files that the test makes.
const wrongCalls = `
statsu
--no-such-flag
--timeout 5
--json=perhaps
--data-center
--timeout -5m
--provider zom
--provider a!b
--color= --no-input --sandbox
--color blue
--json
--dry-run --json
--dry-run --json --no-input
--data-center de
--sandbox --api-url http://127.0.0.1:1 --app-url http://127.0.0.1:1
--sandbox --secret-store file
--tokens-out -
--no-input
--secret-store safe
--secret-passphrase-fd 3
--secret-store file --secret-passphrase-fd 1
--secret-store file --secret-passphrase-fd 0
--secret-store file --secret-passphrase-fd 0 --no-input
--browser approve
--browser {}/no-such-browser
--browser firefox'
--ca-file {}/empty --no-input --dry-run
--accounts - --no-input
--accounts {}/empty --tokens-out {}/empty
--no-input --sandbox --accounts -
--no-input --sandbox --accounts {}/no-such-list
--no-input --sandbox --accounts {}/empty
--client-secret-file {}/empty
--client-secret-file {}/two-lines
--client-secret-file {}/assignment
--debug {}/no/such/folder/log --no-input --dry-run
--dry-run --sandbox --tokens-out {}/empty
--dry-run --data-center de --client-id app --provider zoom --service-account ser_1 --tokens-out {}/no/such/folder/tokens
completion
completion bahs
help statsu
status Acme
status --check extra words
doctor extra
export
export Acme Corp --tokens-out -
export Acme
export Acme --tokens-out - --json
export Acme --tokens-out {}/new
export Acme --tokens-out {}/state/confer/secrets.age --force
export Acme --tokens-out {}/new --client-secret-file {}/secret
logout --all Acme
logout --left-over --all
logout --yes
logout --revoke
logout --revoke --no-input Acme
logout
logout Acme
profiles
profiles --accounts {}/list --format jsno
profiles --accounts {}/list --json --format csv
profiles --accounts {}/list --only linked
profiles --accounts {}/list --fail-on late
profiles --accounts {}/list --continue
profiles --accounts {}/list --continue --out {}/new
profiles --accounts {}/list --out {}/state/confer/links.json
profiles --accounts {}/list --wait -1s
profiles --accounts {}/list --rate -1
profiles --accounts {}/list --data-center de --rate 0
profiles --accounts {}/list
profiles --accounts {}/list --scope x
profiles --accounts {}/list --emails {}/empty --callback-url https://hooks.example.com --listen 127.0.0.1:8749
profiles --from {}/empty --emails {}/empty
profiles --from {}/empty --rate 5
profiles --from {}/two-lines
profiles --accounts {}/list --tokens-out {}/new --data-center de
profiles --accounts {}/list --tokens-out {}/new --data-center de --client-id app
profiles --accounts {}/list --tokens-out {}/two-lines --data-center de --client-id app --client-secret-file {}/secret
profiles --accounts {}/list --data-center de --out {}/two-lines --json --continue
profiles --accounts {}/list --data-center de --out {} --format csv
profiles --accounts {}/empty --data-center de
profiles --accounts {}/header --data-center de
profiles --accounts {}/archive --data-center de
profiles --emails {}/list
profiles --emails {}/list --callback-url https://hooks.example.com
profiles --emails {}/list --callback-url https://hooks.example.com --listen 127.0.0.1:8749
profiles --emails {}/list --callback-url http://hooks.example.com --listen 127.0.0.1:8749 --service-account ser_1
profiles --emails {}/list --callback-url https://hooks.example.com#x --listen 127.0.0.1:8749 --service-account ser_1
profiles --emails - --callback-url https://hooks.example.com --listen 127.0.0.1:8749 --service-account ser_1 --client-secret-file -
profiles --emails {}/list --callback-url https://hooks.example.com --listen 127.0.0.1:8749 --service-account-token-file {}/empty --data-center de --client-id app --client-secret-file {}/secret
sandbox --listen-api 0.0.0.0:0
sandbox --accounts -1
sandbox --seed x
sandbox --accounts 999999999
sandbox --permit-redirect-uri x
sandbox approve
sandbox approve https://api-de.cronofy.com/
`

// TestWrongCalls: what confer says of calls that it cannot carry out. Nothing is
// asked, stored or sent for any of them.
func TestWrongCalls(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("the system's own words for errors differ")
	}
	dir := t.TempDir()
	for name, holds := range map[string]string{
		"empty": "", "two-lines": "one\ntwo\n", "assignment": "CRONOFY_CLIENT_SECRET=abc\n", "secret": "a-secret\n",
		"list": "email,access_token\nada@example.com,token\n", "header": "email,access_token\n", "archive": "BZh91AY&SY",
	} {
		require.NoError(t, os.WriteFile(filepath.Join(dir, name), []byte(holds), 0o600))
	}
	for _, name := range []string{"HOME", "XDG_STATE_HOME", "LOCALAPPDATA"} {
		t.Setenv(name, filepath.Join(dir, "state"))
	}
	for _, name := range []string{"CRONOFY_CLIENT_ID", "CRONOFY_CLIENT_SECRET", "CRONOFY_DATA_CENTER", "ACCESSIBLE", "DBUS_SESSION_BUS_ADDRESS"} {
		t.Setenv(name, "")
	}
	var all strings.Builder
	for call := range strings.Lines(strings.TrimSpace(wrongCalls)) {
		call = strings.TrimSpace(call)
		var out, errs bytes.Buffer
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second) // for a call that is none of these after all
		code := run(ctx, strings.Fields(strings.ReplaceAll(call, "{}", dir)), streams{strings.NewReader(""), &out, &errs})
		cancel()
		require.NotZero(t, code, call)
		fmt.Fprintf(&all, "$ confer %s\n%s%s[%d]\n\n", call, &out, &errs, code)
	}
	golden.Equal(t, "../../testdata/wrong-calls.txt", aTime.ReplaceAllString(strings.ReplaceAll(all.String(), dir, "{}"), `"time":"…"`))
}

var aTime = regexp.MustCompile(`"time":"[^"]*"`)
