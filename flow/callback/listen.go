package callback

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"iter"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"

	"confer/cronofy"
)

// ListenFunc listens as net.ListenConfig's Listen does.
type ListenFunc func(ctx context.Context, network, address string) (net.Listener, error)

// target is a redirect URI as the listener sees it.
type target struct {
	url      *url.URL
	loopback bool // plain http to this machine: we can be there ourselves
}

func parseTarget(raw string) (target, error) {
	u, err := url.Parse(raw)
	if err != nil {
		return target{}, errors.New("the redirect URI is no address") // the parser's own error quotes it
	}
	return target{url: u, loopback: u.Scheme == "http" && cronofy.LoopbackHost(u.Hostname())}, nil
}

// host is what browsers send as Host.
func (t target) host() string { return t.plain(t.url.Host) }

// plain is a host without the scheme's own port.
func (t target) plain(host string) string {
	own := ":80"
	if t.url.Scheme == "https" {
		own = ":443"
	}
	return strings.TrimSuffix(strings.ToLower(host), own)
}

// path is never empty: a browser asks for "/".
func (t target) path() string {
	if t.url.Path == "" {
		return "/"
	}
	return t.url.Path
}

// addresses are where the redirect URI is listened at. "localhost" is taken on both
// families: browsers try ::1 first, and whoever holds it would get the code.
func (t target) addresses() []string {
	hosts := []string{t.url.Hostname()}
	if strings.EqualFold(hosts[0], "localhost") {
		hosts = []string{"127.0.0.1", "::1"}
	}
	for i, host := range hosts {
		hosts[i] = net.JoinHostPort(host, cmp.Or(t.url.Port(), "80"))
	}
	return hosts
}

// bind takes all addresses or none.
func bind(ctx context.Context, listen ListenFunc, addrs ...string) (lns []net.Listener, _ error) {
	for _, addr := range addrs {
		l, err := listen(ctx, "tcp", addr)
		if err != nil {
			for _, l := range lns {
				_ = l.Close()
			}
			return nil, portError(addr, err)
		}
		lns = append(lns, l)
	}
	return lns, nil
}

// PortClass is why a port cannot be had.
type PortClass string

// The classes of a PortError.
const (
	PortInUse       PortClass = "in use"      // somebody listens there
	PortDenied      PortClass = "denied"      // this user may not, or the system reserves it
	PortUnavailable PortClass = "unavailable" // the address is not this machine's, or IPv6 is off
)

// PortError tells that the callback cannot listen.
type PortError struct {
	Addr   string // host:port as it was to be bound
	Port   int
	Class  PortClass
	Holder string // "nginx (pid 812)", where it can be read; else empty
	Err    error  // the system's
}

func (e *PortError) Error() string {
	text := fmt.Sprintf("listen on %s: port %s", e.Addr, e.Class)
	if e.Holder != "" {
		text += " by " + e.Holder
	}
	return text
}

// Unwrap gives the system's error.
func (e *PortError) Unwrap() error { return e.Err }

func portError(addr string, err error) *PortError {
	_, port, _ := net.SplitHostPort(addr)
	n, _ := strconv.Atoi(port)
	e := &PortError{Addr: addr, Port: n, Class: classOf(err), Err: err}
	if e.Class == PortInUse {
		e.Holder = holder(n)
	}
	return e
}

// classOf tells why an address could not be listened on, from the system's error. It
// also knows Windows' own numbers: its net errors are not the syscall package's
// invented EADDRINUSE and EACCES.
// https://learn.microsoft.com/windows/win32/winsock/windows-sockets-error-codes-2
func classOf(err error) PortClass {
	const wsaEACCES, wsaEADDRINUSE = 10013, 10048
	var errno syscall.Errno
	if !errors.As(err, &errno) {
		return PortUnavailable
	}
	switch errno {
	case syscall.EADDRINUSE, wsaEADDRINUSE:
		return PortInUse
	case syscall.EACCES, syscall.EPERM, wsaEACCES:
		return PortDenied
	}
	return PortUnavailable
}

// holder names the process that listens on a port, from Linux's /proc; empty
// where that is not there or not readable (another user's process).
func holder(port int) string {
	const listens = "0A"
	inodes := map[string]bool{}
	for s := range sockets() {
		if s.state == listens && strings.HasSuffix(s.local, fmt.Sprintf(":%04X", port)) {
			inodes["socket:["+s.inode+"]"] = true
		}
	}
	if len(inodes) == 0 {
		return ""
	}
	fds, _ := filepath.Glob("/proc/[0-9]*/fd/*")
	for _, fd := range fds {
		target, err := os.Readlink(fd)
		if err != nil || !inodes[target] {
			continue
		}
		dir := filepath.Dir(filepath.Dir(fd))
		comm, _ := os.ReadFile(filepath.Join(dir, "comm"))
		const longest = 64
		return fmt.Sprintf("%s (pid %s)", strings.TrimSpace(cronofy.CleanText(string(comm), longest)), filepath.Base(dir))
	}
	return ""
}

// socket is a line of the kernel's tables of TCP sockets.
// https://docs.kernel.org/networking/proc_net_tcp.html
type socket struct{ local, remote, state, uid, inode string }

// sockets are all; none where there are no such tables.
func sockets() iter.Seq[socket] {
	return func(yield func(socket) bool) {
		for _, table := range []string{"/proc/net/tcp", "/proc/net/tcp6"} {
			text, _ := os.ReadFile(table)
			for line := range strings.Lines(string(text)) {
				f := strings.Fields(line) // number, local, remote, state, queues, timers, retransmits, uid, time-out, inode
				if len(f) >= 10 && !yield(socket{f[1], f[2], f[3], f[7], f[9]}) {
					return
				}
			}
		}
	}
}
