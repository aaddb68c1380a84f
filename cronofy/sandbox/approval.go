package sandbox

import (
	"crypto/subtle"
	"net/http"
	"slices"
	"strings"
	"time"

	"confer/cronofy"
)

const finishedText = "This approval is finished."

// approval is an administrator's walk through the pages.
type approval struct {
	request
	id, csrf string
	browser  string // the cookie of the browser that opened it
	expires  time.Time

	// Guarded by the store:
	step int
	done bool
}

// steps are how many pages there are: proof, provider and link, or proof and
// access for Enterprise Connect.
func (a approval) steps() int {
	if a.enterprise {
		return 2
	}
	return 3
}

// openApproval begins an approval. The first browser to open a link token has
// it, and may open it again until it has decided: a choice, the documentation
// only says single use.
func (s *Server) openApproval(req request, browser string) (string, *refusal) {
	now := s.opts.Now()
	a := &approval{
		request: req, id: s.rand.text(24), csrf: s.rand.text(32), browser: browser,
		expires: now.Add(approvalLife), step: 1,
	}
	st := s.state
	st.mu.Lock()
	defer st.mu.Unlock()
	if !req.enterprise {
		l := st.linkTokens[req.linkToken]
		switch {
		case l == nil:
			return "", staleLink("unknown")
		case !now.Before(l.expires):
			return "", staleLink("expired")
		case l.approval != "":
			if old := st.approvals[l.approval]; old != nil && !old.done && old.browser == browser {
				return old.id, nil
			}
			return "", staleLink("used")
		}
		l.approval = a.id
	}
	st.approvals[a.id] = a
	st.prune(now)
	return a.id, nil
}

func staleLink(how string) *refusal {
	return &refusal{
		page:   "This link is " + how + ". Ask for a new one: each can be used once, for ten minutes.",
		reason: "ou_link_token is " + how,
	}
}

// browserID is what a browser is known by; it gets a cookie if it has none.
func (s *Server) browserID(w http.ResponseWriter, r *http.Request) string {
	if c, err := r.Cookie(s.cookie); err == nil && len(c.Value) == 32 {
		return c.Value
	}
	id := s.rand.text(32)
	http.SetCookie(w, &http.Cookie{Name: s.cookie, Value: id, Path: "/", HttpOnly: true, SameSite: http.SameSiteLaxMode})
	return id
}

// ownApproval gives a copy of the approval, or answers why there is none.
func (s *Server) ownApproval(w http.ResponseWriter, r *http.Request) (approval, bool) {
	s.state.mu.Lock()
	p := s.state.approvals[r.PathValue("id")]
	var a approval
	if p != nil {
		a = *p
	}
	s.state.mu.Unlock()
	c, err := r.Cookie(s.cookie)
	switch {
	case p == nil || !s.opts.Now().Before(a.expires):
		s.errorPage(w, http.StatusNotFound, "There is no such approval, or it took too long.")
	case err != nil || !same(c.Value, a.browser):
		s.errorPage(w, http.StatusForbidden, "This approval was begun in another browser.")
	case a.done:
		s.errorPage(w, http.StatusGone, finishedText)
	default:
		return a, true
	}
	return a, false
}

func same(a, b string) bool { return subtle.ConstantTimeCompare([]byte(a), []byte(b)) == 1 }

// showApproval is GET /approval/{id}: the page of the step it is at.
func (s *Server) showApproval(w http.ResponseWriter, r *http.Request) {
	if a, ok := s.ownApproval(w, r); ok {
		s.approvalPage(w, a, "")
	}
}

// decide is POST /approval/{id}.
func (s *Server) decide(w http.ResponseWriter, r *http.Request) {
	a, ok := s.ownApproval(w, r)
	if !ok {
		return
	}
	r.Body = http.MaxBytesReader(w, r.Body, maxBody)
	if err := r.ParseForm(); err != nil {
		s.errorPage(w, http.StatusBadRequest, "The form is malformed.")
		return
	}
	switch form := r.PostForm; {
	case !same(form.Get("csrf"), a.csrf) || !sameOrigin(r):
		s.errorPage(w, http.StatusForbidden, "This form was not sent from the page it belongs to.")
	case form.Get("step") != a.stepText(): // sent twice, or after going back
		redirectTo(w, "/approval/"+a.id)
	case form.Get("decision") == "deny" && s.state.close(a.id):
		s.finish(w, r, a, [][2]string{{"error", "access_denied"}})
	case form.Get("decision") == "allow":
		s.allow(w, r, a)
	default:
		s.errorPage(w, http.StatusBadRequest, "The form has no decision.")
	}
}

