package flow

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"net"
	"slices"
	"strings"
	"testing"
	"time"

	"confer/cronofy"
	"confer/flow/callback"
	"confer/internal/golden"
	"confer/internal/links"
	"confer/internal/profiles"
	"confer/keystore"
)

// wordList gathers what people read: a sentence, and what to do below it.
type wordList struct{ strings.Builder }

func (l *wordList) head(title string) { fmt.Fprintf(l, "\n== %s\n", title) }

func (l *wordList) say(summary string, hints ...string) {
	l.WriteString(summary + "\n")
	for _, hint := range slices.Compact(hints) {
		if hint != "" {
			l.WriteString("    " + hint + "\n")
		}
	}
}

// problem tells it as the wizard does, and below that the hint for a script.
func (l *wordList) problem(p Problem) { l.say(p.Summary, p.Hint, p.ForScript().Hint) }

func (l *wordList) check(p *Problem) { l.say(p.Summary, p.Hint) }

// TestWords: every sentence in which this package tells what is wrong, with what to do
// about it.
func TestWords(t *testing.T) {
	t.Parallel()
	var l wordList
	answersOfCronofy(&l)
	otherProblems(&l)
	storeProblems(&l)
	refusedAnswers(&l)
	wordsOfTheWait(&l)
	golden.Equal(t, "testdata/words.txt", strings.TrimPrefix(l.String(), "\n"))
}

func answersOfCronofy(l *wordList) {
	l.head("Answers of Cronofy, by status: for the set-up, and for a row of accounts")
	for _, status := range slices.Sorted(maps.Keys(statusWords)) {
		err := &cronofy.Error{Status: status}
		l.problem(Explain(err, StepAuthorize))
		code, message := ExplainAccount(err)
		short, next := Accounts{Path: "people.csv"}.AccountWords(code)
		l.say("    "+short, message, next)
	}
	l.problem(Explain(&cronofy.Error{Status: 429, RetryAfter: 90 * time.Second}, StepAuthorize))
	l.head("Answers of Cronofy, by OAuth code")
	for _, code := range append(slices.Sorted(maps.Keys(oauthWords)), "unheard_of") {
		l.problem(Explain(&cronofy.Error{Code: code}, StepAuthorize))
	}
	l.problem(Explain(&cronofy.Error{Code: "access_denied", Description: "as Cronofy describes it"}, StepServiceAccount))
	l.head("Rows of accounts without an answer")
	for _, code := range []string{CodeUsage, CodeNetwork} {
		short, next := Accounts{}.AccountWords(code)
		l.say(short, next)
	}
	for _, err := range []error{profiles.ErrOnlyRefreshToken, cronofy.ErrUnsendable} {
		_, message := ExplainAccount(err)
		l.say(message)
	}
	l.head("After an approval")
	for _, status := range []int{403, 503} {
		failed := Failed{Err: &cronofy.Error{Status: status}, Approved: true}
		l.problem(approvedProblem(Explain(failed.Err, StepAuthorize), StepAuthorize, Answers{}, failed, false))
		l.problem(approvedProblem(Explain(failed.Err, StepServiceAccount), StepServiceAccount, Answers{}, failed, true))
	}
	spent := Failed{Err: &cronofy.Error{Status: 400, Code: "invalid_grant"}, Approved: true}
	l.problem(approvedProblem(Explain(spent.Err, StepAuthorize), StepAuthorize, Answers{RedirectURI: "https://app.example.com/done"}, spent, false))
	l.head("The check of the application")
	for _, err := range []error{errors.New("x"), &cronofy.BadAnswerError{Reason: "cut short"}, &cronofy.Error{Status: 400, Code: "invalid_request"}, &cronofy.Error{Status: 404}} {
		l.say(explainUnchecked(err))
	}
}

func otherProblems(l *wordList) {
	l.head("Everything else")
	for _, err := range []error{
		&cronofy.BadAnswerError{Reason: "HTML instead of JSON"}, &cronofy.NetworkError{Host: "api-de.cronofy.com", Kind: cronofy.NetworkDNS},
		ErrTimeout, ErrNoSecret, context.Canceled, context.DeadlineExceeded, errors.New("unheard of"),
		&callback.PortError{Port: 8739, Class: callback.PortInUse}, &callback.PortError{Port: 8739, Class: callback.PortInUse, Holder: "nginx (pid 812)"},
		&callback.PortError{Port: 80, Class: callback.PortDenied}, &callback.PortError{Addr: "192.0.2.1:8739"},
		&BrowserError{}, &BrowserError{Away: "app.example.com"}, &BrowserError{Err: errors.New("browse approval: too many redirects")},
		&BrowserError{Err: &net.OpError{Op: "dial", Addr: &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 8739}, Err: errors.New("refused")}},
		&AccountsError{errors.New("line 2 has no email")}, &AccountsError{fs.ErrNotExist},
		&RecordError{errors.New("no space left on the disk")}, &RecordError{links.ErrBusy},
	} {
		l.problem(Explain(err, StepAuthorize))
	}
	l.say(explainUnsaved(errors.New("no space left on the disk")))
	l.say(explainUnsaved(links.ErrDraftLocked))
	l.say(explainCopies)
}

