package flow_test

import (
	"html"
	"io"
	"net/http"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"confer/cronofy"
	"confer/cronofy/sandbox"
	"confer/flow"
	"confer/internal/golden"
	"confer/keystore"
)

var (
	section = regexp.MustCompile(`(?s)<section>(.*)</section>`)
	tag     = regexp.MustCompile(`<[^>]*>`)
)

// read is what a person reads of a page, a line for each paragraph.
func read(page string) string {
	if m := section.FindStringSubmatch(page); m != nil {
		page = m[1]
	}
	return strings.TrimSpace(html.UnescapeString(tag.ReplaceAllString(page, "")))
}

// TestEnds: what the administrator's browser says in the end, by what the set-up came to.
func TestEnds(t *testing.T) {
	t.Parallel()
	var text strings.Builder
	for _, end := range []struct {
		name     string
		exchange int // status of the exchange's answer; 0: it succeeds
		provider cronofy.Provider
		connect  bool
	}{
		{name: "approved"},
		{name: "approved, and the administrator chose the provider", provider: cronofy.AnyProvider},
		{name: "a service account authorized", connect: true},
		{name: "approved, and Cronofy gave no token", exchange: http.StatusForbidden},
	} {
		h := newHouse(t, sandbox.Options{})
		if end.provider != "" {
			h.found.Answers.Provider = end.provider
		}
		pages := make(chan string, 10)
		h.administrator(pages)
		if end.exchange != 0 {
			h.failExchange(end.exchange)
		}
		if end.connect {
			h.authorizeAccount()
		} else {
			h.run(t.Context())
		}
		h.visits.Wait()
		close(pages)
		last := ""
		for page := range pages {
			last = page
		}
		text.WriteString("== " + end.name + "\n" + read(last) + "\n\n")
	}
	refused, late := refusal(t, "access_denied")
	text.WriteString("== the administrator refused\n" + read(refused) + "\n\n")
	text.WriteString("== approved in another tab, after the wait has ended\n" + read(late) + "\n\n")
	refused, _ = refusal(t, "invalid_scope")
	text.WriteString("== Cronofy refused\n" + read(refused) + "\n")
	golden.Equal(t, "testdata/ends.txt", text.String())
}

// authorizeAccount has a calendar service account authorized, and gives how it ended.
func (h *house) authorizeAccount() (last flow.Event) {
	h.runner.Do(h.t.Context(), flow.Connect{Answers: h.found.Answers, Store: flow.Store{Kind: keystore.Session},
		Scope: cronofy.DefaultServiceAccountScope, DelegatedScope: cronofy.DefaultDelegatedScope}, func(ev flow.Event) { last = ev })
	return last
}

// refusal comes back with an error, and approves in an older tab after that.
func refusal(t *testing.T, code string) (refused, late string) {
	h := newHouse(t, sandbox.Options{})
	w, older, newer := h.waitWithTwoLinks()
	refused = h.page(refusedAnswer(t, newer.URL, code))
	w.until(over)
	return refused, h.page(finalAddress(t, older.URL))
}

// TestAnAccountWithoutAnID: nothing is stored under the name of what Cronofy did not name.
func TestAnAccountWithoutAnID(t *testing.T) {
	t.Parallel()
	h := newHouse(t, sandbox.Options{Switches: sandbox.Switches{OmitSub: true}})
	h.browse(sandbox.Approve)
	h.runner.NewClient = func(site cronofy.Site, app cronofy.App, _ func(cronofy.Wait)) *cronofy.Client {
		return cronofy.New(site, app, cronofy.Options{HTTP: &http.Client{Transport: namesNobody{}}})
	}
	failed, ok := h.authorizeAccount().(flow.Failed)
	h.visits.Wait()
	require.True(t, ok)
	require.Equal(t, "Cronofy's answer is not what its API documents: it names no service account.", flow.Explain(failed.Err, flow.StepServiceAccount).Summary)
	require.Empty(t, h.contents().Secrets)
}

// namesNobody answers userinfo with an id that is no service account's.
type namesNobody struct{}

func (namesNobody) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.URL.Path != "/v1/userinfo" {
		return http.DefaultTransport.RoundTrip(r)
	}
	return &http.Response{StatusCode: http.StatusOK, Request: r, Header: http.Header{"Content-Type": {"application/json"}},
		Body: io.NopCloser(strings.NewReader(`{"sub":"acc_1"}`))}, nil
}
