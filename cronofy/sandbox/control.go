package sandbox

import (
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
)

// ControlURL is the control page's address. It holds a token that lets its
// holder turn the switches.
func (s *Server) ControlURL() string { return s.AppURL() + "/control?token=" + s.control }

func (s *Server) controlCookie() string { return s.cookie + "_control" }

// mayControl tells whether a request is from somebody who was given the token,
// and not from a page of another site.
func (s *Server) mayControl(r *http.Request) bool {
	c, err := r.Cookie(s.controlCookie())
	return err == nil && same(c.Value, s.control) && sameOrigin(r)
}

// showControl is GET /control. The token in the address becomes a cookie, so
// that it is not left in the browser's address bar.
func (s *Server) showControl(w http.ResponseWriter, r *http.Request) {
	if same(r.URL.Query().Get("token"), s.control) && sameOrigin(r) {
		http.SetCookie(w, &http.Cookie{
			Name: s.controlCookie(), Value: s.control, Path: "/control",
			HttpOnly: true, SameSite: http.SameSiteStrictMode,
		})
		redirectTo(w, "/control")
		return
	}
	if !s.mayControl(r) {
		s.errorPage(w, http.StatusForbidden, "Open the control page by the address that the sandbox printed.")
		return
	}
	s.page(w, http.StatusOK, s.controlView().html())
}

// turnControl is POST /control. Here the Origin must be there: browsers send it
// with every form.
func (s *Server) turnControl(w http.ResponseWriter, r *http.Request) {
	r.Body = http.MaxBytesReader(w, r.Body, maxBody)
	err := r.ParseForm()
	switch {
	case !s.mayControl(r) || r.Header.Get("Origin") == "" || !same(r.PostForm.Get("token"), s.formToken()):
		s.errorPage(w, http.StatusForbidden, "This form was not sent from the control page.")
	case err != nil || !s.turn(r):
		s.errorPage(w, http.StatusBadRequest, "The form has a value that cannot be. Nothing was changed.")
	default:
		redirectTo(w, "/control")
	}
}

// formToken goes into the page's forms: not the page's own token, so that the
// page holds nothing that opens it.
func (s *Server) formToken() string { return s.rand.derive("control form", 0, 32) }

// turn does what a form asks for.
func (s *Server) turn(r *http.Request) bool {
	switch r.PostForm.Get("action") {
	case "switches":
		return s.turnSwitches(r)
	case "fault":
		f, ok := s.readFault(r)
		if ok {
			s.Set(append(s.Faults(), f)...)
		}
		return ok
	case "clear":
		s.Set()
	case "unlink":
		s.Unlink()
	case "expire":
		s.ExpireAccessTokens()
	default:
		return false
	}
	return true
}

func (s *Server) turnSwitches(r *http.Request) bool {
	sw := s.Switches()
	for _, f := range sw.flags() {
		*f.Value = r.PostForm.Get(f.Name) == "on"
	}
	for _, c := range sw.choices() {
		v := r.PostForm.Get(c.Name)
		if !slices.Contains(c.Options, v) {
			return false
		}
		*c.Value = v
	}
	sw.InvalidClientStatus = 0
	if r.PostForm.Get("invalid_client") == "400" {
		sw.InvalidClientStatus = http.StatusBadRequest
	}
	delay, gap := s.ProfileDelay()
	for name, to := range map[string]*time.Duration{"delay": &delay, "gap": &gap} {
		if v := r.PostForm.Get(name); v != "" {
			d, err := time.ParseDuration(v)
			if err != nil || d < 0 {
				return false
			}
			*to = d
		}
	}
	s.SetSwitches(sw)
	s.SetProfileDelay(delay, gap)
	return true
}

// flag is a switch that is on or off.
type flag struct {
	Name, Text string
	Value      *bool
}

func (sw *Switches) flags() []flag {
	return []flag{
		{"rotate", "Refresh tokens change on use", &sw.RotateRefreshTokens},
		{"no_refresh", "Token answers have no refresh_token", &sw.OmitRefreshToken},
		{"no_sub", "Token answers have no sub", &sw.OmitSub},
		{"enterprise", "Userinfo says zoom_enterprise", &sw.EnterpriseNames},
		{"extra", "Unknown fields everywhere", &sw.ExtraFields},
		{"no_data", "Userinfo has no cronofy.data", &sw.OmitCronofyData},
		{"disconnected", "Profiles from links are disconnected", &sw.Disconnected},
		{"no_plan", "The plan lacks the feature (402)", &sw.NoPlan},
		{"repeat", "The callback is delivered twice", &sw.RepeatCallback},
		{"unsigned", "Webhooks are not signed", &sw.UnsignedWebhooks},
		{"digests", "Webhooks have two digests", &sw.SecondDigest},
	}
}

