package callback

import (
	"encoding/binary"
	"fmt"
	"net/netip"
	"os"
	"os/user"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"

	"confer/cronofy"
)

// socketOfOther asks the kernel whose the other end is.
func socketOfOther(server, client netip.AddrPort) (string, bool) {
	uid, ok := owner(client, server)
	if !ok || friend(uid) {
		return "", false
	}
	name := strconv.Itoa(uid)
	if u, err := user.LookupId(name); err == nil {
		name = u.Username
	}
	return cronofy.CleanText(name, maxError), true
}

// owner gives the user of the socket at local that is connected to remote. The tables are
// for kernels without sock_diag(7): where many connections are, reading them takes longer
// than all else that the browser waits for.
func owner(local, remote netip.AddrPort) (uid int, ok bool) {
	if uid, ok = diagnosed(local, remote); ok {
		return uid, true
	}
	return tabled(local, remote)
}

// tabled looks one socket up in the kernel's tables. The second one has sockets of IPv4
// too, with the address at the end.
func tabled(local, remote netip.AddrPort) (uid int, ok bool) {
	written := func(a netip.AddrPort) (text string) { // in words of the machine's byte order
		for word := range slices.Chunk(a.Addr().AsSlice(), 4) {
			text += fmt.Sprintf("%08X", binary.NativeEndian.Uint32(word))
		}
		return fmt.Sprintf("%s:%04X", text, a.Port())
	}
	for s := range sockets() {
		if s.inode != "0" && strings.HasSuffix(s.local, written(local)) && strings.HasSuffix(s.remote, written(remote)) {
			uid, err := strconv.Atoi(s.uid)
			return uid, err == nil
		}
	}
	return 0, false
}

// diagnosed asks the kernel for one socket.
func diagnosed(local, remote netip.AddrPort) (uid int, ok bool) {
	const request, reply = 72, 88 // bytes, headers included
	fd, err := unix.Socket(unix.AF_NETLINK, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, unix.NETLINK_SOCK_DIAG)
	if err != nil {
		return 0, false
	}
	defer func() { _ = unix.Close(fd) }()
	// The kernel answers at once; one that is emulated may not, and a browser waits.
	if unix.SetsockoptTimeval(fd, unix.SOL_SOCKET, unix.SO_RCVTIMEO, &unix.Timeval{Usec: 200_000}) != nil {
		return 0, false
	}
	family := byte(unix.AF_INET)
	if local.Addr().Is6() {
		family = unix.AF_INET6
	}
	machine, network := binary.NativeEndian, binary.BigEndian
	q := make([]byte, request) // struct nlmsghdr, struct inet_diag_req_v2
	machine.PutUint32(q, request)
	machine.PutUint16(q[4:], unix.SOCK_DIAG_BY_FAMILY)
	machine.PutUint16(q[6:], unix.NLM_F_REQUEST)
	q[16], q[17] = family, unix.IPPROTO_TCP
	machine.PutUint32(q[20:], ^uint32(0)) // in any state
	network.PutUint16(q[24:], local.Port())
	network.PutUint16(q[26:], remote.Port())
	copy(q[28:44], local.Addr().AsSlice())
	copy(q[44:60], remote.Addr().AsSlice())
	machine.PutUint64(q[64:], ^uint64(0)) // no cookie
	if unix.Sendto(fd, q, 0, &unix.SockaddrNetlink{Family: unix.AF_NETLINK}) != nil {
		return 0, false
	}
	a := make([]byte, 1024) // struct nlmsghdr, struct inet_diag_msg; or an error
	n, _, err := unix.Recvfrom(fd, a, 0)
	if err != nil || n < reply || machine.Uint16(a[4:]) != unix.SOCK_DIAG_BY_FAMILY || network.Uint16(a[22:]) != remote.Port() {
		return 0, false
	}
	uid = int(machine.Uint32(a[80:]))
	inode := machine.Uint32(a[84:]) // a socket without one is closed, and has no owner
	return uid, inode != 0
}

// friend tells whether a user may answer: this one, root, and who became this one
// by sudo, doas or su. In a container whose users are mapped, the number for all that
// are not mapped tells nothing.
func friend(uid int) bool {
	const noUser = 65534
	switch {
	case uid == os.Geteuid(), uid == os.Getuid(), uid == 0:
		return true
	case uid == noUser && mappedUsers():
		return true
	case strconv.Itoa(uid) == os.Getenv("SUDO_UID"):
		return true
	}
	if who, err := user.Lookup(os.Getenv("DOAS_USER")); err == nil && who.Uid == strconv.Itoa(uid) {
		return true
	}
	login, err := os.ReadFile("/proc/self/loginuid") // survives su
	return err == nil && strings.TrimSpace(string(login)) == strconv.Itoa(uid)
}

func mappedUsers() bool {
	b, err := os.ReadFile("/proc/self/uid_map")
	return err != nil || strings.Join(strings.Fields(string(b)), " ") != "0 0 4294967295"
}
