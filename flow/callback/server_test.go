package callback

import (
	"io"
	"net/http"
	"net/url"
	"testing"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"
)

const answers = "de k3Hn2cWq9ZrT5vXy7LbD ser_1 zoom_enterprise"

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// opened is a server on a free loopback port, closed with the test.
func opened(t *testing.T, cfg Config) *Server {
	t.Helper()
	if cfg.RedirectURI == "" {
		cfg.RedirectURI = "http://127.0.0.1:0/callback"
	}
	if cfg.States == nil {
		cfg.States = NewStates(nil)
	}
	if cfg.Answers == "" {
		cfg.Answers = answers
	}
	s, err := Open(t.Context(), cfg)
	require.NoError(t, err)
	t.Cleanup(s.Close)
	return s
}

// come is the redirect back with the parameters given.
func (s *Server) come(params ...string) string {
	q := url.Values{}
	for i := 0; i < len(params); i += 2 {
		q.Add(params[i], params[i+1])
	}
	return s.RedirectURI() + "?" + q.Encode()
}

type reply struct {
	status int
	header http.Header
	body   string
	url    string // where it ended
}

// client follows redirects like a browser, but keeps no connection.
func client() *http.Client {
	return &http.Client{Transport: &http.Transport{DisableKeepAlives: true, Proxy: nil}}
}

func get(t *testing.T, c *http.Client, address string) reply {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, address, nil)
	require.NoError(t, err)
	return do(t, c, req)
}

func do(t *testing.T, c *http.Client, req *http.Request) reply {
	t.Helper()
	res, err := c.Do(req)
	require.NoError(t, err)
	defer func() { require.NoError(t, res.Body.Close()) }()
	body, err := io.ReadAll(res.Body)
	require.NoError(t, err)
	return reply{res.StatusCode, res.Header, string(body), res.Request.URL.String()}
}

func TestTheAnswerIsDeliveredAndThePageTellsTheTruth(t *testing.T) {
	t.Parallel()
	s := opened(t, Config{})
	go func() {
		a := <-s.Answers()
		if a.Code.Reveal() != "Zy8xWv6uTs4rQp2o" {
			s.Settle(a.ID, Outcome{Title: "wrong code"})
			return
		}
		s.Settle(a.ID, Outcome{OK: true, Title: "Zoom is linked", Text: "All is stored."})
	}()
	got := get(t, client(), s.come("code", "Zy8xWv6uTs4rQp2o", "state", s.cfg.States.Issue(answers)))
	require.Equal(t, http.StatusOK, got.status)
	require.Contains(t, got.body, "Zoom is linked")
	require.NotContains(t, got.url, "code")
	require.Contains(t, got.url, "/done/")
}
