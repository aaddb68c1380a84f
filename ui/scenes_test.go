package ui

import (
	"errors"
	"fmt"
	"net"
	"strings"
	"syscall"
	"testing"
	"time"

	"confer/cronofy"
	"confer/flow"
	"confer/flow/callback"
	"confer/internal/links"
	"confer/internal/opener"
	"confer/keystore"
)

// scene is a screen in one of its states: how it is reached, by events, by
// reports and by keys.
type scene struct {
	name    string
	found   *flow.Initial
	events  []flow.Event // before the wizard is shown
	reports []flow.Event // of the running task, while it is shown
	keys    []string
	after   []flow.Event // reports after the keys
	cfg     func(*Config)
	small   bool // has a golden at 40x12 too
}

func (s scene) model(t testing.TB, w, h int) *Model {
	found := flow.Initial{}
	if s.found != nil {
		found = *s.found
	}
	var change []func(*Config)
	if s.cfg != nil {
		change = append(change, s.cfg)
	}
	m := newModel(t, walk(t, flow.Start(found), s.events...), change...)
	resize(m, w, h)
	report(t, m, s.reports...)
	press(m, s.keys...)
	report(t, m, s.after...)
	return m
}

func session(s opener.Kind) func(*Config) { return func(c *Config) { c.Session = s } }

func approves(c *Config) { c.Approves = true }

func events(groups ...any) []flow.Event {
	var out []flow.Event
	for _, g := range groups {
		switch g := g.(type) {
		case []flow.Event:
			out = append(out, g...)
		case flow.Event:
			out = append(out, g)
		}
	}
	return out
}

func sandboxFound() *flow.Initial {
	return &flow.Initial{Suggested: true, Store: flow.Store{Kind: keystore.None, Pinned: true}, Answers: flow.Answers{
		Site: sandboxSite(), ClientID: "sandbox_client", ClientSecret: cronofy.NewSecret(testSecret), RedirectURI: flow.DefaultRedirectURI,
		ServiceAccount: testID, Provider: cronofy.Zoom, Accounts: flow.Accounts{Path: "sandbox"}},
		Sites: sandboxSites()}
}

// overriddenFound is a run with --api-url.
func overriddenFound() *flow.Initial {
	sites := sandboxSites()
	for i := range sites {
		sites[i].API, sites[i].Sandbox = "https://cronofy.example.test", false
	}
	return &flow.Initial{Sites: sites}
}

func usedFound() *flow.Initial {
	return &flow.Initial{Answers: flow.Answers{Site: germany(), ClientID: testClient, RedirectURI: flow.DefaultRedirectURI},
		Store: flow.Store{Kind: keystore.Keyring, Keyring: keystore.Status{State: "ready"}}, SecretKept: true, Used: []links.Link{
			{APIHost: "api-de.cronofy.com", ClientID: testClient, ServiceAccount: testID, Label: "Example GmbH"},
			{APIHost: "api-de.cronofy.com", ClientID: testClient, ServiceAccount: "ser_64b17f9b8090ea21640c9151"}}}
}

func handedFound() *flow.Initial {
	return &flow.Initial{Store: flow.Store{Kind: keystore.Keyring}, SecretKept: true,
		Answers: flow.Answers{Site: germany(), ClientID: testClient, RedirectURI: flow.DefaultRedirectURI, ServiceAccount: testID, Provider: cronofy.Zoom},
		Pending: []links.Pending{{Answers: links.Draft{DataCenter: "de", ClientID: testClient, RedirectURI: flow.DefaultRedirectURI, ServiceAccount: testID, Provider: "zoom_enterprise"}, Begun: start.Add(-3 * time.Hour)}}}
}

func resumedFound() *flow.Initial {
	return &flow.Initial{Resumed: true, Store: flow.Store{Kind: keystore.Keyring}, SecretKept: true,
		Answers: flow.Answers{Site: germany(), ClientID: testClient, RedirectURI: flow.DefaultRedirectURI, ServiceAccount: testID}}
}

const secretsPath = "/home/op/.local/state/confer/secrets.age"

