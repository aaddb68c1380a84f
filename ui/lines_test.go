package ui

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"regexp"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"confer/cronofy"
	"confer/flow"
	"confer/flow/callback"
	"confer/internal/golden"
	"confer/internal/links"
	"confer/internal/opener"
	"confer/internal/profiles"
	"confer/keystore"
)

// linesScene is a conversation, kept whole.
type linesScene struct {
	name  string
	state func(t *testing.T) flow.State
	cfg   func(*Config)
	talk  func(k *linesTalk)
}

func linesFrom(events ...flow.Event) func(*testing.T) flow.State {
	return func(t *testing.T) flow.State { return linesAt(t, events...) }
}

const linesFinal = "http://127.0.0.1:8739/callback?code=Zx81&state=9f0c3e1ab27d44f8"

func linesScenes() []linesScene {
	return append(linesAnswerScenes(), append(linesWaitScenes(), linesEndScenes()...)...)
}

// linesAnswerScenes are of the first four steps, and of whole walks.
func linesAnswerScenes() []linesScene {
	return []linesScene{
		{name: "walk", state: linesFrom(), talk: linesWalk},
		{name: "suggested", state: linesSuggested, talk: linesSuggestedWalk},
		{name: "back_and_help", state: linesFrom(toAuthorize()...), talk: func(k *linesTalk) {
			k.to(pageApplication, "?", "b")
			k.types("?", "", "b", "?")
			k.to(pageDataCenter, "b")
			k.types("b", "?", "mars", "DE", "q")
		}},
		{name: "application_refused", state: linesFrom(toApplication()...), talk: linesRefused},
		{name: "store_locked", state: linesFrom(append(toApplication(), applied(), asked("locked", "the collection is locked"))...), talk: linesStoreLocked},
		{name: "no_secret", state: linesNoSecret, talk: func(k *linesTalk) {
			k.types("2")
			k.reports(fail(flow.ErrNoSecret))
			k.types(testSecret)
		}},
		{name: "store_there", state: linesFrom(append(toApplication(), applied(), flow.ApplicationAccepted{ClientSecret: cronofy.NewSecret(testSecret),
			Store: flow.Store{Keyring: keystore.Status{State: "no-collection"}, File: secretsPath}, Ask: true})...), talk: linesStoreThere},
		{name: "store_file", state: linesFrom(append(toApplication(), applied(), asked("no-bus", ""))...), talk: linesStoreFile},
		{name: "connect", state: linesFrom(toAccount()...), talk: linesConnect},
		{name: "used", state: linesUsedState, talk: func(k *linesTalk) {
			k.types("", "7", "Acme")
			k.reports(accountOK())
			k.to(pageServiceAccount, "b")
			k.types("3", "ser_wrong id", "ser_3", "b", "c", "b", "b", "b", "q")
		}},
	}
}

