package callback

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"confer/cronofy"
)

// holder names the process that listens on a port, from Linux's /proc; empty
// where that is not there or not readable (another user's process).
func holder(proc string, port int) string {
	inodes := map[string]bool{}
	for _, table := range []string{"tcp", "tcp6"} {
		text, err := os.ReadFile(filepath.Join(proc, "net", table))
		if err != nil {
			continue
		}
		for line := range strings.Lines(string(text)) {
			if inode, ok := listening(line, port); ok {
				inodes["socket:["+inode+"]"] = true
			}
		}
	}
	if len(inodes) == 0 {
		return ""
	}
	return owner(proc, inodes)
}

// listening reads a line of /proc/net/tcp: its inode, if it is a socket that
// listens (state 0A) on the port. https://docs.kernel.org/networking/proc_net_tcp.html
func listening(line string, port int) (inode string, ok bool) {
	f := strings.Fields(line)
	if len(f) < 10 || f[3] != "0A" {
		return "", false
	}
	_, hex, _ := strings.Cut(f[1], ":")
	n, err := strconv.ParseUint(hex, 16, 16)
	return f[9], err == nil && int(n) == port
}

func owner(proc string, sockets map[string]bool) string {
	fds, _ := filepath.Glob(filepath.Join(proc, "[0-9]*", "fd", "*"))
	for _, fd := range fds {
		target, err := os.Readlink(fd)
		if err != nil || !sockets[target] {
			continue
		}
		dir := filepath.Dir(filepath.Dir(fd))
		comm, _ := os.ReadFile(filepath.Join(dir, "comm"))
		const longest = 64
		return fmt.Sprintf("%s (pid %s)", strings.TrimSpace(cronofy.CleanText(string(comm), longest)), filepath.Base(dir))
	}
	return ""
}