func askedToOpen() flow.Event {
	return flow.ApplicationAccepted{Store: flow.Store{Kind: keystore.File, File: secretsPath}, Ask: true}
}

// pinnedFound is a run with --redirect-uri.
func pinnedFound() *flow.Initial {
	f := usedFound()
	f.Used, f.Answers.RedirectSet = nil, true
	return f
}

func fileFound() *flow.Initial {
	return &flow.Initial{Answers: flow.Answers{Site: germany(), ClientID: testClient}, Store: flow.Store{Kind: keystore.File}}
}

func storedFound() *flow.Initial {
	return &flow.Initial{Answers: flow.Answers{Site: germany(), ClientID: testClient}, Store: flow.Store{Kind: keystore.Keyring}}
}

// askedForStored: nothing was typed, and there is no keyring to look into.
func askedForStored() flow.Event {
	return flow.ApplicationAccepted{Store: flow.Store{Kind: keystore.Keyring, Keyring: keystore.Status{State: "no-bus"}}, Ask: true}
}

func openFileFound() *flow.Initial {
	return &flow.Initial{Store: flow.Store{Kind: keystore.File, Passphrase: cronofy.NewSecret("p")}, Answers: flow.Answers{Site: germany(), ClientID: testClient,
		ClientSecret: cronofy.NewSecret(testSecret), RedirectURI: flow.DefaultRedirectURI, ServiceAccount: testID, Provider: cronofy.Zoom}}
}

// toHeld is an approval whose token the keyring did not take.
func toHeld() []flow.Event {
	return append(toWaiting(), flow.AnswerArrived{}, stillHeld())
}

func stillHeld() flow.Event {
	return flow.Failed{Err: &keystore.Error{Op: "set", Store: keystore.Keyring, Err: keystore.ErrUnavailable, Status: keystore.Status{State: keystore.NoBus}}, Approved: true, Kept: &flow.Kept{}}
}

func portErr() error {
	return &callback.PortError{Addr: "127.0.0.1:8739", Port: 8739, Class: callback.PortInUse, Holder: "node (4711)"}
}

// sandboxWay is the way to a link in the sandbox.
func sandboxWay() []flow.Event {
	return events(flow.DataCenterChosen{Site: sandboxSite()}, way(flow.StepDataCenter+1, flow.StepApplication), applied(),
		flow.ApplicationAccepted{Store: flow.Store{Kind: keystore.None}}, way(flow.StepApplication+1, flow.StepAuthorize),
		flow.AuthorizeStarted{}, linkReady(), linked(), way(flow.StepAuthorize+1, flow.StepProfiles))
}

// scenes are all screens in all their states.
func scenes() []scene {
	var out []scene
	for _, part := range [][]scene{answerScenes(), authorizeScenes(), waitScenes(), profileScenes()} {
		out = append(out, part...)
	}
	return out
}