// linesWaitScenes are of the wait for the administrator.
func linesWaitScenes() []linesScene {
	ssh := func(c *Config) { c.Session = opener.Remote }
	container := func(c *Config) { c.Session = opener.Container }
	noFiles := func(c *Config) { c.SaveFile = nil }
	return []linesScene{
		{name: "ways", state: linesFrom(append(toAuthorize(), flow.AuthorizeStarted{})...), talk: linesWays},
		{name: "ways_ssh", state: linesFrom(append(toAuthorize(), flow.AuthorizeStarted{})...), cfg: ssh, talk: func(k *linesTalk) {
			k.reports(linkReady(), flow.BrowserAsked{Err: errors.New("no display")})
			k.types("x")
		}},
		{name: "ways_sandbox", state: linesFrom(append(toAuthorize(), flow.AuthorizeStarted{})...), cfg: func(c *Config) { c.Approves = true }, talk: func(k *linesTalk) {
			k.reports(linkReady(), flow.BrowserAsked{Err: errors.New("no display")})
			k.types("?", "d")
			require.Equal(k.t, flow.ApprovalWanted{Deny: true}, k.ordered())
			k.types("")
			require.Equal(k.t, flow.ApprovalWanted{}, k.ordered())
		}},
		{name: "ways_proxied", state: linesFrom(elsewhere(flow.ProviderChosen{Provider: cronofy.Webex})...), talk: func(k *linesTalk) {
			k.reports(flow.LinkReady{URL: testURL, Listening: true, Until: start.Add(5 * time.Minute)})
			k.types("m")
		}},
		{name: "ways_container", state: linesFrom(append(toAuthorize(), flow.AuthorizeStarted{})...), cfg: container, talk: func(k *linesTalk) {
			k.reports(linkReady())
		}},
		{name: "ways_not_listening", state: linesFrom(elsewhere()...), cfg: noFiles, talk: func(k *linesTalk) {
			k.reports(flow.LinkReady{URL: testURL, Until: start.Add(5 * time.Minute)})
			k.types("w", "?")
		}},
		{name: "paste", state: linesFrom(toWaiting()...), talk: linesPaste},
		{name: "handed", state: linesFrom(toWaiting()...), talk: func(k *linesTalk) {
			k.types("d", "", "d", "no", "y")
			k.reports(flow.Linked{Link: flow.Link{Site: germany(), Link: links.Link{APIHost: germany().APIHost(), ServiceAccount: testID, Provider: string(cronofy.Zoom), Unconfirmed: true, Store: keystore.Keyring}}})
			k.types("")
		}},
		{name: "quit_waiting", state: linesFrom(toWaiting()...), talk: func(k *linesTalk) {
			k.types("q", "", "q", "+", "q", "https://app.example.test/elsewhere")
			k.reports(flow.AnswerRejected{Err: callback.ErrPasteNoAnswer})
			k.types("q", "q")
		}},
		{name: "timeout", state: linesFrom(toWaiting()...), talk: func(k *linesTalk) {
			k.reports(fail(flow.ErrTimeout))
			k.types("d", "?", "p", linesFinal)
			require.Equal(k.t, linesFinal, k.ordered().(flow.FinishPending).Text)
			k.reports(fail(callback.ErrStateUsed))
			k.types("b", "")
			k.tick(linesEvery)
			k.reports(linkReady())
			k.types("b", "q")
		}},
		{name: "port_pinned", state: func(t *testing.T) flow.State {
			return walk(t, flow.Start(*pinnedFound()), events(way(flow.StepServiceAccount, flow.StepAuthorize), flow.AuthorizeStarted{})...)
		}, talk: func(k *linesTalk) {
			k.reports(fail(&callback.PortError{Port: 8739, Class: callback.PortInUse, Holder: "python3 (process 4242)"}))
			k.types("1", "b")
		}},
		{name: "port", state: linesFrom(append(toAuthorize(), flow.AuthorizeStarted{})...), talk: func(k *linesTalk) {
			k.reports(fail(&callback.PortError{Port: 8739, Class: callback.PortInUse, Holder: "python3 (process 4242)"}))
			k.types("4", "2")
			k.reports(fail(&callback.PortError{Port: 8740, Class: callback.PortInUse, Holder: "python3 (process 4243)"}))
			k.types("")
			k.reports(linkReady())
		}},
	}
}

