package cronofy

import (
	"crypto/tls"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http/httptest"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"
)

// Frames of HTTP/2 (RFC 9113 section 6).
const (
	frameData, frameHeaders, frameReset, frameSettings, frameGoAway = 0, 1, 3, 4, 7
	endStream, endHeaders, ack                                      = 1, 4, 1
)

// http2Server speaks just enough HTTP/2 over TLS: misbehave answers the first
// streams, as many as there are; after them a good answer comes.
type http2Server struct {
	t         *testing.T
	misbehave []func(conn net.Conn, stream uint32) error
	streams   atomic.Int32
	body      string
}

func (s *http2Server) client() *Client {
	s.t.Helper()
	h := httptest.NewUnstartedServer(nil)
	h.StartTLS() // for its certificate
	h.Close()
	l, err := tls.Listen("tcp", "127.0.0.1:0", &tls.Config{Certificates: h.TLS.Certificates, NextProtos: []string{"h2"}})
	require.NoError(s.t, err)
	s.t.Cleanup(func() { _ = l.Close() })
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			go s.serve(conn)
		}
	}()
	return clientFor(s.t, "https://example.com", route{CAFile: certificateFile(s.t, h.Certificate()), DialContext: to(l.Addr().String()), Proxy: noProxy})
}

func writeFrame(w io.Writer, kind, flags byte, stream uint32, payload []byte) error {
	b := binary.BigEndian.AppendUint32(nil, uint32(len(payload))<<8|uint32(kind))
	b = append(b, flags)
	b = binary.BigEndian.AppendUint32(b, stream)
	_, err := w.Write(append(b, payload...))
	return err
}

func (s *http2Server) serve(conn net.Conn) {
	defer conn.Close()
	preface := make([]byte, 24)
	if _, err := io.ReadFull(conn, preface); err != nil || writeFrame(conn, frameSettings, 0, 0, nil) != nil {
		return
	}
	for {
		head := make([]byte, 9)
		if _, err := io.ReadFull(conn, head); err != nil {
			return
		}
		length, kind, flags, stream := binary.BigEndian.Uint32(head)>>8, head[3], head[4], binary.BigEndian.Uint32(head[5:])
		if _, err := io.CopyN(io.Discard, conn, int64(length)); err != nil {
			return
		}
		var err error
		switch {
		case kind == frameSettings && flags&ack == 0:
			err = writeFrame(conn, frameSettings, ack, 0, nil)
		case kind != frameHeaders && kind != frameData || flags&endStream == 0: // wait for the whole request
		default:
			err = s.answer(conn, stream)
		}
		if err != nil {
			return
		}
	}
}

func (s *http2Server) answer(conn net.Conn, stream uint32) error {
	n := int(s.streams.Add(1)) - 1
	if n < len(s.misbehave) {
		return s.misbehave[n](conn, stream)
	}
	const status200 = 0x88 // of HPACK's static table
	return errors.Join(writeFrame(conn, frameHeaders, endHeaders, stream, []byte{status200}), writeFrame(conn, frameData, endStream, stream, []byte(s.body)))
}

func resetStream(code uint32) func(net.Conn, uint32) error {
	return func(conn net.Conn, stream uint32) error {
		return writeFrame(conn, frameReset, 0, stream, binary.BigEndian.AppendUint32(nil, code))
	}
}

// goAway ends the connection; last is the last stream it promises to have seen.
func goAway(code uint32, last func(uint32) uint32) func(net.Conn, uint32) error {
	return func(conn net.Conn, stream uint32) error {
		payload := binary.BigEndian.AppendUint32(binary.BigEndian.AppendUint32(nil, last(stream)), code)
		return errors.Join(writeFrame(conn, frameGoAway, 0, 0, payload), io.EOF)
	}
}

func resetWithinAnswer(conn net.Conn, stream uint32) error {
	return errors.Join(writeFrame(conn, frameHeaders, endHeaders, stream, []byte{0x88}), writeFrame(conn, frameData, 0, stream, []byte(`{"a`)), resetStream(2)(conn, stream))
}

