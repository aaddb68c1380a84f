package callback

import (
	"encoding/binary"
	"fmt"
	"net/netip"
	"os"
	"os/user"
	"strconv"
	"strings"

	"confer/cronofy"
)

// socketOfOther looks both ends up in the kernel's tables of TCP sockets. The
// server's own end shows that the tables can be believed (they are another's
// where /proc is). A socket without an inode is closed, and has no owner.
func socketOfOther(server, client netip.AddrPort) (string, bool) {
	ours, theirs := "", ""
	for s := range sockets(int(client.Port())) {
		switch {
		case s.inode == "0":
		case ours == "" && isAt(s.local, server) && isAt(s.remote, client):
			ours = s.uid
		case theirs == "" && isAt(s.local, client) && isAt(s.remote, server):
			theirs = s.uid
		}
		if ours != "" && theirs != "" { // the tables may be long
			break
		}
	}
	if uid, err := strconv.Atoi(theirs); err != nil || ours != strconv.Itoa(os.Geteuid()) || friend(uid) {
		return "", false
	}
	name := theirs
	if u, err := user.LookupId(name); err == nil {
		name = u.Username
	}
	return cronofy.CleanText(name, maxError), true
}

// isAt tells whether an address of the tables is that one. The second table has
// IPv6 addresses, IPv4 ones among them.
func isAt(address string, a netip.AddrPort) bool {
	wide := a.Addr().As16()
	return address == tableAddress(wide[:], a.Port()) || address == tableAddress(a.Addr().AsSlice(), a.Port())
}

// tableAddress writes an address as the tables do: hexadecimal, in words of the
// machine's byte order.
func tableAddress(ip []byte, port uint16) string {
	var s strings.Builder
	for ; len(ip) > 0; ip = ip[4:] {
		fmt.Fprintf(&s, "%08X", binary.NativeEndian.Uint32(ip))
	}
	return s.String() + portSuffix(int(port))
}

// friend tells whether a user may answer: this one, root, and who became this one
// by sudo, doas or su. In a container whose users are mapped, the number for all
// that are not mapped tells nothing.
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
	if name := os.Getenv("DOAS_USER"); name != "" {
		if u, err := user.Lookup(name); err == nil && u.Uid == strconv.Itoa(uid) {
			return true
		}
	}
	login, err := os.ReadFile("/proc/self/loginuid") // survives su
	return err == nil && strings.TrimSpace(string(login)) == strconv.Itoa(uid)
}

func mappedUsers() bool {
	b, err := os.ReadFile("/proc/self/uid_map")
	return err != nil || strings.Join(strings.Fields(string(b)), " ") != "0 0 4294967295"
}
