package command

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/spf13/cobra"
	"github.com/stretchr/testify/require"

	"confer/cronofy"
	"confer/cronofy/sandbox"
	"confer/internal/links"
	"confer/internal/profiles"
	"confer/internal/testhost"
	"confer/keystore"
)

// commandHouse is a sandbox that is linked with Zoom, and what commands need.
type commandHouse struct {
	t      *testing.T
	server *sandbox.Server
	dir    string
	slow   sandbox.Endpoint
	wait   string // --timeout
}

func newCommandHouse(t *testing.T, row commandRow) *commandHouse {
	h := &commandHouse{t: t, server: sandbox.New(sandbox.Options{Seed: 1, Switches: row.switches}), dir: t.TempDir(), wait: "1h"}
	require.NoError(t, h.server.Start())
	t.Cleanup(func() { require.NoError(t, h.server.Close()) })
	h.server.Link(cronofy.Zoom)
	switch {
	case row.fault.Slow > 0:
		h.slow = row.fault.Endpoint
	case row.fault != sandbox.Fault{}:
		h.server.Set(row.fault)
	}
	f := row.fault
	lost := f.Endpoint == sandbox.Delegated && (f.Status >= 500 || f.Body == sandbox.EmptyBody || f.Body == sandbox.HTMLBody || f.Reset || f.Slow > 0)
	if lost || row.switches.UnsignedWebhooks && !strings.Contains(row.command, "unsigned") {
		h.wait = "5s" // no answer comes that counts, so that this is waited out
	}
	return h
}

func (h *commandHouse) file(name, text string) string {
	path := filepath.Join(h.dir, name)
	require.NoError(h.t, os.WriteFile(path, []byte(text), 0o600))
	return path
}

// client has pauses that pass at once.
func (h *commandHouse) client(site cronofy.Site, app cronofy.App) *cronofy.Client {
	clock, transport := &hastyClock{}, new(http.Transport)
	h.t.Cleanup(transport.CloseIdleConnections)
	return cronofy.New(site, app, cronofy.Options{Limiter: cronofy.NewLimiter(0, 0).WithClock(clock.Now, clock.Sleep), HTTP: &http.Client{Transport: tooSlow{transport, h.slow}}})
}

// hastyClock jumps over the pauses between repeats.
type hastyClock struct{ ahead atomic.Int64 }

func (c *hastyClock) Now() time.Time { return time.Now().Add(time.Duration(c.ahead.Load())) }

func (c *hastyClock) Sleep(ctx context.Context, d time.Duration) error {
	c.ahead.Add(int64(d))
	return ctx.Err()
}

// tooSlow gives up one call as the client's time limit would, without that time.
type tooSlow struct {
	*http.Transport // of its own: what is closed in it is nobody else's
	endpoint        sandbox.Endpoint
}

func (s tooSlow) RoundTrip(r *http.Request) (*http.Response, error) {
	if s.endpoint != "" && s.endpoint == endpointOf(r) {
		return nil, os.ErrDeadlineExceeded
	}
	return s.Transport.RoundTrip(r)
}

func endpointOf(r *http.Request) sandbox.Endpoint {
	switch name := r.URL.Path[strings.LastIndexByte(r.URL.Path, '/')+1:]; name {
	case "token":
		body, _ := io.ReadAll(r.Body)
		r.Body = io.NopCloser(bytes.NewReader(body))
		if strings.Contains(string(body), `"grant_type":"refresh_token"`) {
			return sandbox.Refresh
		}
		return sandbox.Exchange
	default: // the others are called as their paths end
		return sandbox.Endpoint(name)
	}
}

func (h *commandHouse) profiles() outcome {
	a := h.server.Accounts()[0]
	return h.read("--accounts", h.file("people.csv", "email,access_token\n"+a.Email+","+a.AccessToken.Reveal()+"\n"))
}

func (h *commandHouse) refreshing() outcome {
	a := h.server.Accounts()[0]
	return h.read("--accounts", h.file("people.csv", "email,refresh_token\n"+a.Email+","+a.RefreshToken.Reveal()+"\n"),
		"--tokens-out", filepath.Join(h.dir, "tokens.jsonl"))
}

func (h *commandHouse) delegating() outcome {
	return h.read(h.delegated("--emails", h.file("emails.txt", h.server.Accounts()[0].Email+"\n"))...)
}

func (h *commandHouse) delegatingUnsigned() outcome {
	return h.read(h.delegated("--emails", h.file("emails.txt", h.server.Accounts()[0].Email+"\n"), "--accept-unsigned-webhooks")...)
}

func (h *commandHouse) rooms() outcome { return h.read(h.delegated("--resources")...) }

func (h *commandHouse) delegated(args ...string) []string {
	addr, err := testhost.Address()
	require.NoError(h.t, err)
	token := h.file("service.txt", h.server.Credentials().ServiceAccountToken.Reveal())
	return append(args, "--callback-url", "http://"+addr+"/hooks", "--listen", addr, "--service-account-token-file", token, "--timeout", h.wait, "--yes")
}

