package sandbox

import (
	_ "embed" // the style sheet
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"confer/cronofy"
	"confer/internal/markup"
)

//go:embed sandbox.css
var styleSheet string

// appRoutes are those of the app host.
func (s *Server) appRoutes() http.Handler {
	m := http.NewServeMux()
	s.tokenRoutes(m)
	m.Handle("GET /oauth/authorize", s.pageFaults(Authorize, s.authorize))
	m.Handle("GET /enterprise_connect/oauth/authorize", s.pageFaults(EnterpriseConnect, s.enterpriseConnect))
	m.HandleFunc("GET /approval/{id}", s.showApproval)
	m.HandleFunc("POST /approval/{id}", s.decide)
	m.HandleFunc("GET /sandbox.css", s.style)
	m.HandleFunc("GET /control", s.showControl)
	m.HandleFunc("POST /control", s.turnControl)
	return m
}

// pageFaults gives scripted answers instead of a page.
func (s *Server) pageFaults(e Endpoint, page http.HandlerFunc) http.Handler {
	return s.endpoint(e, func(c *call) { page(c.w, c.r) })
}

func (s *Server) style(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "text/css; charset=utf-8")
	_, _ = io.WriteString(w, styleSheet)
}

// page sends a page. form-action names schemes and not 'self', because
// browsers apply it to the redirects that follow a form, and those lead to the
// application's redirect URI. Referrer-Policy is not no-referrer, because that
// makes browsers send "Origin: null" with our own forms.
func (s *Server) page(w http.ResponseWriter, status int, html markup.HTML) {
	h := w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Content-Security-Policy", "default-src 'none'; style-src 'self'; img-src data:; "+
		"form-action http: https:; frame-ancestors 'none'; base-uri 'none'")
	h.Set("Referrer-Policy", "same-origin")
	h.Set("Content-Length", strconv.Itoa(len(html)))
	w.WriteHeader(status)
	_, _ = io.WriteString(w, string(html))
}

func (s *Server) errorPage(w http.ResponseWriter, status int, text string) {
	if w.Header().Get(reasonHeader) == "" {
		w.Header().Set(reasonHeader, text)
	}
	s.page(w, status, errorHTML("Cannot continue", text))
}

// approvalView is what the approval pages show.
type approvalView struct {
	Title, Heading    string
	Step, Steps       int
	ID, CSRF, Problem string
	ClientID, Host    string
	ServiceAccount    string
	ServiceEmail      string
	Provider          string
	Choose            bool
	Providers         []providerView
	Units             []unitView
	Scopes, Delegated []string
	Enterprise        bool
}

type providerView struct{ ID, Name, About string }

type unitView struct{ Sub, Name string }

// approvalPage shows the page of the step an approval is at.
func (s *Server) approvalPage(w http.ResponseWriter, a approval, problem string) {
	v := s.view(a)
	v.Problem = problem
	status := http.StatusOK
	if problem != "" {
		status = http.StatusUnprocessableEntity
	}
	s.page(w, status, v.html())
}

func (s *Server) view(a approval) approvalView {
	v := approvalView{
		Step: a.step, Steps: a.steps(), ID: a.id, CSRF: a.csrf,
		ClientID: s.opts.ClientID, Host: hostOf(a.redirectURI),
		ServiceAccount: serviceAccountID, ServiceEmail: serviceAccountEmail,
		Provider: a.provider.Name(), Choose: a.provider == "",
		Scopes: strings.Fields(a.scope), Delegated: strings.Fields(a.delegated),
		Enterprise: a.enterprise,
	}
	for _, p := range offered() {
		v.Providers = append(v.Providers, providerView{string(p), p.Name(), about(p)})
	}
	for _, u := range s.state.unitsNow() {
		v.Units = append(v.Units, unitView{u.sub, u.name})
	}
	v.Heading = heading(v)
	v.Title = "Step " + strconv.Itoa(v.Step) + " of " + strconv.Itoa(v.Steps) + ": " + v.Heading
	return v
}

func heading(v approvalView) string {
	switch {
	case v.Step == 1:
		return "Calendar administrator"
	case v.Enterprise:
		return "Allow calendar access"
	case v.Step == 3:
		return "Approve the link"
	case v.Choose:
		return "Choose a provider"
	}
	return "Allow " + v.Provider
}

func about(p cronofy.Provider) string {
	switch p {
	case cronofy.Zoom:
		return "Every user and room of the Zoom account"
	case cronofy.Webex:
		return "Every user of the Webex organisation"
	case cronofy.Indeed:
		return "Interviews held on Indeed"
	case cronofy.AnyProvider:
	}
	return ""
}

func hostOf(uri string) string {
	u, err := url.Parse(uri)
	if err != nil {
		return ""
	}
	return u.Host
}
