package flow_test

import (
	"context"
	"html"
	"io"
	"net/http"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"confer/cronofy/sandbox"
	"confer/flow"
	"confer/keystore"
)

// slowStore holds the storing of a refresh token until it is let go.
type slowStore struct {
	keystore.Store
	reached chan struct{}
	release chan struct{}
}

func (s slowStore) Set(ctx context.Context, key, secret string) error {
	if strings.HasSuffix(key, "refresh_token") {
		close(s.reached)
		<-s.release
	}
	return s.Store.Set(ctx, key, secret)
}

// TestThePageWaitsForTheTruth: the administrator's browser hears of the success
// only after the token was stored and read back.
func TestThePageWaitsForTheTruth(t *testing.T) {
	t.Parallel()
	h := newHouse(t, sandbox.Options{})
	slow := slowStore{h.stores.store, make(chan struct{}), make(chan struct{})}
	h.stores.store = slow
	pages := make(chan string)
	h.administrator(pages)
	ended := make(chan flow.State, 1)
	go func() {
		last, _ := h.run(t.Context())
		ended <- last
	}()
	<-slow.reached
	require.Contains(t, <-pages, "Your answer arrived", "it waits")
	close(slow.release)
	told := <-pages
	require.Contains(t, told, "The calendars and Zoom are linked")
	require.Contains(t, told, "You can close this window and go back to the terminal.")
	require.NotNil(t, (<-ended).Link)
}

// TestThePageTellsWhatTheOperatorReads: after a failed exchange both say the
// same.
func TestThePageTellsWhatTheOperatorReads(t *testing.T) {
	t.Parallel()
	for _, status := range []int{400, 401, 402, 403, 404, 422, 423, 500} {
		h := newHouse(t, sandbox.Options{})
		page := make(chan string, 1)
		h.administrator(page)
		h.failExchange(status)
		last, _ := h.run(t.Context())
		require.True(t, last.Problem.Approved, status)
		got := <-page
		require.Contains(t, got, "Approved, but not finished", status)
		require.Contains(t, html.UnescapeString(got), last.Problem.Summary, status)
	}
}

// failExchange lets the application's check pass.
func (h *house) failExchange(status int) {
	open := h.runner.OpenURL
	h.runner.OpenURL = func(url string) error {
		h.server.Set(sandbox.Fault{Endpoint: sandbox.Exchange, Status: status})
		return open(url)
	}
}

// administrator approves in a browser of their own, and sends on each page that
// it shows at the end.
func (h *house) administrator(pages chan<- string) {
	h.runner.OpenURL = func(link string) error {
		h.visits.Go(func() {
			address, err := sandbox.FinalAddress(context.Background(), link, sandbox.Approve)
			for err == nil && address != "" {
				var page string
				if page, address, err = h.get(address); err == nil {
					pages <- page
				}
			}
			if err != nil {
				pages <- err.Error()
			}
		})
		return nil
	}
}

var refresh = regexp.MustCompile(`http-equiv="refresh" content="\d+; url=([^"]+)"`)

// get gives a page, and the address that it asks for next.
func (h *house) get(address string) (page, next string, err error) {
	resp, err := http.Get(address)
	if err != nil {
		return "", "", err
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if m := refresh.FindSubmatch(b); m != nil {
		to, err := resp.Request.URL.Parse(html.UnescapeString(string(m[1])))
		return string(b), to.String(), err
	}
	return string(b), "", err
}
