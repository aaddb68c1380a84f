package callback

import (
	"context"
	"fmt"
	"net"
	"net/url"
	"os"
	"runtime"
	"strings"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"

	"confer/internal/testhost"
)

func openError(t *testing.T, cfg Config) error {
	t.Helper()
	cfg.States = NewStates()
	s, err := Open(t.Context(), cfg)
	if err == nil {
		s.Close()
	}
	require.Error(t, err)
	return err
}

func TestABusyPortNamesItsHolder(t *testing.T) {
	t.Parallel()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer func() { require.NoError(t, l.Close()) }()

	var port *PortError
	require.ErrorAs(t, openError(t, Config{RedirectURI: "http://" + l.Addr().String() + "/callback"}), &port)
	require.Equal(t, PortInUse, port.Class)
	require.Equal(t, l.Addr().String(), port.Addr)
	require.Equal(t, l.Addr().(*net.TCPAddr).Port, port.Port)
	require.Error(t, port.Unwrap())
	if runtime.GOOS == "linux" {
		require.Contains(t, port.Holder, fmt.Sprintf("(pid %d)", os.Getpid()))
		require.Contains(t, port.Error(), "in use by callback.test")
	}
}

func TestLocalhostIsTakenOnBothFamiliesOrNotAtAll(t *testing.T) {
	t.Parallel()
	// an ephemeral port of one family may be another program's in the other
	port, err := testhost.Port()
	require.NoError(t, err)
	l6, err := net.Listen("tcp", fmt.Sprintf("[::1]:%d", port))
	if err != nil {
		t.Skip("no IPv6 loopback here")
	}
	defer func() { require.NoError(t, l6.Close()) }()

	var refused *PortError
	require.ErrorAs(t, openError(t, Config{RedirectURI: fmt.Sprintf("http://localhost:%d/callback", port)}), &refused)
	require.Equal(t, PortInUse, refused.Class)
	require.Equal(t, fmt.Sprintf("[::1]:%d", port), refused.Addr)
	l4, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", port))
	require.NoError(t, err, "the other family was given back")
	require.NoError(t, l4.Close())
}

func TestLocalhostAnswersOnBothFamilies(t *testing.T) {
	t.Parallel()
	if l6, err := net.Listen("tcp", "[::1]:0"); err != nil {
		t.Skip("no IPv6 loopback here")
	} else {
		require.NoError(t, l6.Close())
	}
	port, err := testhost.Port()
	require.NoError(t, err)
	s := opened(t, Config{RedirectURI: fmt.Sprintf("http://localhost:%d/callback", port)})
	u, err := url.Parse(s.cfg.RedirectURI)
	require.NoError(t, err)
	require.Equal(t, "localhost", u.Hostname())
	for _, ip := range []string{"127.0.0.1", "::1"} {
		reply := rawRequest(t, net.JoinHostPort(ip, u.Port()), "GET /callback HTTP/1.1\r\nHost: "+u.Host+"\r\n\r\n")
		require.Contains(t, reply, "400 Bad Request", ip)
		reply = rawRequest(t, net.JoinHostPort(ip, u.Port()), "GET /callback HTTP/1.1\r\nHost: "+net.JoinHostPort(ip, u.Port())+"\r\n\r\n")
		require.Contains(t, reply, "421 ", ip)
	}
	require.True(t, strings.HasPrefix(s.ShortURL("https://app.example.test/"), "http://localhost:"+u.Port()+"/go/"))
}

func TestPortsThatCannotBeHad(t *testing.T) {
	t.Parallel()
	var port *PortError
	require.ErrorAs(t, openError(t, Config{RedirectURI: "https://app.example.test/a", Listen: "192.0.2.1:8739"}), &port)
	require.Equal(t, PortUnavailable, port.Class)
	require.Equal(t, 8739, port.Port)
}

func TestTheSystemsErrorIsClassified(t *testing.T) {
	t.Parallel()
	for errno, class := range map[syscall.Errno]PortClass{
		syscall.EADDRINUSE: PortInUse, 10048: PortInUse,
		syscall.EACCES: PortDenied, syscall.EPERM: PortDenied, 10013: PortDenied,
		syscall.EADDRNOTAVAIL: PortUnavailable,
	} {
		refuse := func(context.Context, string, string) (net.Listener, error) {
			return nil, &net.OpError{Op: "listen", Err: os.NewSyscallError("bind", errno)}
		}
		var port *PortError
		require.ErrorAs(t, openError(t, Config{RedirectURI: "http://127.0.0.1:8739/callback", ListenFunc: refuse}), &port)
		require.Equal(t, class, port.Class, errno)
		require.ErrorIs(t, port, errno)
	}
}

func TestARedirectURIThatIsNoneIsNotRepeated(t *testing.T) {
	t.Parallel()
	for _, redirect := range []string{"http://127.0.0.1:hunter2/callback", "http://hunter2\x7f/"} {
		err := openError(t, Config{RedirectURI: redirect})
		require.ErrorContains(t, err, "redirect URI", redirect)
		require.NotContains(t, err.Error(), "hunter2")
	}
}

func TestTheSchemesOwnPortIsNotInHost(t *testing.T) {
	t.Parallel()
	for redirect, want := range map[string]string{
		"http://127.0.0.1:80/callback":         "127.0.0.1",
		"http://127.0.0.1/callback":            "127.0.0.1",
		"http://[::1]:8739/callback":           "[::1]:8739",
		"https://App.Example.Test:443/answers": "app.example.test",
		"https://app.example.test:8443":        "app.example.test:8443",
	} {
		target, err := parseTarget(redirect)
		require.NoError(t, err)
		require.Equal(t, want, target.host())
	}
}

func TestNothingIsKeptWhenTheShortLinkCannotListen(t *testing.T) {
	t.Parallel()
	var first net.Listener
	listen := func(ctx context.Context, network, addr string) (net.Listener, error) {
		if first != nil {
			return nil, &net.OpError{Op: "listen", Err: os.NewSyscallError("bind", syscall.EACCES)}
		}
		l, err := new(net.ListenConfig).Listen(ctx, network, addr)
		first = l
		return l, err
	}
	var port *PortError
	require.ErrorAs(t, openError(t, Config{RedirectURI: "https://app.example.test/answer", Listen: "127.0.0.1:0", ListenFunc: listen}), &port)
	require.Equal(t, PortDenied, port.Class)
	_, err := first.Accept()
	require.ErrorIs(t, err, net.ErrClosed)
}
