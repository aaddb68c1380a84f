package callback

import (
	"io"
	"net"
	"net/url"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// address is the host:port that the server listens on.
func (s *Server) address(t *testing.T) string {
	t.Helper()
	u, err := url.Parse(s.RedirectURI())
	require.NoError(t, err)
	return u.Host
}

func dial(t *testing.T, addr string) net.Conn {
	t.Helper()
	c, err := new(net.Dialer).DialContext(t.Context(), "tcp", addr)
	require.NoError(t, err)
	t.Cleanup(func() { _ = c.Close() })
	return c
}

// rawRequest sends bytes and gives all that comes back until the server closes.
// A reset after the answer is no failure: the server does not read everything.
func rawRequest(t *testing.T, addr, request string) string {
	t.Helper()
	c, err := new(net.Dialer).DialContext(t.Context(), "tcp", addr)
	if err != nil {
		t.Error(err) // not require: also called beside the test's own goroutine
		return ""
	}
	sent := make(chan struct{})
	go func() {
		defer close(sent)
		_, _ = io.WriteString(c, request)
	}()
	got, _ := io.ReadAll(c)
	_ = c.Close()
	<-sent
	return string(got)
}

func status(reply string) string {
	line, _, _ := strings.Cut(reply, "\r\n")
	_, code, _ := strings.Cut(line, " ")
	code, _, _ = strings.Cut(code, " ")
	return code
}
