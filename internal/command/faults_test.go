package command

import (
	"fmt"
	"regexp"
	"testing"

	"confer/cronofy/sandbox"
	"confer/internal/faultlist"
	"confer/internal/golden"
)

// faultPage is the list of what commands do under each fault, for people; the
// test keeps it true.
const faultPage = "../../docs/faults-commands.md"

const faultHead = `# What commands do when something fails

Each row is a run of a command on one account or one link, against the sandbox with one thing wrong, made by a test
(` + "`go test . -run TestCommandFaults`" + `, which fails when this list is not what it sees). "result" is the state of the record, or what
happened to the link. The set-up is in [faults.md](faults.md).

| command | call | what is wrong | exit | result | code | what is read |
| --- | --- | --- | --- | --- | --- | --- |
`

// commandRow is one line of the list.
type commandRow struct {
	command, call, what string
	run                 func(*commandHouse) outcome
	fault               sandbox.Fault
	switches            sandbox.Switches
}

type outcome struct {
	exit               int
	state, code, words string
}

func commandRows() []commandRow {
	var rows []commandRow
	for _, c := range []commandRow{
		{command: "profiles", call: "userinfo", run: (*commandHouse).profiles, fault: sandbox.Fault{Endpoint: sandbox.UserInfo}},
		{command: "profiles --tokens-out", call: "refresh", run: (*commandHouse).refreshing, fault: sandbox.Fault{Endpoint: sandbox.Refresh}},
		{command: "profiles --emails", call: "service_account_authorizations", run: (*commandHouse).delegating, fault: sandbox.Fault{Endpoint: sandbox.Delegated}},
		{command: "profiles --emails", call: "exchange", run: (*commandHouse).delegating, fault: sandbox.Fault{Endpoint: sandbox.Exchange}},
		{command: "profiles --resources", call: "resources", run: (*commandHouse).rooms, fault: sandbox.Fault{Endpoint: sandbox.Resources}},
		{command: "status --check", call: "refresh", run: (*commandHouse).check, fault: sandbox.Fault{Endpoint: sandbox.Refresh}},
		{command: "logout --revoke", call: "revoke", run: (*commandHouse).revoke, fault: sandbox.Fault{Endpoint: sandbox.Revoke}},
	} {
		for _, f := range faultlist.Of(c.fault.Endpoint) {
			row := c
			row.what, row.fault = f.What, f.Fault
			rows = append(rows, row)
		}
	}
	return append(rows, commandSwitches()...)
}

func commandSwitches() []commandRow {
	const emails, calls = "profiles --emails", "service_account_authorizations"
	return []commandRow{
		{command: "profiles", call: "userinfo", what: "nothing", run: (*commandHouse).profiles},
		{command: "profiles", call: "userinfo", what: "provider_name is zoom_enterprise", run: (*commandHouse).profiles, switches: sandbox.Switches{EnterpriseNames: true}},
		{command: "profiles", call: "userinfo", what: "cronofy.data is missing", run: (*commandHouse).profiles, switches: sandbox.Switches{OmitCronofyData: true}},
		{command: "profiles", call: "userinfo", what: "the profile is disconnected", run: (*commandHouse).profiles, switches: sandbox.Switches{Disconnected: true}},
		{command: "profiles", call: "userinfo", what: "unknown fields everywhere", run: (*commandHouse).profiles, switches: sandbox.Switches{ExtraFields: true}},
		{command: "profiles --tokens-out", call: "refresh", what: "the refresh token changes", run: (*commandHouse).refreshing, switches: sandbox.Switches{RotateRefreshTokens: true}},
		{command: "profiles --tokens-out", call: "refresh", what: "no refresh token", run: (*commandHouse).refreshing, switches: sandbox.Switches{OmitRefreshToken: true}},
		{command: emails, call: calls, what: "nothing", run: (*commandHouse).delegating},
		{command: emails, call: calls, what: "the webhook is not signed", run: (*commandHouse).delegating, switches: sandbox.Switches{UnsignedWebhooks: true}},
		{command: emails + " --accept-unsigned-webhooks", call: calls, what: "the webhook is not signed", run: (*commandHouse).delegatingUnsigned, switches: sandbox.Switches{UnsignedWebhooks: true}},
		{command: emails, call: calls, what: "the webhook has two digests", run: (*commandHouse).delegating, switches: sandbox.Switches{SecondDigest: true}},
		{command: emails, call: "exchange", what: "no sub", run: (*commandHouse).delegating, switches: sandbox.Switches{OmitSub: true}},
		{command: emails, call: "exchange", what: "no refresh token", run: (*commandHouse).delegating, switches: sandbox.Switches{OmitRefreshToken: true}},
		{command: emails, call: calls, what: "unknown fields everywhere", run: (*commandHouse).delegating, switches: sandbox.Switches{ExtraFields: true}},
		{command: "profiles --resources", call: "resources", what: "unknown fields everywhere", run: (*commandHouse).rooms, switches: sandbox.Switches{ExtraFields: true}},
		{command: "status --check", call: "refresh", what: "the refresh token changes", run: (*commandHouse).check, switches: sandbox.Switches{RotateRefreshTokens: true}},
		{command: "status --check", call: "refresh", what: "no refresh token", run: (*commandHouse).check, switches: sandbox.Switches{OmitRefreshToken: true}},
		{command: "logout --revoke", call: "revoke", what: "nothing", run: (*commandHouse).revoke},
	}
}

func TestCommandFaults(t *testing.T) {
	t.Parallel()
	golden.Equal(t, faultPage, faultHead+faultlist.Lines(commandRows(), func(row commandRow) string { return row.line(t) }))
}

var ports = regexp.MustCompile(`127\.0\.0\.1:\d+`)

func (row commandRow) line(t *testing.T) string {
	h := newCommandHouse(t, row)
	o := row.run(h)
	code := "–"
	if o.code != "" {
		code = "`" + o.code + "`"
	}
	return fmt.Sprintf("| %s | %s | %s | %d | %s | %s | %s |\n", row.command, row.call, row.what, o.exit, o.state, code, ports.ReplaceAllString(o.words, "HOST"))
}
