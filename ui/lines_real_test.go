package ui

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"regexp"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"confer/cronofy"
	"confer/cronofy/sandbox"
	"confer/flow"
	"confer/internal/screentest"
	"confer/internal/testhost"
	"confer/keystore"
)

// linesStores keeps everything in one session store.
type linesStores struct{ store keystore.Store }

func (s linesStores) Probe(context.Context) keystore.Status {
	return keystore.Status{State: keystore.NoBus}
}
func (s linesStores) Open(keystore.Kind, cronofy.Secret) (keystore.Store, error) {
	return s.store, nil
}

// linesHouse is the line mode over the real tasks and the sandbox.
type linesHouse struct {
	t      *testing.T
	server *sandbox.Server
	paper  *linesPaper
	more   *sync.Cond
	read   int // up to where the paper was read
	in     *io.PipeWriter
	done   chan struct{}
	over   bool
	last   flow.State
	err    error
}

// linesPen writes to the paper and tells who waits for it.
type linesPen struct {
	linesStream
	more *sync.Cond
}

func (p linesPen) Write(b []byte) (int, error) {
	n, err := p.linesStream.Write(b)
	p.more.Broadcast()
	return n, err
}

func newLinesHouse(t *testing.T, open func(string) error) *linesHouse {
	t.Helper()
	h := &linesHouse{t: t, server: sandbox.New(sandbox.Options{}), paper: &linesPaper{}, done: make(chan struct{})}
	require.NoError(t, h.server.Start())
	t.Cleanup(func() { require.NoError(t, h.server.Close()) })
	h.more = sync.NewCond(&h.paper.mu)
	tasks := flow.NewTasks(&flow.Runner{
		NewClient: func(site cronofy.Site, app cronofy.App, notify func(cronofy.Wait)) *cronofy.Client {
			return cronofy.New(site, app, cronofy.Options{Notify: notify})
		},
		Stores: linesStores{keystore.OpenSession()}, OpenURL: open,
		OpenAccounts: func(context.Context, string) (io.ReadCloser, error) {
			var b bytes.Buffer
			err := h.server.AccountsCSV(&b)
			return io.NopCloser(&b), err
		},
	})
	t.Cleanup(func() { tasks.Close() })
	dc, _ := cronofy.FindDataCenter("de")
	in, w := io.Pipe()
	h.in = w
	cfg := Config{Err: linesPen{linesStream{h.paper, ""}, h.more},
		State: flow.Start(flow.Initial{Sites: []cronofy.Site{h.server.Site(dc)}, Answers: flow.Answers{RedirectURI: testhost.RedirectURI(t)}}),
		Tasks: tasks, Input: in, Output: linesPen{linesStream{h.paper, "| "}, h.more},
	}
	go func() {
		defer close(h.done)
		h.last, h.err = RunLines(t.Context(), cfg)
		h.paper.mu.Lock()
		defer h.paper.mu.Unlock()
		h.over = true
		h.more.Broadcast()
	}()
	return h
}

// until waits for a text after what was waited for before, and gives what came.
func (h *linesHouse) until(text string) string {
	h.t.Helper()
	return h.heard(regexp.QuoteMeta(text))
}

func (h *linesHouse) heard(pattern string) string {
	h.t.Helper()
	h.paper.mu.Lock()
	defer h.paper.mu.Unlock()
	var got string
	screentest.Wait(h.t, h.more, screentest.Patience, pattern, func() bool {
		rest := h.paper.text.String()[h.read:]
		at := regexp.MustCompile(pattern).FindStringIndex(rest)
		if at != nil {
			h.read += at[1]
			got = rest[:at[1]]
		}
		return at != nil
	}, func() (string, bool) { return h.paper.text.String(), h.over })
	return got
}

func (h *linesHouse) says(line string) {
	h.t.Helper()
	_, err := io.WriteString(h.in, line+"\n")
	require.NoError(h.t, err)
}

// answers gives an answer to each question. A page without one, which the test need
// not know, is passed.
func (h *linesHouse) answers(pairs ...string) {
	h.t.Helper()
	const passes = `(Your choice \[[^]]*\]|\(optional\)): $`
	for i := 0; i < len(pairs); i += 2 {
		for !strings.HasSuffix(h.heard(regexp.QuoteMeta(pairs[i])+"|"+passes), pairs[i]) {
			h.says("")
		}
		h.says(pairs[i+1])
	}
}

func (h *linesHouse) upToTheLink() {
	h.t.Helper()
	c := h.server.Credentials()
	h.answers("Number, 1 to 1: ", "de", "Client id: ", c.ClientID, "Client secret, not shown: ", c.ClientSecret.Reveal()+"x", "Redirect URI [", "",
		"Client secret, not shown [the one given before]: ", c.ClientSecret.Reveal(), "Redirect URI [", "",
		"[2, Memory, for this run]: ", "", "Service account id: ", "ser_unknown", "(optional): ", "Acme",
		"confer: error: ", c.ServiceAccountID, "[Acme]: ", "", fmt.Sprintf("Number, 1 to %d: ", len(cronofy.Providers())), "zoom_enterprise", "make the approval link]: ", "")
}

func (h *linesHouse) finished() {
	h.t.Helper()
	h.paper.mu.Lock()
	screentest.Wait(h.t, h.more, screentest.Patience, "the end", func() bool { return h.over }, func() (string, bool) { return h.paper.text.String(), false })
	h.paper.mu.Unlock()
	<-h.done
	require.NoError(h.t, h.err)
	require.Empty(h.t, h.paper.bad)
	require.NotContains(h.t, h.paper.String(), h.server.Credentials().ClientSecret.Reveal())
	require.Contains(h.t, h.paper.String(), "| linked ser_")
	require.Contains(h.t, h.paper.String(), "| STATE ")
	require.NotNil(h.t, h.last.Link)
	require.Equal(h.t, "Acme", h.last.Link.Label)
	require.NotEmpty(h.t, h.last.Link.OrganizationalUnit)
}

// TestLinesWithCallback is the whole set-up, with wrong answers on the way and
// a browser that brings the answer back by itself.
func TestLinesWithCallback(t *testing.T) {
	t.Parallel()
	var visits sync.WaitGroup
	t.Cleanup(visits.Wait)
	h := newLinesHouse(t, func(url string) error {
		visits.Go(func() { _ = sandbox.Browser(context.Background(), nil, url, sandbox.Approve) }) // the link tells whether it worked
		return nil
	})
	h.upToTheLink()
	h.answers("[4, Finish]: ", "1", "File: ", "people", "The next look is in", "", "[finish]: ", "")
	h.finished()
}

// TestLinesWithPaste: the same with the final address, brought by a person.
func TestLinesWithPaste(t *testing.T) {
	t.Parallel()
	h := newLinesHouse(t, nil)
	h.upToTheLink()
	h.until("The administrator has to open this approval link:")
	link := regexp.MustCompile(`(?m)^\| (http\S+)$`).FindStringSubmatch(h.until("says what can be done."))
	require.NotNil(t, link, "the link stands alone on its line")
	final, err := sandbox.FinalAddress(t.Context(), link[1], sandbox.Approve)
	require.NoError(t, err)
	h.says("p\n" + final[:60] + "\n" + final[60:] + "\n")
	h.answers("[4, Finish]: ", "1", "File: ", "people", "The next look is in", "", "[finish]: ", "")
	h.finished()
}
