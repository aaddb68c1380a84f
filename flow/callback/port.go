package callback

import (
	"errors"
	"fmt"
	"net"
	"net/url"
	"slices"
	"strconv"
	"syscall"
)

// PortClass is why a port cannot be had.
type PortClass string

// The classes of a PortError.
const (
	PortInUse       PortClass = "in use"      // somebody listens there
	PortDenied      PortClass = "denied"      // this user may not, or the system reserves it
	PortUnavailable PortClass = "unavailable" // the address is not this machine's, or IPv6 is off
	PortUnsafe      PortClass = "unsafe"      // browsers refuse to go there
)

// PortError tells that the callback cannot listen.
type PortError struct {
	Addr   string // host:port as it was to be bound
	Port   int
	Class  PortClass
	Holder string // "nginx (pid 812)", where it can be read; else empty
	Err    error  // the system's; nil when unsafe
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

// ClassOf tells why an address could not be listened on, from the system's error.
func ClassOf(err error) PortClass { return portClass(err) }

func portError(addr string, err error) *PortError {
	_, port, _ := net.SplitHostPort(addr)
	n, _ := strconv.Atoi(port)
	e := &PortError{Addr: addr, Port: n, Class: portClass(err), Err: err}
	if e.Class == PortInUse {
		e.Holder = holder("/proc", n)
	}
	return e
}

// portClass also knows Windows' own numbers: its net errors are not the syscall
// package's invented EADDRINUSE and EACCES.
// https://learn.microsoft.com/windows/win32/winsock/windows-sockets-error-codes-2
func portClass(err error) PortClass {
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

// portOf gives the port of an http or https address, the scheme's own if it
// names none; -1 if it is no port at all.
func portOf(u *url.URL) int {
	switch {
	case u.Port() == "" && u.Scheme == "https":
		return 443
	case u.Port() == "":
		return 80
	}
	n, err := strconv.Atoi(u.Port())
	if err != nil || n > 65535 {
		return -1
	}
	return n
}

// SafePort tells whether browsers go to a TCP port: they refuse the "bad ports"
// of https://fetch.spec.whatwg.org/#port-blocking.
func SafePort(port int) bool {
	return !slices.Contains([]int{
		0, 1, 7, 9, 11, 13, 15, 17, 19, 20, 21, 22, 23, 25, 37, 42, 43, 53, 69, 77, 79, 87, 95,
		101, 102, 103, 104, 109, 110, 111, 113, 115, 117, 119, 123, 135, 137, 139, 143, 161, 179,
		389, 427, 465, 512, 513, 514, 515, 526, 530, 531, 532, 540, 548, 554, 556, 563, 587,
		601, 636, 989, 990, 993, 995, 1719, 1720, 1723, 2049, 3659, 4045, 4190, 5060, 5061,
		6000, 6566, 6665, 6666, 6667, 6668, 6669, 6679, 6697, 10080,
	}, port)
}