func (a approval) stepText() string { return string(rune('0' + a.step)) }

// sameOrigin accepts a missing Origin: not every client sends one, and the form
// token is there too.
func sameOrigin(r *http.Request) bool {
	o := r.Header.Get("Origin")
	return o == "" || o == "http://"+r.Host
}

// allow goes one page on, or carries out what was approved.
func (s *Server) allow(w http.ResponseWriter, r *http.Request, a approval) {
	if a.step < a.steps() {
		provider := a.provider
		if !a.enterprise && a.step == 2 && provider == "" {
			provider = cronofy.Provider(r.PostForm.Get("provider"))
			if !slices.Contains(offered(), provider) {
				s.approvalPage(w, a, "Choose a provider first.")
				return
			}
		}
		s.state.advance(a.id, a.step, provider)
		redirectTo(w, "/approval/"+a.id)
		return
	}
	u, ok := chosenUnit(r, s.state.unitsNow())
	switch {
	case !a.enterprise && !ok:
		s.approvalPage(w, a, "Choose an Organizational Unit, or give the new one a name.")
	case !s.state.close(a.id):
		s.errorPage(w, http.StatusGone, finishedText)
	default:
		code := s.rand.text(32)
		c := authCode{grant: s.carryOut(a, u), redirectURI: a.redirectURI, expires: s.opts.Now().Add(codeLife)}
		s.state.newCode(code, c)
		s.finish(w, r, a, [][2]string{{"code", code}})
	}
}

// chosenUnit reads the last page's form: one of the units there are, or a new
// one, which has no sub yet.
func chosenUnit(r *http.Request, units []unit) (unit, bool) {
	sub := r.PostForm.Get("unit")
	if sub == "new" {
		u := unit{name: strings.TrimSpace(cronofy.CleanText(r.PostForm.Get("unit_name"), 100))}
		return u, u.name != ""
	}
	i := slices.IndexFunc(units, func(u unit) bool { return u.sub == sub })
	if i < 0 {
		return unit{}, false
	}
	return units[i], true
}

// carryOut does what was approved. The link is made here and not by the
// exchange, which Cronofy calls optional.
func (s *Server) carryOut(a approval, u unit) *grant {
	if a.enterprise {
		return serviceAccountGrant(a.scope, a.delegated)
	}
	if u.sub == "" {
		u = s.state.newUnit(u.name)
	}
	s.Link(a.provider)
	return &grant{kind: unitGrant, sub: u.sub, scope: a.scope}
}

// advance moves an approval on, once for each page.
func (st *store) advance(id string, from int, p cronofy.Provider) {
	st.mu.Lock()
	defer st.mu.Unlock()
	if a := st.approvals[id]; a != nil && a.step == from && !a.done {
		a.step++
		a.provider = p
	}
}

// close ends an approval, once.
func (st *store) close(id string) bool {
	st.mu.Lock()
	defer st.mu.Unlock()
	a := st.approvals[id]
	if a == nil || a.done {
		return false
	}
	a.done = true
	return true
}

// finish sends the browser back with the answer, as the switches want it.
func (s *Server) finish(w http.ResponseWriter, r *http.Request, a approval, answer [][2]string) {
	sw := s.Switches()
	if sw.ErrorRedirect != "" && answer[0][0] == "code" {
		answer = [][2]string{{"error", sw.ErrorRedirect}}
	}
	target := answerURL(a.redirectURI, append(answer, s.bentState(a.stateParam(), sw.State)...))
	if sw.RepeatCallback {
		s.repeat(r.Context(), target)
	}
	redirectTo(w, target)
}

func (s *Server) bentState(state [][2]string, how string) [][2]string {
	switch how {
	case "wrong":
		return [][2]string{{"state", s.rand.text(32)}}
	case "duplicate":
		return append(state, state...)
	case "missing":
		return nil
	}
	return state
}