func answerScenes() []scene {
	badSecret := fail(&cronofy.Error{Status: 401, Code: "invalid_client"})
	return []scene{
		{name: "data_center", small: true},
		{name: "data_center_flags", cfg: func(c *Config) { c.Flags = true }},
		{name: "data_center_filter", keys: []string{"/", "type:united"}},
		{name: "data_center_filter_none", keys: []string{"/", "type:mars"}},
		{name: "data_center_help", keys: []string{"?"}},
		{name: "data_center_notice", found: &flow.Initial{Notice: "What earlier runs left was damaged. It was kept as state.json.damaged. No browser will be opened, as chosen earlier; --browser system changes that."}, small: true},
		{name: "data_center_overridden", found: overriddenFound()},
		{name: "data_center_sandbox", found: sandboxFound()},
		{name: "application", events: toApplication(), small: true},
		{name: "application_filled", events: toApplication(), keys: []string{"type:" + testClient, "tab", "paste: " + testSecret + "\n", "tab"}},
		{name: "application_busy", events: append(toApplication(), applied())},
		{name: "application_refused", events: events(toApplication(), applied(), badSecret), small: true},
		{name: "application_bad_id", events: events(toApplication(), flow.ApplicationEntered{ClientID: "no spaces here", RedirectURI: flow.DefaultRedirectURI})},
		{name: "application_empty", events: toApplication(), keys: []string{"enter"}, small: true},
		{name: "application_no_id", events: toApplication(), keys: []string{"tab", "paste:" + testSecret, "enter"}},
		{name: "application_no_redirect", events: toApplication(), keys: []string{"type:" + testClient, "tab", "paste:" + testSecret, "tab", "ctrl+u", "enter"}},
		{name: "application_no_network", events: events(toApplication(), applied(), fail(errNet))},
		{name: "application_web_redirect", events: toApplication(), keys: []string{"tab", "tab", "ctrl+u", "type:https://app.example.test/cb"}},
		{name: "application_permit", events: toApplication(), keys: []string{"type:" + testClient, "tab", "tab", "tab", "enter"}, small: true},
		{name: "application_no_secret", found: storedFound(), events: events(flow.ApplicationEntered{ClientID: testClient, RedirectURI: flow.DefaultRedirectURI},
			askedForStored(), flow.StoreChosen{Kind: keystore.Session}, fail(flow.ErrNoSecret)), keys: []string{"type:typed"}},
		{name: "application_sent_back", events: append(toAuthorize(), flow.AuthorizeStarted{}), reports: []flow.Event{fail(&cronofy.Error{Status: 401})}, small: true},
		{name: "application_stored", events: events(flow.Back{}, flow.Back{}), found: storedFound()},
		{name: "store_locked", events: events(toApplication(), applied(), asked("locked", "")), small: true},
		{name: "store_no_bus", events: events(toApplication(), applied(), asked("no-bus", "dial unix /run/user/1000/bus: no such file"))},
		{name: "store_open", found: fileFound(), events: events(flow.ApplicationEntered{ClientID: testClient, RedirectURI: flow.DefaultRedirectURI},
			askedToOpen(), flow.StoreChosen{Kind: keystore.File, Passphrase: cronofy.NewSecret("x")}, fail(&keystore.Error{Op: "open", Store: keystore.File, Err: keystore.ErrPassphrase, Path: secretsPath})), small: true},
		{name: "store_passphrase", events: events(toApplication(), applied(), asked("silent", "")), keys: []string{"3", "enter", "type:correct horse", "tab"}},
		{name: "store_mismatch", events: events(toApplication(), applied(), asked("no-service", "")), keys: []string{"3", "enter", "type:correct horse", "tab", "type:battery", "enter"}},
		{name: "store_busy", events: events(toApplication(), applied(), asked("locked", ""), flow.StoreChosen{Kind: keystore.Keyring})},
		{name: "store_window", events: events(toApplication(), applied(), asked("locked", ""), flow.StoreChosen{Kind: keystore.Keyring}, flow.UnlockAsked{Wait: keystore.Wait{Store: keystore.Keyring, Who: "KeePassXC", Until: start.Add(58 * time.Second)}}), small: true},
		{name: "store_window_open", events: events(toApplication(), applied(), asked("locked", ""), flow.StoreChosen{Kind: keystore.Keyring},
			fail(&keystore.Error{Op: "unlock", Store: keystore.Keyring, Err: keystore.ErrBusy}))},
		{name: "store_no_window", events: events(toApplication(), applied(), flow.ApplicationAccepted{ClientSecret: cronofy.NewSecret(testSecret), Store: flow.Store{Keyring: keystore.Status{State: keystore.Locked, NoWindow: true}}, Ask: true},
			flow.StoreChosen{Kind: keystore.Keyring}, fail(&keystore.Error{Op: "unlock", Store: keystore.Keyring, Err: keystore.ErrLocked, Status: keystore.Status{State: keystore.Locked, NoWindow: true}})), small: true},
		{name: "store_no_collection", events: events(toApplication(), applied(), asked("no-collection", ""))},
		{name: "store_refused", events: events(toApplication(), applied(), asked("silent", ""), flow.StoreChosen{Kind: keystore.Keyring},
			fail(&keystore.Error{Op: "get", Store: keystore.Keyring, Err: keystore.ErrRefused, Status: keystore.Status{State: keystore.Ready, Detail: "Couldn't write the keyring: No space left on device"}}))},
		{name: "store_insecure", events: events(toApplication(), applied(), asked("no-bus", ""), flow.StoreChosen{Kind: keystore.File, Passphrase: cronofy.NewSecret("x")},
			fail(&keystore.Error{Op: "open", Store: keystore.File, Err: keystore.ErrInsecure, Path: secretsPath, Status: keystore.Status{Detail: "others can write to /home/op/.local/state/confer (mode 0777)"}}))},
		{name: "store_still_locked", events: events(toApplication(), applied(), asked("locked", ""), flow.StoreChosen{Kind: keystore.Keyring}, fail(errLocked))},
		{name: "store_no_repeat", events: events(toApplication(), applied(), asked("no-bus", "")), keys: []string{"3", "enter", "type:correct horse", "enter", "enter"}},
		{name: "service_account", events: toAccount(), small: true},
		{name: "service_account_unchecked", events: events(toApplication(), applied(), flow.ApplicationAccepted{Store: flow.Store{Kind: keystore.Session},
			ClientSecret: cronofy.NewSecret(testSecret), Unchecked: &cronofy.BadAnswerError{Op: "check application", Reason: "HTML instead of JSON"}}, way(flow.StepApplication+1, flow.StepServiceAccount)), small: true},
		{name: "service_account_busy", events: append(toAccount(), account())},
		{name: "service_account_paused", events: append(toAccount(), account(), flow.Paused{Until: start.Add(12 * time.Second), Reason: cronofy.WaitRateLimit})},
		{name: "service_account_malformed", events: append(toAccount(), flow.ServiceAccountEntered{ID: "acc_123"})},
		{name: "service_account_unknown", events: events(toAccount(), account(), fail(&cronofy.Error{Status: 404}))},
		{name: "service_account_forbidden", events: events(toAccount(), account(), fail(&cronofy.Error{Status: 403}))},
		{name: "service_account_used", found: usedFound(), small: true},
		{name: "service_account_connect", events: toAccount(), keys: []string{"tab", "tab", "enter"}, small: true},
		{name: "service_account_connect_port", events: toAccount(), keys: []string{"tab", "tab", "enter", "enter"}, after: []flow.Event{fail(portErr())}},
		{name: "provider", events: toProviders(), small: true},
		{name: "provider_resumed", found: resumedFound(), small: true},
		{name: "service_account_resumed", found: resumedFound(), keys: []string{"esc"}},
		{name: "provider_webex", events: toProviders(), keys: []string{"2"}},
		{name: "provider_any", events: toProviders(), keys: []string{"up"}},
		{name: "service_account_new", events: append(toAccount(), flow.ConnectStarted{}), reports: []flow.Event{linkReady(), flow.AnswerArrived{}, flow.ServiceAccountAccepted{ID: testID}}, small: true},
		{name: "provider_notice", events: events(toAccount(), flow.ConnectStarted{}, flow.ServiceAccountAccepted{ID: testID,
			Notice: "Earlier copies of its secrets could not be deleted from the keyring; confer status lists them."})},
		{name: "service_account_secret", events: toAccount(), keys: []string{"paste:" + testSecret}},
		{name: "application_secret", events: toApplication(), keys: []string{"paste:CRN_another_secret_hunter2"}, small: true},
		{name: "store_short", events: events(toApplication(), applied(), asked("silent", "")), keys: []string{"3", "enter", "type:acme"}},
	}
}

