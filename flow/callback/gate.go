package callback

import (
	"net/http"
	"net/url"
	"strings"
)

// gate lets requests for one host through; every other name for this address is
// somebody's DNS (rebinding), or a tunnel that rewrites Host.
func (s *Server) gate(host string, next http.HandlerFunc) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		scheme := "http"
		if !s.target.loopback {
			scheme = s.target.url.Scheme
		}
		if plainHost(r.Host, scheme) != host {
			ours := s.cfg.States.check(r.URL.Query().Get("state"), s.cfg.Answers) == nil
			s.refuse(w, Stray{Kind: StrayHost, Err: ErrHost, Person: r.Method == http.MethodGet && hasAnswer(r) && (ours || navigated(r))})
			return
		}
		next(w, r)
	})
}

// onlyPeople goes on for a window that a person opened. HEAD is refused like
// any other method: a link checker must not use anything up. Browsers that send
// no Sec-Fetch headers pass; the state decides.
func (s *Server) onlyPeople(w http.ResponseWriter, r *http.Request, next func()) {
	mode, dest := r.Header.Get("Sec-Fetch-Mode"), r.Header.Get("Sec-Fetch-Dest")
	switch {
	case r.Method != http.MethodGet:
		w.Header().Set("Allow", http.MethodGet)
		s.refuse(w, Stray{Kind: StrayMethod})
	case lookingAhead(r.Header):
		s.refuse(w, Stray{Kind: StrayPrefetch})
	case mode != "" && mode != "navigate", dest != "" && dest != "document":
		s.refuse(w, Stray{Kind: StrayEmbedded})
	default:
		next()
	}
}

// navigated tells whether a browser says that it went here in a window, which no
// other program says by accident. Browsers say so at https and at loopback
// addresses. https://www.w3.org/TR/fetch-metadata/
func navigated(r *http.Request) bool {
	return r.Header.Get("Sec-Fetch-Mode") == "navigate" && r.Header.Get("Sec-Fetch-Dest") == "document" && !lookingAhead(r.Header)
}

// hasAnswer tells whether a request brings what an authorization ends with,
// whether or not it counts.
func hasAnswer(r *http.Request) bool {
	q := r.URL.Query()
	return q.Get("code") != "" || q.Get("error") != ""
}

// lookingAhead knows today's header and those of older browsers.
// https://wicg.github.io/nav-speculation/prefetch.html#sec-purpose-header
func lookingAhead(h http.Header) bool {
	for _, name := range []string{"Sec-Purpose", "Purpose", "X-Purpose", "X-Moz"} {
		v := strings.ToLower(h.Get(name))
		if strings.Contains(v, "prefetch") || strings.Contains(v, "preview") || strings.Contains(v, "prerender") {
			return true
		}
	}
	return false
}

// usableTarget keeps a short link from leading anywhere but to a web page.
func usableTarget(raw string) bool {
	u, err := url.Parse(raw)
	return err == nil && (u.Scheme == "http" || u.Scheme == "https") && u.Host != ""
}
