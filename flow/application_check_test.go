package flow_test

import (
	"bytes"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"confer/cronofy"
	"confer/cronofy/sandbox"
	"confer/flow"
)

// generous is a Cronofy that takes even the refresh token that cannot exist.
type generous struct{ t *testing.T }

// RoundTrip implements http.RoundTripper.
func (g generous) RoundTrip(r *http.Request) (*http.Response, error) {
	if !strings.HasSuffix(r.URL.Path, "/oauth/token") {
		return http.DefaultTransport.RoundTrip(r)
	}
	body, err := io.ReadAll(r.Body)
	require.NoError(g.t, err)
	if bytes.Contains(body, []byte(`"refresh_token"`)) {
		return &http.Response{StatusCode: http.StatusOK, Request: r, Header: http.Header{"Content-Type": {"application/json"}},
			Body: io.NopCloser(strings.NewReader(`{"access_token":"x"}`))}, nil
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	return http.DefaultTransport.RoundTrip(r)
}

// TestACheckThatTellsNothingStopsNobody: the link token is the documented check.
func TestACheckThatTellsNothingStopsNobody(t *testing.T) {
	t.Parallel()
	h := newHouse(t, sandbox.Options{})
	h.browse(sandbox.Approve)
	h.runner.NewClient = func(site cronofy.Site, app cronofy.App, _ func(cronofy.Wait)) *cronofy.Client {
		return cronofy.New(site, app, cronofy.Options{HTTP: &http.Client{Transport: generous{t}}})
	}
	last, events := h.run(t.Context())
	require.Nil(t, last.Problem)
	require.NotNil(t, last.Link)
	for _, ev := range events {
		if ok, is := ev.(flow.ApplicationAccepted); is {
			require.ErrorAs(t, ok.Unchecked, new(*cronofy.BadAnswerError))
			return
		}
	}
	t.Fatal("the application was not accepted")
}