func authorizeScenes() []scene {
	trouble := func(err error, approved bool) []flow.Event {
		return events(toWaiting(), flow.Failed{Err: err, Approved: approved})
	}
	return []scene{
		{name: "authorize", events: toAuthorize(), small: true},
		{name: "authorize_any", events: way(0, flow.StepAuthorize, flow.ProviderChosen{Provider: cronofy.AnyProvider})},
		{name: "authorize_ssh", events: toAuthorize(), cfg: session(opener.Remote)},
		{name: "authorize_ssh_browser", events: toAuthorize(), cfg: func(c *Config) { c.Session, c.Browser = opener.Remote, "firefox" }},
		{name: "authorize_browser_none", events: toAuthorize(), cfg: func(c *Config) { c.Browser = opener.None }},
		{name: "authorize_private", found: usedFound(), events: way(flow.StepServiceAccount, flow.StepAuthorize)},
		{name: "authorize_preparing", events: append(toAuthorize(), flow.AuthorizeStarted{})},
		{name: "authorize_handed_over", found: handedFound(), small: true},
		{name: "authorize_handed_over_paste", found: handedFound(), keys: []string{"paste:http://127.0.0.1:8739/callback?code=abc&state=1"}},
		{name: "exchange_again", events: append(toWaiting(), flow.AnswerArrived{}, flow.Failed{Err: &cronofy.NetworkError{Host: "api-de.cronofy.com", Kind: cronofy.NetworkDNS}, Approved: true, Kept: &flow.Kept{Until: start.Add(4 * time.Minute)}})},
		{name: "authorize_timeout", events: trouble(flow.ErrTimeout, false)},
		{name: "authorize_denied", events: trouble(&cronofy.Error{Code: "access_denied"}, false), small: true},
		{name: "authorize_port", events: events(toAuthorize(), flow.AuthorizeStarted{}, fail(portErr())), small: true},
		{name: "authorize_port_pinned", found: pinnedFound(), events: events(way(flow.StepServiceAccount, flow.StepAuthorize), flow.AuthorizeStarted{}, fail(portErr())), small: true},
		{name: "service_account_connect_pinned", found: pinnedFound(), keys: []string{"tab", "tab", "enter", "enter"}, after: []flow.Event{fail(portErr())}},
		{name: "authorize_port_text", events: events(toAuthorize(), flow.AuthorizeStarted{}, fail(portErr())), keys: []string{"t", "w"}},
		{name: "authorize_approved", events: trouble(&cronofy.Error{Op: "exchange code", Status: 400, Code: "invalid_grant"}, true), small: true},
		{name: "authorize_store", events: events(toAuthorize(), flow.AuthorizeStarted{}, fail(errRefused)), small: true},
		{name: "authorize_store_file", found: openFileFound(), events: events(flow.AuthorizeStarted{}, fail(&keystore.Error{Op: "set", Store: keystore.File, Err: keystore.ErrRefused, Status: keystore.Status{Detail: "no space left on device"}}))},
		{name: "held", events: toHeld(), small: true},
		{name: "held_busy", events: toHeld(), keys: []string{"enter"}},
		{name: "held_details", events: toHeld(), keys: []string{"?"}},
		{name: "held_quit", events: toHeld(), keys: []string{"ctrl+c"}, small: true},
		{name: "held_store", events: toHeld(), keys: []string{"2", "enter"}},
		{name: "held_store_failed", events: toHeld(), keys: []string{"2", "enter", "1", "enter"}, after: []flow.Event{stillHeld()}, small: true},
		{name: "held_timeout", events: events(toHeld(), flow.AuthorizeStarted{}, fail(flow.ErrTimeout))},
		{name: "held_came_back", events: events(toHeld(), flow.Back{}, way(flow.StepAuthorize-1, flow.StepAuthorize))},
		{name: "held_connect", events: events(toAccount(), flow.ConnectStarted{}, linkReady(), flow.AnswerArrived{}, stillHeld()), small: true},
		{name: "authorize_details", events: trouble(&cronofy.Error{Op: "exchange code", Status: 400, Code: "invalid_grant"}, true), keys: []string{"?"}},
		{name: "authorize_linked", events: events(toLinked(), flow.Back{})},
		{name: "authorize_unconfirmed", events: events(toWaiting(), flow.Linked{Link: flow.Link{Link: links.Link{Provider: string(cronofy.Zoom), Unconfirmed: true}}}, flow.Back{})},
	}
}