// read is confer profiles with a client whose pauses pass at once.
func (h *commandHouse) read(args ...string) outcome {
	c := h.server.Credentials()
	args = append(args, "--json", "--provider", "zoom_enterprise", "--data-center", "de", "--api-url", h.server.APIURL(), "--app-url", h.server.AppURL(),
		"--client-id", c.ClientID, "--client-secret-file", h.file("secret.txt", c.ClientSecret.Reveal()))
	f, cmd := &profilesFlags{}, &cobra.Command{}
	f.cmd = cmd
	f.listFlags(cmd)
	f.delegatedFlags(cmd)
	require.NoError(h.t, cmd.ParseFlags(args))
	e := environment{names: cronofy.DefaultNames(), get: func(string) string { return "" }}
	f.fill(e)
	var out, errs strings.Builder
	r := &profilesRun{f: f, e: e, s: streams{strings.NewReader(""), &out, &errs}}
	defer r.close()
	require.NoError(h.t, r.prepare(h.t.Context()))
	r.client = h.client(r.site, r.app)
	return readOutcome(h.t, exitCode(r.read(h.t.Context()), &errs), out.String(), errs.String())
}

// readOutcome takes what is said of the account; without a record, what is said
// of the run.
func readOutcome(t *testing.T, exit int, out, errs string) outcome {
	o := outcome{exit: exit, state: "no record"}
	if first, _, _ := strings.Cut(out, "\n"); first != "" {
		var rec profiles.Record
		require.NoError(t, json.Unmarshal([]byte(first), &rec))
		o.state = string(rec.State)
		if rec.Error != nil {
			o.code, o.words = rec.Error.Code, rec.Error.Message
		}
		return o
	}
	o.words = complaints(errs)
	return o
}

// complaints joins the error and its hint.
func complaints(errs string) string {
	var said []string
	for _, line := range strings.Split(errs, "\n") {
		for _, start := range []string{"confer: error: ", "confer: hint: "} {
			if text, ok := strings.CutPrefix(line, start); ok {
				said = append(said, sentence(text))
			}
		}
	}
	return strings.Join(said, " ")
}

// linked is a link whose secrets are in a store, and who works on it.
func (h *commandHouse) linked() (*links.Manager, links.Link) {
	dc, _ := cronofy.FindDataCenter("de")
	site, c := h.server.Site(dc), h.server.Credentials()
	l := links.Link{DataCenter: "de", APIHost: site.APIHost(), APIURL: h.server.APIURL(), AppURL: h.server.AppURL(), ClientID: c.ClientID,
		ServiceAccount: c.ServiceAccountID, Provider: string(cronofy.Zoom), Store: keystore.Keyring, RefreshToken: true, Linked: time.Now().UTC()}
	store := keystore.OpenSession()
	for parts, secret := range map[string]cronofy.Secret{
		l.Token().Key(): h.server.Accounts()[0].RefreshToken,
		links.StoredClientSecret("", l.APIHost, l.ClientID).Key(): c.ClientSecret,
	} {
		require.NoError(h.t, store.Set(h.t.Context(), parts, secret.Reveal()))
	}
	m := &links.Manager{Links: links.Open(filepath.Join(h.dir, "confer", "links.json")), Stores: oneStore{store},
		NewClient: func(s cronofy.Site, a cronofy.App) links.Client { return h.client(s, a) }}
	require.NoError(h.t, m.Links.Update(h.t.Context(), func(c *links.Contents) { c.AddLink(l) }))
	return m, l
}

// oneStore is there whatever is asked for.
type oneStore struct{ keystore.Store }

func (oneStore) Probe(context.Context) keystore.Status { return keystore.Status{State: keystore.Ready} }

func (s oneStore) Open(keystore.Kind, cronofy.Secret) (keystore.Store, error) { return s.Store, nil }

func (h *commandHouse) check() outcome {
	m, _ := h.linked()
	overview, err := m.Status(h.t.Context())
	require.NoError(h.t, err)
	require.Len(h.t, overview.Links, 1)
	c := checkLink(h.t.Context(), m, overview.Links[0])
	o := outcome{state: "check " + c.State, code: c.Problem.Code, words: strings.TrimSpace(c.Problem.Summary + " " + c.Problem.Hint)}
	if c.Rotated {
		o.state += ", the new token is stored"
	}
	if (statusReport{overview, map[string]checked{overview.Links[0].ID(): c}}).problem() {
		o.exit = 1
	}
	return o
}

func (h *commandHouse) revoke() outcome {
	m, l := h.linked()
	var out, errs strings.Builder
	q := &logoutRun{m: m, f: &logoutFlags{revoke: true, yes: true}, s: streams{strings.NewReader(""), &out, &errs}, ev: newEvents(&out)}
	q.f.json = true
	q.forget(h.t.Context(), l)
	var said struct{ Event, Code string }
	require.NoError(h.t, json.Unmarshal([]byte(out.String()), &said))
	return outcome{q.exit, said.Event, said.Code, strings.Replace(complaints(errs.String()), strings.TrimSuffix(sentence(l.ID()), "."), "LINK", 1)}
}