// linesEndScenes are of what comes after it.
func linesEndScenes() []linesScene {
	return []linesScene{
		{name: "approved", state: linesFrom(append(toWaiting(), flow.AnswerArrived{})...), talk: func(k *linesTalk) {
			k.reports(flow.Failed{Err: &cronofy.NetworkError{Host: "api-de.cronofy.com", Kind: cronofy.NetworkReset}, Approved: true})
			k.types("g", "4", "")
		}},
		{name: "held", state: linesFrom(append(toWaiting(), flow.AnswerArrived{})...), talk: func(k *linesTalk) {
			k.reports(stillHeld())
			k.types("?", "")
			k.reports(stillHeld())
			k.to(pageProvider, "b")
			k.types("1")
			k.to(pageUnstored)
			k.types("2", "b", "q", "2", "2")
			k.reports(linked())
		}},
		{name: "held_connect", state: linesFrom(append(toAccount(), flow.ConnectStarted{}, linkReady(), flow.AnswerArrived{})...), talk: func(k *linesTalk) {
			k.reports(stillHeld())
			k.types("q", "3", "q")
		}},
		{name: "store_failed", state: linesFrom(append(toAuthorize(), flow.AuthorizeStarted{})...), talk: func(k *linesTalk) {
			k.reports(fail(errRefused))
			k.types("")
			k.reports(flow.ApplicationAccepted{Store: flow.Store{Kind: keystore.Keyring}, ClientSecret: cronofy.NewSecret(testSecret)})
			k.types("")
		}},
		{name: "linked_already", state: linesFrom(append(toLinked(), flow.Back{})...), talk: func(k *linesTalk) {
			k.types("", "b", "n")
			k.reports(linkReady())
		}},
		{name: "accounts", state: linesFrom(toLinked()...), talk: linesAccounts},
		{name: "another", state: linesFrom(toLinked()...), talk: func(k *linesTalk) { k.types("3", "") }},
		{name: "ended", state: linesFrom(toTable()...), talk: func(k *linesTalk) {
			require.NoError(k.t, k.in.Close())
			synctest.Wait()
			k.reports(read(4), flow.LookPlanned{At: start.Add(5 * time.Second)})
		}},
		{name: "token", state: linesFrom(toLinked()...), talk: func(k *linesTalk) {
			k.types("2", testSecret)
			k.reports(read(1), flow.LookPlanned{At: k.now.Add(5 * time.Second)})
			k.types("q")
		}},
		{name: "hostile", state: linesFrom(toLinked()...), talk: linesHostile},
	}
}

// TestLinesTranscripts compares each conversation with its paper. "| " marks
// standard output, braces what was typed. If it fails, run it with -update and
// look at the difference.
func TestLinesTranscripts(t *testing.T) {
	t.Parallel()
	want := golden.Open(t, filepath.Join("testdata", "lines"))
	for _, s := range linesScenes() {
		t.Run(s.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				var changes []func(*Config)
				if s.cfg != nil {
					changes = append(changes, s.cfg)
				}
				k := linesRun(t, s.state(t), changes...)
				s.talk(k)
				k.ends()
				if k.err != nil {
					require.ErrorIs(t, k.err, context.Canceled)
				}
				paper := k.paper.String()
				if s.name != "walk" { // a further step changes that one alone
					paper = stepNumbers.ReplaceAllString(paper, "$1")
				}
				want.Equal(t, s.name+".txt", paper)
			})
		})
	}
}

// stepNumbers are the places of steps among all: "Step 2 of 6", "There are 6 steps".
var stepNumbers = regexp.MustCompile(`(Step|There are) \d+(?: of \d+)?`)

func linesWalk(k *linesTalk) {
	k.types("", "4", testClient, testSecret, "")
	k.tick(linesEvery)
	k.reports(accepted())
	k.to(pageServiceAccount)
	k.types(testID, "Example GmbH")
	k.reports(accountOK())
	k.to(pageProvider)
	k.types("1")
	k.to(pageAuthorize)
	k.types("")
	k.reports(linkReady(), flow.BrowserAsked{})
	k.tick(linesEvery)
	k.tick(linesEvery)
	k.reports(flow.AnswerArrived{}, linked())
	k.to(pageLinked)
	k.types("1", "people.csv")
	k.reports(read(8), flow.LookPlanned{At: k.now.Add(5 * time.Second)})
	rows := people(8)
	rows[3].Record = person(11)
	rows[3].Record.State = "connected"
	rows[0].Record.Account.Name = "Countess"
	k.reports(flow.ProfilesRead{Rows: rows[:4], Counts: profiles.Summary{Read: 8, Connected: 6, Disconnected: 1, Failed: 1}},
		flow.ProfilesDone{})
}

