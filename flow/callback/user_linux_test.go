package callback

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"os"
	"runtime"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"

	"confer/internal/testhost"
)

// as gives a client whose sockets belong to another user: the kernel takes the
// user for files of the thread that makes a socket.
func as(t *testing.T, uid uintptr) *http.Client {
	t.Helper()
	setUser := func(uid uintptr) { _, _, _ = syscall.RawSyscall(syscall.SYS_SETFSUID, uid, 0, 0) }
	c := client()
	c.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	c.Transport.(*http.Transport).DialContext = func(ctx context.Context, network, address string) (net.Conn, error) {
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		setUser(uid)
		defer setUser(uintptr(os.Geteuid()))
		return new(net.Dialer).DialContext(ctx, network, address)
	}
	return c
}

// TestOtherUsersOfThisMachine: the short link stands in the browser's command
// line, for every user to read.
func TestOtherUsersOfThisMachine(t *testing.T) {
	t.Parallel()
	if os.Geteuid() != 0 || mappedUsers() {
		t.Skip("needs root, which can make sockets of another user")
	}
	const nobody = 65534
	for _, host := range []string{"127.0.0.1", "localhost", "[::1]"} {
		t.Run(host, func(t *testing.T) {
			t.Parallel()
			port, err := testhost.Port()
			require.NoError(t, err)
			redirect := fmt.Sprintf("http://%s:%d/callback", host, port)
			var told []error
			s := opened(t, Config{RedirectURI: redirect, OnUnusable: func(err error) { told = append(told, err) }})
			link := s.ShortURL("https://app.example.test/oauth/authorize?ou_link_token=secret")
			answer := s.come("code", "theirs", "state", s.cfg.States.Issue(answers))

			got := get(t, as(t, nobody), link)
			require.Equal(t, http.StatusForbidden, got.status)
			require.Contains(t, got.body, "another user of this machine")
			require.Empty(t, got.header.Get("Location"))
			require.NotContains(t, got.body, "secret")
			require.Len(t, told, 1)
			require.Equal(t, "another user of this machine: nobody", told[0].Error())

			require.Equal(t, http.StatusForbidden, get(t, as(t, nobody), answer).status)
			require.Empty(t, s.answers)

			require.Equal(t, http.StatusSeeOther, get(t, as(t, 0), link).status, "ours")
			require.Equal(t, http.StatusSeeOther, get(t, as(t, 0), answer).status)
			require.Equal(t, "theirs", (<-s.Answers()).Code.Reveal())
		})
	}
}

// TestASocketsOwner is known for connections of either family, also where a program for
// IPv6 uses IPv4, and not for one that is not there.
func TestASocketsOwner(t *testing.T) {
	t.Parallel()
	for _, address := range []string{"127.0.0.1:0", "[::1]:0"} {
		l, err := net.Listen("tcp", address)
		if err != nil {
			continue // no IPv6 here
		}
		t.Cleanup(func() { _ = l.Close() })
		remote := l.Addr().(*net.TCPAddr).AddrPort()
		locals := []netip.AddrPort{dial(t, l.Addr().String()).LocalAddr().(*net.TCPAddr).AddrPort()}
		if remote.Addr().Is4() {
			locals = append(locals, mapped(t, remote))
		}
		for _, find := range []func(local, remote netip.AddrPort) (int, bool){owner, diagnosed, tabled} {
			for _, local := range locals {
				uid, ok := find(local, remote)
				require.True(t, ok, address)
				require.Equal(t, os.Geteuid(), uid)
				_, ok = find(local, netip.AddrPortFrom(remote.Addr(), 1))
				require.False(t, ok)
			}
		}
	}
}

// mapped connects a socket of IPv6 to an address of IPv4, and gives its own.
func mapped(t *testing.T, to netip.AddrPort) netip.AddrPort {
	t.Helper()
	fd, err := syscall.Socket(syscall.AF_INET6, syscall.SOCK_STREAM|syscall.SOCK_CLOEXEC, 0)
	require.NoError(t, err)
	t.Cleanup(func() { _ = syscall.Close(fd) })
	require.NoError(t, syscall.Connect(fd, &syscall.SockaddrInet6{Addr: to.Addr().As16(), Port: int(to.Port())}))
	sa, err := syscall.Getsockname(fd)
	require.NoError(t, err)
	return netip.AddrPortFrom(to.Addr(), uint16(sa.(*syscall.SockaddrInet6).Port))
}

// TestAProxyMayRunAsAnyUser: behind --listen the operator's own proxy delivers.
func TestAProxyMayRunAsAnyUser(t *testing.T) {
	t.Parallel()
	if os.Geteuid() != 0 {
		t.Skip("needs root, which can make sockets of another user")
	}
	s := opened(t, Config{RedirectURI: "https://confer.example.test/callback", Listen: "127.0.0.1:0"})
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+s.addr+"/callback?code=c&state="+s.cfg.States.Issue(answers), nil)
	require.NoError(t, err)
	req.Host = "confer.example.test"
	require.Equal(t, http.StatusSeeOther, do(t, as(t, 33), req).status)
	require.Equal(t, http.StatusForbidden, get(t, as(t, 33), s.ShortURL("https://app.example.test/")).status, "the short link is never behind it")
}

func TestWhoIsAFriend(t *testing.T) {
	t.Setenv("SUDO_UID", "4711")
	require.True(t, friend(4711))
	require.True(t, friend(0))
	require.True(t, friend(os.Geteuid()))
	require.False(t, friend(4712))
	t.Setenv("SUDO_UID", "")
	t.Setenv("DOAS_USER", "daemon") // and no number
	require.True(t, friend(1))
	require.False(t, friend(4711))
}
