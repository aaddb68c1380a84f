package callback

import (
	"encoding/binary"
	"fmt"
	"net/netip"
	"os"
	"time"
	"unsafe"

	"golang.org/x/sys/windows"

	"confer/cronofy"
)

var extendedTCPTable = windows.NewLazySystemDLL("iphlpapi.dll").NewProc("GetExtendedTcpTable")

// socketOfOther finds the process at the other end in the table of TCP
// connections, and its user. Services (session 0) stand for the system, as root
// does elsewhere: programs that look into connections run there.
func socketOfOther(server, client netip.AddrPort) (string, bool) {
	found := make(chan uint32, 1)
	go func() { found <- socketProcess(client, server) }()
	var pid uint32
	select {
	case pid = <-found:
	case <-time.After(lookUpLimit):
	}
	if pid == 0 || pid == uint32(os.Getpid()) {
		return "", false
	}
	ours, err := windows.GetCurrentProcessToken().GetTokenUser()
	if err != nil {
		return "", false
	}
	theirs, err := processUser(pid)
	if err != nil { // other users' processes cannot be opened
		return otherSession(pid)
	}
	if theirs.Equals(ours.User.Sid) || theirs.IsWellKnown(windows.WinLocalSystemSid) ||
		theirs.IsWellKnown(windows.WinLocalServiceSid) || theirs.IsWellKnown(windows.WinNetworkServiceSid) {
		return "", false
	}
	name := theirs.String()
	if account, _, _, err := theirs.LookupAccount(""); err == nil {
		name = account
	}
	return cronofy.CleanText(name, maxError), true
}

// lookUpLimit: a browser that waits longer would be cut off before its page. The
// table takes milliseconds; Wine's never comes.
const lookUpLimit = time.Second

func otherSession(pid uint32) (string, bool) {
	var ours, theirs uint32
	if windows.ProcessIdToSessionId(uint32(os.Getpid()), &ours) != nil || windows.ProcessIdToSessionId(pid, &theirs) != nil {
		return "", false
	}
	return fmt.Sprintf("pid %d", pid), theirs != 0 && theirs != ours
}

func processUser(pid uint32) (*windows.SID, error) {
	process, err := windows.OpenProcess(windows.PROCESS_QUERY_LIMITED_INFORMATION, false, pid)
	if err != nil {
		return nil, err
	}
	defer func() { _ = windows.CloseHandle(process) }()
	var token windows.Token
	if err := windows.OpenProcessToken(process, windows.TOKEN_QUERY, &token); err != nil {
		return nil, err
	}
	defer func() { _ = token.Close() }()
	u, err := token.GetTokenUser()
	if err != nil {
		return nil, err
	}
	return u.User.Sid.Copy()
}

// socketProcess gives the process of a connection; 0: not known. It reads
// MIB_TCPTABLE_OWNER_PID or MIB_TCP6TABLE_OWNER_PID: a count, then rows of 32-bit
// words and, in the latter, addresses of 16 bytes.
// https://learn.microsoft.com/windows/win32/api/iphlpapi/nf-iphlpapi-getextendedtcptable
func socketProcess(local, remote netip.AddrPort) (pid uint32) {
	const ownerPIDAll = 5
	family, row := uintptr(windows.AF_INET), 24
	if local.Addr().Is6() {
		family, row = windows.AF_INET6, 56
	}
	var size uint32
	for range 5 { // the table may grow between two calls
		buf := make([]byte, max(size, 4))
		code, _, _ := extendedTCPTable.Call(uintptr(unsafe.Pointer(&buf[0])), uintptr(unsafe.Pointer(&size)), 0, family, ownerPIDAll, 0)
		switch windows.Errno(code) {
		case windows.ERROR_INSUFFICIENT_BUFFER:
			continue
		case 0:
		default:
			return 0
		}
		rows := int(binary.LittleEndian.Uint32(buf))
		for b := buf[4:]; rows > 0 && len(b) >= row; rows, b = rows-1, b[row:] {
			l, r, pid := tableRow(b, row)
			if l == local && r == remote {
				return pid
			}
		}
		return 0
	}
	return 0
}

func tableRow(b []byte, row int) (local, remote netip.AddrPort, pid uint32) {
	port := func(at int) uint16 { return binary.BigEndian.Uint16(b[at:]) }
	if row == 24 { // state, address, port, address, port, process
		return netip.AddrPortFrom(netip.AddrFrom4([4]byte(b[4:8])), port(8)), netip.AddrPortFrom(netip.AddrFrom4([4]byte(b[12:16])), port(16)),
			binary.LittleEndian.Uint32(b[20:])
	} // address, scope, port, address, scope, port, state, process
	return netip.AddrPortFrom(netip.AddrFrom16([16]byte(b[0:16])), port(20)), netip.AddrPortFrom(netip.AddrFrom16([16]byte(b[24:40])), port(44)),
		binary.LittleEndian.Uint32(b[52:])
}
