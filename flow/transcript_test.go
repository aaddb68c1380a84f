package flow

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"reflect"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"confer/cronofy"
	"confer/flow/callback"
	"confer/internal/golden"
	"confer/internal/links"
	"confer/internal/profiles"
	"confer/keystore"
)

// TestTranscripts replays each story in testdata/transcripts. A line is an
// event; what stands behind "->" is what the machine said to it. If this test
// fails, run it with -update and look at the difference: commit it only if you
// understand why it changed and want it so.
func TestTranscripts(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("testdata/transcripts/*.txt")
	require.NoError(t, err)
	require.NotEmpty(t, files)
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txt"), func(t *testing.T) {
			t.Parallel()
			want, err := os.ReadFile(file)
			require.NoError(t, err)
			golden.Equal(t, file, replay(t, string(want)))
		})
	}
}

func replay(t *testing.T, story string) string {
	t.Helper()
	var out strings.Builder
	s := Start(Initial{})
	for line := range strings.Lines(story) {
		line = strings.TrimRight(line, "\n")
		input, _, _ := strings.Cut(line, " ->")
		input = strings.TrimSpace(input)
		if input == "" || strings.HasPrefix(input, "#") {
			out.WriteString(line + "\n")
			continue
		}
		var task *Task
		before := s
		if f, ok := startLine(input); ok {
			s = Start(f)
		} else {
			s, task = s.Apply(parseEvent(t, input))
		}
		s = passed(s, input == "back")
		fmt.Fprintf(&out, "%-56s -> %s\n", input, said(before, s, task))
	}
	return out.String()
}

// passed leaves pages that ask for nothing, so that a story needs no line for them,
// and tells what was to be read there.
func passed(s State, back bool) State {
	for s.Running == nil && s.Step.asksNothing() {
		ev, notice := Event(PagePassed{s.Step}), s.Notice
		if back {
			ev, notice = Back{}, ""
		}
		s, _ = s.Apply(ev)
		s.Notice = notice
	}
	return s
}

// said tells what changed between two States, for a transcript.
func said(before, s State, task *Task) string {
	words := []string{s.Step.String()}
	add := func(format string, args ...any) { words = append(words, fmt.Sprintf(format, args...)) }
	if task != nil {
		verb := "start"
		if _, ok := task.Effect.(Delivery); ok {
			verb = "deliver"
		}
		add("%s #%d %s", verb, task.ID, strings.TrimPrefix(reflect.TypeOf(task.Effect).String(), "flow."))
	}
	if before.Running != nil && s.Running == nil {
		add("over #%d", before.Running.ID)
	}
	if s.Asking {
		add("asks for a store (keyring %s)", s.Store.Keyring.State)
	}
	if s.Unfinished() != nil {
		add("holds what was approved")
	}
	if s.Attempt.Phase != before.Attempt.Phase {
		add("phase %d", s.Attempt.Phase)
	}
	if s.Attempt.Notice != "" && s.Attempt.Notice != before.Attempt.Notice {
		add("notice %q", s.Attempt.Notice)
	}
	if s.Notice != "" {
		add("notice %q", s.Notice)
	}
	if s.Watch != before.Watch {
		add("proof %+v", s.Watch.Counts)
	}
	if s.Link != nil && before.Link != s.Link {
		add("linked %s %s unconfirmed=%t", s.Link.ServiceAccount, s.Link.Provider, s.Link.Unconfirmed)
	}
	if p := s.Problem; p != nil {
		add("problem %s/%d %q", p.Code, p.Exit, p.Summary)
		if p.Approved {
			add("approved")
		}
		if len(p.Offers) > 0 {
			add("offers %d", len(p.Offers))
		}
	}
	return strings.Join(words, "  ")
}

func startLine(input string) (Initial, bool) {
	fields := strings.Fields(input)
	if fields[0] != "start" {
		return Initial{}, false
	}
	f := Initial{}
	for _, w := range fields[1:] {
		k, v, _ := strings.Cut(w, "=")
		switch k {
		case "suggested":
			f.Suggested = true
		case "kept":
			f.SecretKept = true
		case "site":
			f.Answers.Site = siteOf(v)
		case "id":
			f.Answers.ClientID, f.Answers.RedirectURI = v, DefaultRedirectURI
		case "pinned":
			f.Answers.RedirectSet = true
		case "secret":
			f.Answers.ClientSecret = cronofy.NewSecret(v)
		case "store":
			f.Store.Kind = keystore.Kind(v)
		case "account":
			f.Answers.ServiceAccount = v
		case "provider":
			f.Answers.Provider = cronofy.Provider(v)
		}
	}
	return f, true
}

func siteOf(id string) cronofy.Site {
	d, _ := cronofy.FindDataCenter(id)
	return d.Site()
}

func args(words []string) (plain []string, named map[string]string) {
	named = map[string]string{}
	for _, w := range words {
		if k, v, ok := strings.Cut(w, "="); ok && !strings.Contains(k, "/") {
			named[k] = v
		} else {
			plain = append(plain, w)
		}
	}
	return plain, named
}

