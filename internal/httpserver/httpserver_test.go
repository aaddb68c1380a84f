package httpserver

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	_ "confer/internal/golden" // knows -update
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// TestFloodsCutTheOldest: in a flood of connections, of which some send the
// beginning of a request, a whole request still gets its answer.
func TestFloodsCutTheOldest(t *testing.T) {
	t.Parallel()
	const most = 8
	for _, silentOnly := range []bool{false, true} {
		t.Run(fmt.Sprintf("silent only %t", silentOnly), func(t *testing.T) {
			t.Parallel()
			l, err := net.Listen("tcp4", "127.0.0.1:0")
			require.NoError(t, err)
			s := Serve(http.NotFoundHandler(), Limits{HeaderBytes: 1 << 10,
				Connections: most, SilentOnly: silentOnly, Close: 10 * time.Millisecond}, l)
			defer s.Close()
			var flood []net.Conn
			for i := range 3 * most {
				c, err := net.Dial("tcp4", l.Addr().String())
				require.NoError(t, err)
				defer c.Close()
				flood = append(flood, c)
				if i%2 == 0 {
					_, err := io.WriteString(c, "GET / HT")
					require.NoError(t, err)
				}
			}
			c, err := net.Dial("tcp4", l.Addr().String())
			require.NoError(t, err)
			defer c.Close()
			_, err = io.WriteString(c, "GET / HTTP/1.1\r\nHost: x\r\n\r\n")
			require.NoError(t, err)
			res, err := http.ReadResponse(bufio.NewReader(c), nil)
			require.NoError(t, err)
			require.Equal(t, 404, res.StatusCode)
			require.NoError(t, res.Body.Close())
			_, err = flood[1].Read(make([]byte, 1)) // a silent one
			require.Error(t, err, "the oldest is cut")
			s.mu.Lock()
			defer s.mu.Unlock()
			require.LessOrEqual(t, len(s.open), most)
		})
	}
}