// choice is a switch with several positions.
type choice struct {
	Name, Text string
	Options    []string
	Value      *string
}

func (sw *Switches) choices() []choice {
	return []choice{
		{"field", "Link token field", []string{"", "service_account_id", "service_account", "either"}, &sw.LinkTokenField},
		{"state", "State on the way back", []string{"", "wrong", "duplicate", "missing"}, &sw.State},
		{"error", "Approvals end in", append([]string{""}, redirectErrors()...), &sw.ErrorRedirect},
	}
}

// redirectErrors are those of RFC 6749 section 4.1.2.1.
func redirectErrors() []string {
	return []string{
		"access_denied", "invalid_request", "invalid_scope", "server_error",
		"temporarily_unavailable", "unauthorized_client", "unsupported_response_type",
	}
}

func (s *Server) readFault(r *http.Request) (Fault, bool) {
	get := r.PostForm.Get
	f := Fault{
		Endpoint: Endpoint(get("endpoint")), Body: Body(get("body")),
		RetryAfter: get("retry_after"), Reset: get("reset") == "on",
		Error: get("oauth"), Field: get("invalid_field"),
	}
	var bad bool
	number := func(name string, limit int) int {
		n, err := strconv.Atoi(get(name))
		bad = bad || get(name) != "" && (err != nil || n < 0 || n > limit)
		return n
	}
	f.Status = number("status", 599)
	f.Times = number("times", 1_000_000)
	f.Slow = time.Duration(number("slow", 120)) * time.Second
	bad = bad || f.Status != 0 && !slices.Contains(statuses(), f.Status) ||
		f.Endpoint != AnyEndpoint && !slices.Contains(Endpoints(), f.Endpoint) ||
		!slices.Contains(bodies(), f.Body) ||
		f.Error != "" && (f.Status == 0 || !errorCode(f.Error)) || f.Field != "" && f.Status != http.StatusUnprocessableEntity
	if email := get("account"); email != "" {
		i, known := s.org.find(email)
		if bad = bad || !known; !bad {
			f.Account = s.org.person(i).email
		}
	}
	return f, !bad
}

// errorCode knows the characters of RFC 6749 section 5.2.
func errorCode(text string) bool {
	return !strings.ContainsFunc(text, func(r rune) bool { return r < ' ' || r > '~' || r == '"' || r == '\\' })
}

func statuses() []int { return []int{400, 401, 402, 403, 404, 422, 423, 429, 500, 502, 503, 504} }

func bodies() []Body { return []Body{DefaultBody, HTMLBody, EmptyBody, TruncatedBody, CutBody} }

// controlView is what the control page shows. It holds no secret.
type controlView struct {
	Token     string // of the forms
	ClientID  string
	API, App  string
	Flags     []flag
	Choices   []choice
	Invalid   int
	Delay     time.Duration // of the first profile
	Gap       time.Duration // of each further one
	Faults    []Fault
	Endpoints []Endpoint
	Bodies    []Body
	Statuses  []int
	Links     []string
	Log       []LogEntry
	Total     int
}

func (s *Server) controlView() controlView {
	sw := s.Switches()
	entries, total := s.log.last()
	slices.Reverse(entries)
	delay, gap := s.ProfileDelay()
	return controlView{
		Token: s.formToken(), ClientID: s.opts.ClientID, API: s.APIURL(), App: s.AppURL(),
		Flags: sw.flags(), Choices: sw.choices(), Invalid: sw.InvalidClientStatus, Delay: delay, Gap: gap, Faults: s.Faults(),
		Endpoints: Endpoints(), Bodies: bodies(), Statuses: statuses(),
		Links: s.state.linkNames(), Log: entries, Total: total,
	}
}

// linkNames lists the providers that are linked.
func (st *store) linkNames() []string {
	st.mu.Lock()
	defer st.mu.Unlock()
	var out []string
	for p := range st.links {
		out = append(out, string(p))
	}
	slices.Sort(out)
	return out
}
