//go:build !linux && !windows

package callback

import "net/netip"

// socketOfOther cannot tell here.
func socketOfOther(_, _ netip.AddrPort) (string, bool) { return "", false }