func storeProblems(l *wordList) {
	l.head("The encrypted file")
	for _, w := range fileWords {
		l.problem(Explain(&keystore.Error{Op: "open", Store: keystore.File, Err: w.err, Path: "/home/ada/confer/secrets.age"}, StepApplication))
	}
	l.head("The keyring")
	for _, e := range []keystore.Error{
		{Op: "unlock", Err: keystore.ErrBusy}, {Op: "unlock", Err: keystore.ErrTimeout}, {Op: "unlock", Err: keystore.ErrLocked, Status: keystore.Status{State: keystore.Locked, NoWindow: true}},
		{Op: "unlock", Err: keystore.ErrLocked}, {Err: keystore.ErrLocked, Status: keystore.Status{State: keystore.Locked, NoWindow: true, Program: "KWallet"}},
		{Err: keystore.ErrLocked, Status: keystore.Status{State: keystore.Locked, NoWindow: true, Program: "KeePassXC"}}, {Err: keystore.ErrLocked},
		{Err: keystore.ErrDismissed, Status: keystore.Status{Program: "KeePassXC"}}, {Err: keystore.ErrTimeout, Pending: true, Status: keystore.Status{Program: "KeePassXC"}}, {Op: "set", Err: keystore.ErrTimeout},
		{Err: keystore.ErrTimeout}, {Err: keystore.ErrBusy}, {Err: keystore.ErrTooBig}, {Err: keystore.ErrReadBack}, {Err: keystore.ErrRefused},
	} {
		e.Store, e.Op = keystore.Keyring, cmp.Or(e.Op, "get")
		l.problem(Explain(&e, StepApplication))
	}
	l.head("The states of the keyring")
	for _, s := range []keystore.Status{{State: keystore.NoBus}, {State: keystore.NoService}, {State: keystore.NoCollection}, {State: keystore.NoCollection, Program: "KeePassXC"},
		{State: keystore.NoCollection, Program: "KWallet"}, {State: keystore.Silent}, {State: keystore.Locked}, {State: keystore.Ready, Detail: "why"}} {
		l.say(KeyringWords(s), KeyringHelp(s))
	}
}

// refusedAnswers are those that no page takes.
func refusedAnswers(l *wordList) {
	secret := "CRN_" + strings.Repeat("a1B2", 12)
	l.head("Answers that are not taken")
	l.check(Start(Initial{}).offered(DataCenterChosen{}))
	for _, id := range []string{"", "a b", secret} {
		l.check(CheckClientID(id))
	}
	for _, s := range []string{"a b", "CRONOFY_CLIENT_SECRET=abc"} {
		l.check(CheckClientSecret(cronofy.NewSecret(s)))
	}
	for _, uri := range []string{"", "a b", "ftp://x", "http://127.0.0.1:8739/#x", "http://127.0.0.1:0/", "http://127.0.0.1/", "http://127.0.0.1:6000/", "https://x/?code=1"} {
		l.check(CheckRedirectURI(uri))
	}
	l.check(CheckListen("x"))
	for _, id := range []string{"", "acc_1", "ser_ä"} {
		l.check(CheckServiceAccountID(id))
	}
	s := Start(Initial{Answers: Answers{ClientSecret: cronofy.NewSecret("given-in-this-run")}})
	for _, p := range []cronofy.Provider{"", "Not A Name"} {
		l.check(s.checkProvider(p))
	}
	l.check(s.CheckNoSecret("given-in-this-run"))
	l.check(s.CheckLabel("eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.c2lnbmF0dXJl"))
	l.check(s.CheckAccountsPath("eyJhbGciOiJIUzI1NiJ9eyJzdWIiOiIxMjM0NTY3ODkwIn0c2lnbmF0dXJl"))
	l.check(CheckAccessToken("a b"))
}

// offered gives what is wrong with an answer.
func (s State) offered(ev Event) *Problem {
	s, _ = s.Apply(ev)
	return s.Problem
}

func wordsOfTheWait(l *wordList) {
	l.head("What came back and was not the answer")
	for _, err := range []error{callback.ErrStateEarlierRun, callback.ErrStateOtherAnswers, callback.ErrStateUsed, callback.ErrHost, callback.ErrMalformed,
		callback.ErrPasteNoState, callback.ErrPasteLink, callback.ErrPasteNoAnswer} {
		l.say(explainRejected(err))
	}
	l.say(explainRejected(&cronofy.Error{Status: 503}))
	l.say(explainRejected(&callback.OtherUserError{User: "bob"}))
	l.head("What a store waits for")
	for _, w := range []keystore.Wait{{Store: keystore.File}, {Store: keystore.File, Who: "pid 812"}, {Store: keystore.Keyring}, {Store: keystore.Keyring, Who: "KWallet"}} {
		l.say(WaitWords(w))
	}
}