// linesSuggested is how a sandbox run begins: every answer is there, and an
// empty one is enough each time.
func linesSuggested(*testing.T) flow.State {
	return flow.Start(flow.Initial{Suggested: true, Store: flow.Store{Kind: keystore.None, Pinned: true}, Sites: []cronofy.Site{sandboxSite()}, Answers: flow.Answers{
		Site: sandboxSite(), ClientID: testClient, ClientSecret: cronofy.NewSecret(testSecret), RedirectURI: flow.DefaultRedirectURI,
		ServiceAccount: testID, Provider: cronofy.Webex, Accounts: flow.Accounts{Path: "the sandbox's people"},
	}})
}

func linesSuggestedWalk(k *linesTalk) {
	k.to(pageApplication)
	k.types("", "", "")
	k.reports(flow.ApplicationAccepted{ClientSecret: cronofy.NewSecret(testSecret), Store: flow.Store{Kind: keystore.None, Pinned: true}})
	k.to(pageServiceAccount)
	k.types("", "")
	k.reports(accountOK())
	k.to(pageAuthorize)
	k.types("")
	k.reports(linkReady(), flow.BrowserAsked{}, flow.AnswerArrived{}, linked())
	k.to(pageLinked)
	k.types("", "", "")
	k.reports(read(2), flow.ProfilesDone{})
}

func linesRefused(k *linesTalk) {
	k.types("", "no id", testClient, testSecret, "ftp://x", "b", "", "https://app.example.test/done")
	k.reports(fail(&cronofy.Error{Status: 401, Op: "make a link token"}))
	k.types(testSecret, "")
	k.reports(flow.ApplicationAccepted{ClientSecret: cronofy.NewSecret(testSecret), Store: flow.Store{Kind: keystore.Keyring}, Unchecked: &cronofy.BadAnswerError{Op: "check application", Reason: "HTML instead of JSON"}})
}

func linesStoreLocked(k *linesTalk) {
	k.types("?", "1")
	k.reports(flow.UnlockAsked{Wait: keystore.Wait{Store: keystore.Keyring, Until: k.now.Add(time.Minute)}})
	k.tick(linesEvery)
	k.reports(fail(&keystore.Error{Op: "unlock", Store: keystore.Keyring, Err: keystore.ErrLocked, Status: keystore.Status{State: keystore.Locked}}))
	k.types("")
	k.reports(flow.ApplicationAccepted{Store: flow.Store{Kind: keystore.Session}, ClientSecret: cronofy.NewSecret(testSecret)})
}

func linesStoreFile(k *linesTalk) {
	k.types("file", "", "3", "hunter0", "", "", "3", "hunter1 ", "hunter1", "hunter2", "hunter2")
	require.Equal(k.t, "hunter2", k.ordered().(flow.CheckApplication).Store.Passphrase.Reveal())
	k.reports(fail(&keystore.Error{Op: "open", Store: keystore.File, Err: keystore.ErrPassphrase, Path: secretsPath}))
	k.types("", "2")
}

func linesStoreThere(k *linesTalk) {
	k.types("file", "hunter2")
	k.reports(fail(&keystore.Error{Op: "open", Store: keystore.File, Err: keystore.ErrPassphrase, Path: secretsPath}))
	k.types("hunter3")
	k.reports(fail(&keystore.Error{Op: "open", Store: keystore.File, Err: keystore.ErrNotFound}))
	k.types("hunter4", "hunter4")
	require.Equal(k.t, "hunter4", k.ordered().(flow.CheckApplication).Store.Passphrase.Reveal())
}

func linesConnect(k *linesTalk) {
	k.types("c", "", "read_account", "-")
	k.reports(flow.LinkReady{URL: testURL, ShortURL: testShort, Listening: true, Until: start.Add(5 * time.Minute)})
	k.types("d", "m", linesFinal)
	require.Equal(k.t, flow.Pasted{Text: linesFinal}, k.ordered())
	k.reports(flow.AnswerArrived{}, flow.ServiceAccountAccepted{ID: testID, Notice: "Authorized as " + testID + "."})
}