func cutConnection(net.Conn, uint32) error { return io.EOF }

func seenStream(stream uint32) uint32 { return stream }
func noStream(uint32) uint32          { return 0 }

// TestHTTP2 puts faults of HTTP/2 before a good answer: what is safe is repeated
// as over HTTP/1.1, and a code goes out again only if it was certainly not used.
func TestHTTP2(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		fault  func(net.Conn, uint32) error
		unused bool // HTTP/2 promises that the request was not acted on
	}{
		"INTERNAL_ERROR":         {resetStream(2), false},
		"CANCEL":                 {resetStream(8), false},
		"ENHANCE_YOUR_CALM":      {resetStream(11), false},
		"PROTOCOL_ERROR":         {resetStream(1), false},
		"REFUSED_STREAM":         {resetStream(refusedStream), true},
		"GOAWAY after it":        {goAway(0, seenStream), false},
		"GOAWAY before it":       {goAway(0, noStream), true},
		"GOAWAY with an error":   {goAway(2, noStream), true},
		"reset within an answer": {resetWithinAnswer, false},
		"cut":                    {cutConnection, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			const token = `{"organizational_unit_authorization_link_token":{"ou_link_token":"oult_5Jq8sTn2"}}`
			s := &http2Server{t: t, body: token}
			for range triesReset - 1 {
				s.misbehave = append(s.misbehave, test.fault)
			}
			got, err := s.client().LinkToken(t.Context(), "ser_1")
			require.NoError(t, err, "repeated")
			require.Equal(t, "oult_5Jq8sTn2", got.Reveal())

			s = &http2Server{t: t, body: token, misbehave: append(s.misbehave, test.fault)}
			_, err = s.client().LinkToken(t.Context(), "ser_1")
			var n *NetworkError
			require.ErrorAs(t, err, &n)
			require.Equal(t, NetworkReset, n.Kind, "%v", err)
			require.Equal(t, triesReset, int(s.streams.Load()))

			s = &http2Server{t: t, body: `{"access_token":"a"}`, misbehave: s.misbehave}
			_, err = s.client().Exchange(t.Context(), NewSecret("code"), "http://127.0.0.1:8739/callback")
			want := 1
			if test.unused {
				want = triesReset
			}
			require.Equal(t, want, int(s.streams.Load()), "%v", err)
			require.Equal(t, test.unused, MayRepeat(err), "%v", err)
			require.Equal(t, !test.unused, AnswerLost(err), "%v", err)
		})
	}
}

// TestNoHTTP: something answers, but in no way that HTTP knows.
func TestNoHTTP(t *testing.T) {
	t.Parallel()
	for _, greeting := range []string{"SSH-2.0-OpenSSH_9.6\r\n", "220 mail.example.test ESMTP\r\n", "HTTP/9 huh\r\n\r\n", "\x00\x01\x02\x03\x04\x05\r\n", "<html>"} {
		t.Run(greeting, func(t *testing.T) {
			t.Parallel()
			l, err := net.Listen("tcp", "127.0.0.1:0")
			require.NoError(t, err)
			defer l.Close()
			go func() {
				for {
					conn, err := l.Accept()
					if err != nil {
						return
					}
					_, _ = conn.Read(make([]byte, 1000))
					_, _ = io.WriteString(conn, greeting)
					_ = conn.(*net.TCPConn).CloseWrite()
					_, _ = io.Copy(io.Discard, conn)
					_ = conn.Close()
				}
			}()
			_, err = clientFor(t, "http://"+l.Addr().String(), route{}).UserInfo(t.Context(), NewSecret("token"))
			var n *NetworkError
			require.ErrorAs(t, err, &n)
			require.Equal(t, NetworkProtocol, n.Kind, "%v", err)
			summary, _ := n.Words()
			require.Equal(t, fmt.Sprintf("%s answered, but not in HTTP.", l.Addr()), summary)
		})
	}
}