func waitScenes() []scene {
	noWay := flow.LinkReady{URL: testURL, ShortURL: "http://127.0.0.1:43117/go/x7Qk2vBn", Until: start.Add(5 * time.Minute)}
	behind := &flow.Initial{Answers: flow.Answers{Listen: "0.0.0.0:8739"}}
	proxied := noWay
	proxied.Listening = true
	closed := flow.BrowserAsked{Err: errors.New("no display")}
	unopened := events(toAuthorize(), flow.AuthorizeStarted{}, linkReady(), flow.BrowserAsked{Err: errors.New("no display")})
	stray := flow.AnswerRejected{Err: callback.ErrPasteNoState}
	return []scene{
		{name: "waiting", events: toWaiting(), small: true},
		{name: "waiting_ssh", events: unopened, cfg: session(opener.Remote), small: true},
		{name: "waiting_container", events: unopened, cfg: session(opener.Container)},
		{name: "waiting_container_published", found: behind, events: unopened, cfg: session(opener.Container)},
		{name: "waiting_headless", events: unopened, cfg: session(opener.Headless)},
		{name: "waiting_proxied", found: behind, events: events(elsewhere(), proxied, closed)},
		{name: "waiting_proxied_ssh", found: behind, events: events(elsewhere(), proxied, closed), cfg: session(opener.Remote), small: true},
		{name: "waiting_ssh_browser", events: toWaiting(), cfg: session(opener.Remote)},
		{name: "waiting_no_browser", events: unopened},
		{name: "waiting_browser_none", events: events(toAuthorize(), flow.AuthorizeStarted{}, linkReady(), flow.BrowserAsked{Err: flow.ErrNoBrowser}), keys: []string{"o"}},
		{name: "waiting_paused", events: append(toWaiting(), flow.Paused{Until: start.Add(3 * time.Second), Reason: cronofy.WaitRetry})},
		{name: "waiting_permit", events: toWaiting(), keys: []string{"t"}, small: true},
		{name: "waiting_no_listener", events: events(elsewhere(), noWay)},
		{name: "waiting_second_link", events: toWaiting(), reports: []flow.Event{linkReady()}},
		{name: "waiting_stray", events: toWaiting(), reports: []flow.Event{flow.AnswerRejected{Err: callback.ErrStateEarlierRun}}},
		{name: "waiting_host", events: toWaiting(), reports: []flow.Event{flow.AnswerRejected{Err: callback.ErrHost}}, small: true},
		{name: "waiting_copied", events: toWaiting(), keys: []string{"c"}},
		{name: "waiting_help", events: toWaiting(), keys: []string{"?"}},
		{name: "waiting_sandbox", events: unopened, cfg: approves, small: true},
		{name: "waiting_sandbox_nobody", events: unopened, cfg: approves, keys: []string{"enter"}, after: []flow.Event{flow.AnswerRejected{Err: &flow.BrowserError{
			Err: &net.OpError{Op: "dial", Addr: &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 8739}, Err: syscall.ECONNREFUSED}}}}},
		{name: "waiting_sandbox_container", events: unopened, cfg: func(c *Config) { approves(c); c.Session = opener.Container }},
		{name: "waiting_endless", events: toWaiting(), reports: []flow.Event{flow.TimeExtended{}}},
		{name: "waiting_quit", events: toWaiting(), keys: []string{"ctrl+c"}, small: true},
		{name: "waiting_handed", events: toWaiting(), keys: []string{"d"}, small: true},
		{name: "paste", events: toWaiting(), keys: []string{"p"}, small: true},
		{name: "paste_typed", events: toWaiting(), keys: []string{"p", "m"}},
		{name: "paste_missing", found: handedFound(), keys: []string{"enter", "enter"}},
		{name: "paste_long", events: toWaiting(), keys: []string{"paste:http://127.0.0.1:8739/callback?code=" + strings.Repeat("abc123", 200) + "\n&state=1"}},
		{name: "paste_refused", events: toWaiting(), keys: []string{"paste:abcdef0123456789"}, reports: []flow.Event{stray}},
		{name: "message", events: toWaiting(), keys: []string{"m"}, small: true},
		{name: "message_any", events: events(way(0, flow.StepAuthorize, flow.ProviderChosen{Provider: cronofy.AnyProvider}), flow.AuthorizeStarted{}, linkReady()), keys: []string{"m"}},
		{name: "message_stray", events: toWaiting(), keys: []string{"m"}, reports: []flow.Event{stray}},
		{name: "connecting", events: events(toAccount(), flow.ConnectStarted{Label: "Example GmbH"}, linkReady(), flow.BrowserAsked{}), small: true},
		{name: "exchanging", events: append(toWaiting(), flow.AnswerArrived{}), small: true},
		{name: "exchanging_quit", events: append(toWaiting(), flow.AnswerArrived{}), keys: []string{"ctrl+c"}, small: true},
	}
}