func linesNoSecret(t *testing.T) flow.State {
	return walk(t, flow.Start(*storedFound()), flow.ApplicationEntered{ClientID: testClient, RedirectURI: flow.DefaultRedirectURI}, askedForStored())
}

func linesUsedState(t *testing.T) flow.State {
	s := linesAt(t, toAccount()...)
	s.Used = []flow.Used{
		{APIHost: "api-de.cronofy.com", ClientID: testClient, ServiceAccount: testID, Label: "Acme"},
		{APIHost: "api-de.cronofy.com", ClientID: testClient, ServiceAccount: "ser_2"},
		{APIHost: "api-uk.cronofy.com", ClientID: testClient, ServiceAccount: "ser_elsewhere"},
	}
	return s
}

func linesWays(k *linesTalk) {
	k.reports(linkReady(), flow.BrowserAsked{Err: errors.New("no display")})
	k.types("", "?", "o")
	require.Equal(k.t, flow.OpenWanted{}, k.ordered())
	k.reports(flow.BrowserAsked{})
	k.types("+")
	require.Equal(k.t, flow.Extended{}, k.ordered())
	k.reports(flow.TimeExtended{Until: start.Add(9 * time.Minute)})
	k.types("0")
	require.Equal(k.t, flow.Extended{Endless: true}, k.ordered())
	k.reports(flow.TimeExtended{})
	k.types("")
	k.types("n")
	require.Equal(k.t, flow.NewLinkWanted{}, k.ordered())
	k.reports(linkReady())
	k.types("m", "w", "", "w", "t", "x", "b", "\x1b[A")
	require.Contains(k.t, k.saved["confer-message.txt"], "\n"+testURL+"\n")
	require.Equal(k.t, testURL+"\n", k.saved["confer-link.txt"])
	k.tick(linesEvery)
}

// linesPaste is refused twice; then the callback is faster than the paste.
func linesPaste(k *linesTalk) {
	k.types("http://127.0.0.1:8739/callback?code=Zx81")
	k.reports(flow.AnswerRejected{Err: callback.ErrPasteNoState})
	k.types("p", "\x1b[200~http://127.0.0.1:8739/callback?code=Zx", "81&state=9f0c3e1ab27d44f8\x1b[201~", "")
	require.Equal(k.t, flow.Pasted{Text: "http://127.0.0.1:8739/callback?code=Zx\n81&state=9f0c3e1ab27d44f8"}, k.ordered())
	k.reports(flow.AnswerRejected{Err: callback.ErrStateUsed})
	k.types("p", "http://127.0.0.1:8739/callback?")
	k.reports(flow.AnswerArrived{}, linked())
	k.types("4")
}

func linesAccounts(k *linesTalk) {
	k.types("?", "1", "b", "file", "nowhere.csv")
	k.reports(fail(&flow.AccountsError{Err: os.ErrNotExist}))
	k.types("b", "token", testSecret, "x")
	k.reports(flow.Paused{Until: start.Add(time.Second), Reason: "rate limit"}, flow.Paused{Until: start.Add(30 * time.Second), Reason: "rate limit"},
		read(1), flow.LookPlanned{At: start.Add(65 * time.Second)})
	k.types("?", "r")
	require.IsType(k.t, flow.LoadProfiles{}, k.ordered())
	k.types("b", "")
	k.reports(read(1))
	k.types("q")
}

// linesHostile is what must not reach a terminal: CleanText takes it out, of
// rows too, which come cleaned and are not trusted to.
func linesHostile(k *linesTalk) {
	const evil = "\x1b[2J\x07\u202eevil\r\x9b1m\u009d0;x\x07"
	k.types("1", "a\x1b[31m.csv")
	rows := people(2)
	rows[0].Record.Account.Email = evil
	rows[1].Record.Profiles[0].ProfileName, rows[1].Record.Profiles[0].RelinkURL = evil, "https://x.example.test/"+evil
	k.reports(flow.ProfilesRead{Rows: rows, Counts: summaryOf(rows)}, fail(&flow.AccountsError{Err: errors.New(evil)}))
	k.types("4\x1b[A")
}
