package cronofy

import (
	"bufio"
	"io"
	"net"
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestACodeGoesOutOnAFreshConnection: a server may close a connection that was
// kept in the moment in which it is used again, and a code cannot be sent twice.
func TestACodeGoesOutOnAFreshConnection(t *testing.T) {
	t.Parallel()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer func() { require.NoError(t, l.Close()) }()
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			go answerOnce(conn)
		}
	}()
	c := clientFor(t, "http://"+l.Addr().String(), HTTPOptions{})
	for range 3 {
		_, err = c.UserInfo(t.Context(), NewSecret("token"))
		require.NoError(t, err)
		_, err = c.Exchange(t.Context(), NewSecret("code"), "http://127.0.0.1:8739/callback")
		require.NoError(t, err)
	}
}

// answerOnce promises to keep the connection, and does not.
func answerOnce(conn net.Conn) {
	defer conn.Close()
	requests := bufio.NewReader(conn)
	for first := true; ; first = false {
		req, err := http.ReadRequest(requests)
		if err != nil || !first {
			return
		}
		_, _ = io.Copy(io.Discard, req.Body)
		const body = `{"sub":"acc_1","access_token":"a","token_type":"bearer"}`
		_, _ = io.WriteString(conn, "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 56\r\n\r\n"+body)
	}
}
