package callback

import (
	"net"
	"net/http"
	"net/netip"
)

// OtherUserError: a request came from a program of another user of this machine.
// The short link stands in the browser's command line, which every user can read:
// whoever opened it would get the approval link, and could answer in its place.
type OtherUserError struct{ User string }

func (e *OtherUserError) Error() string { return "another user of this machine: " + e.User }

// refuseOtherUser refuses what another user's program brings or asks for, and
// tells whether it did. The system knows whose the other end of the connection is;
// where it does not tell, the request is taken: the state decides.
func (s *Server) refuseOtherUser(w http.ResponseWriter, r *http.Request) bool {
	server, ok := r.Context().Value(http.LocalAddrContextKey).(*net.TCPAddr)
	client, err := netip.ParseAddrPort(r.RemoteAddr)
	if !ok || err != nil {
		return false
	}
	unmap := func(a netip.AddrPort) netip.AddrPort { return netip.AddrPortFrom(a.Addr().Unmap(), a.Port()) }
	user, other := socketOfOther(unmap(server.AddrPort()), unmap(client))
	if other {
		s.refuse(w, pageOtherUser, &OtherUserError{User: user})
	}
	return other
}