func profileScenes() []scene {
	looking := []flow.Event{read(15), flow.LookPlanned{At: start.Add(12 * time.Second)}}
	missing := &flow.AccountsError{Err: fmt.Errorf("open people.csv: %w", errors.New("no header"))}
	return []scene{
		{name: "linked", events: toLinked(), small: true},
		{name: "linked_before", found: &flow.Initial{Linked: earlierLink()}, small: true},
		{name: "linked_filter", events: toLinked(), keys: []string{"/", "type:fin"}},
		{name: "linked_help", events: toLinked(), keys: []string{"?"}},
		{name: "linked_approved", events: append(toWaiting(), flow.Failed{Err: &cronofy.Error{Op: "exchange code", Status: 400, Code: "invalid_grant"}, Approved: true}, flow.Continued{})},
		{name: "accounts_file", events: toLinked(), keys: []string{"1", "enter"}, small: true},
		{name: "accounts_bad_file", events: events(toTable(), fail(missing)), small: true},
		{name: "accounts_token", events: toLinked(), keys: []string{"2", "enter", "paste:" + testSecret}},
		{name: "linked_unconfirmed", events: events(toWaiting(), flow.Linked{Link: flow.Link{Link: links.Link{Provider: string(cronofy.Zoom), Unconfirmed: true}}})},
		{name: "table_reading", events: toTable()},
		{name: "table", events: toTable(), reports: looking, small: true},
		{name: "table_paused", events: toTable(), reports: []flow.Event{read(15), flow.Paused{Until: start.Add(12 * time.Second), Reason: cronofy.WaitRateLimit}}},
		{name: "table_moved", events: toTable(), reports: []flow.Event{read(200)}, keys: []string{"end", "up", "up"}},
		{name: "table_filter", events: toTable(), reports: looking, keys: []string{"/", "type:ada"}, small: true},
		{name: "table_filter_none", events: toTable(), reports: looking, keys: []string{"/", "type:zzz", "enter"}},
		{name: "table_sorted", events: toTable(), reports: looking, keys: []string{"s"}},
		{name: "table_done", events: toTable(), reports: []flow.Event{read(15), flow.ProfilesDone{}}},
		{name: "table_detail", events: toTable(), reports: looking, keys: []string{"down", "right"}, small: true},
		{name: "table_detail_missing", events: toTable(), reports: looking, keys: []string{"down", "down", "down", "right"}},
		{name: "table_detail_error", events: toTable(), reports: looking, keys: []string{"down", "down", "down", "down", "right"}},
		{name: "table_detail_new", events: toTable(), reports: looking, keys: []string{"down", "down", "down", "down", "down", "right"}},
		{name: "table_detail_token", events: append(toLinked(), flow.AccountsGiven{Accounts: flow.Accounts{Token: cronofy.NewSecret(testSecret)}}),
			reports: []flow.Event{refusedToken()}, keys: []string{"right"}, small: true},
		{name: "table_token", events: append(toLinked(), flow.AccountsGiven{Accounts: flow.Accounts{Token: cronofy.NewSecret(testSecret)}}),
			reports: []flow.Event{refusedToken()}},
		{name: "table_export", events: toTable(), reports: looking, keys: []string{"e"}},
		{name: "table_summary", events: toTable(), reports: looking, keys: []string{"f"}, small: true},
		{name: "table_summary_token", events: append(toLinked(), flow.AccountsGiven{Accounts: flow.Accounts{Token: cronofy.NewSecret(testSecret)}}),
			reports: []flow.Event{read(1)}, keys: []string{"f"}},
		{name: "table_sandbox", found: sandboxFound(), events: append(sandboxWay(), fromFile()), reports: looking},
		{name: "table_sandbox_export", found: sandboxFound(), events: append(sandboxWay(), fromFile()), reports: looking, keys: []string{"e"}},
		{name: "done", events: append(toLinked(), flow.AccountsGiven{}), small: true},
	}
}
