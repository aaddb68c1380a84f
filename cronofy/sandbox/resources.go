package sandbox

import (
	"net/http"
	"strings"
)

type resource struct {
	Email string `json:"email"`
	Name  string `json:"name"`
}

// serviceAccount gives the grant of a call that needs a service account's token
// with a scope that begins so. 403 without the scope is documented, for another
// kind of token it is a choice, and so is which scope belongs to which call: the
// names say it.
// https://docs.cronofy.com/developers/api/authentication/
func (s *Server) serviceAccount(c *call, scope string) (*grant, bool) {
	g, ok := s.authorized(c)
	switch {
	case !ok:
		return nil, false
	case g.kind != serviceGrant:
		refuse(c.w, http.StatusForbidden, "this is not a service account's token")
		return nil, false
	case !strings.Contains(" "+g.scope, " "+scope):
		refuse(c.w, http.StatusForbidden, "the token has no scope that begins with "+scope)
		return nil, false
	}
	return g, true
}

// resources is GET /v1/resources: the organisation's rooms.
// https://docs.cronofy.com/developers/api/enterprise-connect/resources/
func (s *Server) resources(c *call) {
	if _, ok := s.serviceAccount(c, "service_account/resources/"); !ok {
		return
	}
	rooms := []resource{}
	for i := range s.org.count {
		if p := s.org.person(i); p.room {
			rooms = append(rooms, resource{p.email, p.name})
		}
	}
	c.answer(http.StatusOK, map[string][]resource{"resources": rooms})
}
