package sandbox

import "net/http"

type resource struct {
	Email string `json:"email"`
	Name  string `json:"name"`
}

// serviceAccount gives the grant of a call that needs a service account's
// token. 403 for another kind of token is a choice.
func (s *Server) serviceAccount(c *call) (*grant, bool) {
	g, ok := s.authorized(c)
	if ok && g.kind != serviceGrant {
		refuse(c.w, http.StatusForbidden, "this is not a service account's token")
		return nil, false
	}
	return g, ok
}

// resources is GET /v1/resources: the organisation's rooms.
// https://docs.cronofy.com/developers/api/enterprise-connect/resources/
func (s *Server) resources(c *call) {
	if _, ok := s.serviceAccount(c); !ok {
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