func parseEvent(t *testing.T, input string) Event {
	t.Helper()
	words := strings.Fields(input)
	plain, named := args(words[1:])
	first := ""
	if len(plain) > 0 {
		first = plain[0]
	}
	switch words[0] {
	case "data_center":
		return DataCenterChosen{siteOf(first)}
	case "application":
		uri := named["redirect"]
		if uri == "" {
			uri = DefaultRedirectURI
		}
		return ApplicationEntered{ClientID: named["id"], ClientSecret: cronofy.NewSecret(named["secret"]), RedirectURI: uri}
	case "store":
		return StoreChosen{Kind: keystore.Kind(first)}
	case "service_account":
		return ServiceAccountEntered{ID: first, Label: named["label"]}
	case "connect":
		return ConnectStarted{Scope: cronofy.DefaultServiceAccountScope, DelegatedScope: cronofy.DefaultDelegatedScope}
	case "provider":
		return ProviderChosen{cronofy.Provider(first)}
	case "authorize":
		return AuthorizeStarted{}
	case "redirect":
		return RedirectURIChosen{first}
	case "continue":
		return Continued{}
	case "accounts":
		return AccountsGiven{accountsOf(first, named)}
	case "another":
		return AnotherWanted{}
	case "retry":
		return ApprovalRetried{}
	case "elsewhere":
		return OtherStoreWanted{}
	case "drop":
		return ApprovalDropped{}
	case "back":
		return Back{}
	case "paste":
		return Pasted{first}
	case "extend":
		return Extended{}
	case "newlink":
		return NewLinkWanted{}
	case "open":
		return OpenWanted{}
	case "handed":
		return ReportedDone{}
	case "refresh":
		return Refreshed{}
	case "report":
		id, err := strconv.Atoi(strings.TrimPrefix(first, "#"))
		require.NoError(t, err, input)
		return Report{id, parseReport(t, plain[1:], named)}
	}
	t.Fatalf("no such event: %s", input)
	return nil
}

func accountsOf(kind string, named map[string]string) Accounts {
	switch kind {
	case "none":
		return Accounts{}
	case "token":
		return Accounts{Token: cronofy.NewSecret(named["token"])}
	}
	return Accounts{Path: named["path"]}
}

func parseReport(t *testing.T, words []string, named map[string]string) Event {
	t.Helper()
	switch words[0] {
	case "accepted":
		return ApplicationAccepted{ClientSecret: cronofy.NewSecret("s3cret-s3cret-s3cret-s3"),
			Store: Store{Kind: keystore.Kind(named["store"]), Keyring: keystore.Status{State: keystore.State(named["keyring"])}}, Ask: named["store"] == "", Unchecked: failures[named["unchecked"]]}
	case "opened":
		return ApplicationAccepted{Store: Store{Kind: keystore.Kind(named["store"])}, ClientSecret: cronofy.NewSecret("s3cret-s3cret-s3cret-s3"), Unchecked: failures[named["unchecked"]]}
	case "account":
		return ServiceAccountAccepted{ID: named["id"]}
	case "link":
		return LinkReady{URL: "https://app-de.cronofy.com/oauth/authorize?x", ShortURL: "http://127.0.0.1:8739/go/x", Listening: true, Until: time.Unix(300, 0)}
	case "browser":
		return BrowserAsked{}
	case "stray":
		return AnswerRejected{strays[words[1]]}
	case "answer":
		return AnswerArrived{}
	case "linked":
		return Linked{Link: Link{Link: links.Link{ServiceAccount: "ser_1", Provider: string(cronofy.Zoom), Unconfirmed: len(words) > 1}}}
	case "rows":
		return ProfilesRead{Rows: []profiles.Row{{}}, Counts: profiles.Summary{Read: 1, Missing: 1}}
	case "done":
		return ProfilesDone{}
	case "failed":
		err, ok := failures[words[1]]
		require.True(t, ok, words[1])
		f := Failed{Err: err, Approved: len(words) > 2}
		if len(words) > 3 {
			f.Kept = &Kept{}
		}
		return f
	}
	t.Fatalf("no such report: %v", words)
	return nil
}

var strays = map[string]error{"earlier": callback.ErrStateEarlierRun, "used": callback.ErrStateUsed, "bare": callback.ErrPasteNoState,
	"lost": &BrowserError{Err: &net.OpError{Op: "dial", Addr: &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 8739}, Err: syscall.ECONNREFUSED}}, "away": &BrowserError{Away: "app.example.test"}, "ended": &BrowserError{}}

// failures are errors as the Runner gives them, by a short name.
var failures = map[string]error{
	"invalid_client": &cronofy.Error{Op: "check application", Status: 401, Code: "invalid_client"},
	"invalid_grant":  &cronofy.Error{Op: "exchange code", Status: 400, Code: "invalid_grant"},
	"401":            &cronofy.Error{Op: "create link token", Status: 401},
	"402":            &cronofy.Error{Op: "create link token", Status: 402},
	"403":            &cronofy.Error{Op: "check application", Status: 403},
	"bad_request":    &cronofy.Error{Op: "check application", Status: 400, Code: "invalid_request"},
	"html":           &cronofy.BadAnswerError{Op: "check application", Reason: "HTML instead of JSON"},
	"404":            &cronofy.Error{Op: "create link token", Status: 404},
	"422": &cronofy.Error{Op: "create link token", Status: 422,
		Fields: map[string][]string{"service_account_id": {"unrecognized"}}},
	"429":           &cronofy.Error{Op: "create link token", Status: 429, RetryAfter: 30 * time.Second},
	"500":           &cronofy.Error{Op: "create link token", Status: 500},
	"network":       &cronofy.NetworkError{Op: "create link token", Host: "api-de.cronofy.com", Kind: cronofy.NetworkDNS},
	"access_denied": &cronofy.Error{Code: "access_denied"},
	"server_error":  &cronofy.Error{Code: "server_error"},
	"timeout":       ErrTimeout,
	"port":          &callback.PortError{Addr: "127.0.0.1:8739", Port: 8739, Class: callback.PortInUse, Holder: "nginx (pid 812)"},
	"locked":        keystore.Status{State: keystore.Locked}.Failure("open"),
	"nosecret":      ErrNoSecret,
	"cancelled":     context.Canceled,
	"accounts":      &AccountsError{os.ErrNotExist},
	"odd":           errors.New("odd"),
}
