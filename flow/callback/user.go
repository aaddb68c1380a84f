package callback

import (
	"net"
	"net/http"
	"net/netip"
	"time"
)

// OtherUserError: a request came from a program of another user of this machine.
// The short link stands in the browser's command line, which every user can read:
// whoever opened it would get the approval link, and could answer in its place.
type OtherUserError struct{ User string }

func (e *OtherUserError) Error() string { return "another user of this machine: " + e.User }

// otherUser asks the system whose the other end of a request's connection is.
// Where it cannot tell, the request is taken: the state decides.
func otherUser(r *http.Request) (user string, other bool) {
	server, ok := r.Context().Value(http.LocalAddrContextKey).(*net.TCPAddr)
	if !ok {
		return "", false
	}
	client, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil {
		return "", false
	}
	unmap := func(a netip.AddrPort) netip.AddrPort { return netip.AddrPortFrom(a.Addr().Unmap(), a.Port()) }
	type owner struct {
		user  string
		other bool
	}
	found := make(chan owner, 1)
	go func() {
		user, other := socketOfOther(unmap(server.AddrPort()), unmap(client))
		found <- owner{user, other}
	}()
	t := time.NewTimer(lookUpLimit)
	defer t.Stop()
	select {
	case o := <-found:
		return o.user, o.other
	case <-t.C:
		return "", false
	}
}

// lookUpLimit: a browser that waits longer would be cut off before its page. The
// tables take milliseconds.
const lookUpLimit = time.Second

// refuseOtherUser refuses what another user's program brings or asks for, and
// tells whether it did. It is asked only about what counts: the system's tables
// are long where much is going on.
func (s *Server) refuseOtherUser(w http.ResponseWriter, r *http.Request) bool {
	user, other := otherUser(r)
	if other {
		s.refuse(w, pageOtherUser, &OtherUserError{User: user})
	}
	return other
}
