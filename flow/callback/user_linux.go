package callback

import (
	"bufio"
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
// https://docs.kernel.org/networking/proc_net_tcp.html
func socketOfOther(server, client netip.AddrPort) (string, bool) {
	ours, ok := socketOwner(server, client)
	if !ok || ours != os.Geteuid() {
		return "", false
	}
	uid, ok := socketOwner(client, server)
	if !ok || friend(uid) {
		return "", false
	}
	name := strconv.Itoa(uid)
	if u, err := user.LookupId(name); err == nil {
		name = u.Username
	}
	return cronofy.CleanText(name, maxError), true
}

// socketOwner gives the user of the socket at local that is connected to remote.
func socketOwner(local, remote netip.AddrPort) (uid int, ok bool) {
	for _, table := range []struct {
		file string
		wide bool // addresses are IPv6, IPv4 ones among them
	}{{"/proc/net/tcp", false}, {"/proc/net/tcp6", true}} {
		if !table.wide && !local.Addr().Is4() {
			continue
		}
		f, err := os.Open(table.file)
		if err != nil {
			continue
		}
		uid, ok = findSocket(bufio.NewScanner(f), " "+tableAddress(local, table.wide)+" "+tableAddress(remote, table.wide)+" ")
		_ = f.Close()
		if ok {
			return uid, true
		}
	}
	return 0, false
}

func findSocket(lines *bufio.Scanner, ends string) (uid int, ok bool) {
	for lines.Scan() {
		if !strings.Contains(lines.Text(), ends) {
			continue
		}
		f := strings.Fields(lines.Text()) // number, local, remote, state, queues, timers, retransmits, uid, time-out, inode
		if len(f) < 10 || f[9] == "0" {
			continue
		}
		uid, err := strconv.Atoi(f[7])
		return uid, err == nil
	}
	return 0, false
}

// tableAddress writes an address as the tables do: hexadecimal, in words of the
// machine's byte order.
func tableAddress(a netip.AddrPort, wide bool) string {
	b := a.Addr().AsSlice()
	if full := a.Addr().As16(); wide {
		b = full[:]
	}
	var s strings.Builder
	for ; len(b) > 0; b = b[4:] {
		fmt.Fprintf(&s, "%08X", binary.NativeEndian.Uint32(b))
	}
	return fmt.Sprintf("%s:%04X", s.String(), a.Port())
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
