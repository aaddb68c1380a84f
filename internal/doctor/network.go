package doctor

import (
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"confer/cronofy"
)

// hostLimit bounds the whole look at one host.
const hostLimit = 8 * time.Second

// reached is a host that was looked at, and what was seen on the way.
type reached struct {
	name   string // "Germany (api-de.cronofy.com)"
	api    bool   // else the host of the administrator's pages
	Host   string // with its port if it has one
	Proxy  string // host of the proxy; empty: none
	Found  bool   // the host's name was; with a proxy nobody here looks it up
	TLS    string // "TLS 1.3"; empty: none
	Issuer string // who signed the host's certificate, trusted or not
	Status int    // HTTP status of the answer; 0: there was none
	HTML   bool   // the answer is a page
	Took   time.Duration
	Dated  bool          // the answer has a Date
	Skew   time.Duration // this machine's clock minus the host's; to a second
	Err    error         // why there was no answer: a *cronofy.NetworkError; nil: there was one
}

// reach asks for a page, without credentials, within hostLimit. h is one made by
// cronofy.NewHTTPClient.
func reach(ctx context.Context, h *http.Client, address string) (r reached) {
	ctx, cancel := context.WithTimeout(ctx, hostLimit)
	defer cancel()
	ctx, progress := cronofy.Watch(ctx)
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		r.Err = &cronofy.NetworkError{Op: "reach", Kind: cronofy.NetworkOther, Err: errors.New("not an address")}
		return r
	}
	r.Host = req.URL.Host
	began := time.Now()
	res, err := h.Do(req)
	r.Took = time.Since(began)
	r.Proxy, r.Found = progress.Seen()
	if err != nil {
		e := progress.Failed("reach", r.Host, err)
		r.Issuer, r.Err = e.Issuer, e
		return r
	}
	defer res.Body.Close()
	r.Status = res.StatusCode
	r.HTML = strings.Contains(res.Header.Get("Content-Type"), "text/html")
	if date, err := http.ParseTime(res.Header.Get("Date")); err == nil {
		r.Dated, r.Skew = true, began.Add(r.Took/2).Sub(date).Round(time.Second)
	}
	if s := res.TLS; s != nil {
		r.TLS = tls.VersionName(s.Version)
		r.Issuer = cronofy.Issuer(s.PeerCertificates[0])
	}
	return r
}

// clockTolerance is how far this machine's clock may be off. confer shows when
// tokens end; certificates fail only days away from the truth.
const clockTolerance = 2 * time.Minute

// unauthorizedPath is a call that answers 401 to everybody without a token, so
// that the API itself is known to have answered.
// https://docs.cronofy.com/developers/api/error-codes/
const unauthorizedPath = "/v1/userinfo"

func (m *Machine) network(ctx context.Context) []Finding {
	h, err := cronofy.NewHTTPClient(m.CAFile)
	if err != nil {
		return []Finding{{"tls", Problem, "The file of --ca-file cannot be used: " + cronofy.FileReason(err) + ".", "Name a file with certificates, PEM or DER."}}
	}
	defer h.CloseIdleConnections()
	all := make([]reached, len(m.Sites), len(m.Sites)+1)
	var looks sync.WaitGroup
	look := func(r *reached, name, address string, api bool) {
		looks.Go(func() {
			*r = reach(ctx, h, address)
			r.name, r.api = name, api
		})
	}
	for i, s := range m.Sites {
		look(&all[i], SiteName(s), s.API+unauthorizedPath, true)
	}
	if len(m.Sites) == 1 {
		all = all[:2]
		look(&all[1], m.Sites[0].AppHost(), m.Sites[0].App+"/", false)
	}
	looks.Wait()
	return networkFindings(all)
}

// networkFindings tells each cause once, in the place where it belongs, and of each
// host that answered how.
func networkFindings(all []reached) []Finding {
	causes := causesOf(all)
	of := func(checks ...string) []Finding {
		return slices.DeleteFunc(slices.Clone(causes), func(f Finding) bool { return !slices.Contains(checks, f.Check) })
	}
	var out []Finding
	for _, fine := range []Finding{proxyFinding(all), nameFinding(all), tlsFinding(all), clockFinding(all)} {
		problems := of(fine.Check)
		if len(problems) == 0 {
			problems = []Finding{fine}
		}
		out = append(out, problems...)
	}
	for _, r := range all {
		if r.Err == nil {
			out = append(out, answerFinding(r))
		}
	}
	return append(out, of("data center", "app host")...)
}

// causesOf gives a finding for each cause for which no answer came, with all the
// hosts that it concerns.
func causesOf(all []reached) (out []Finding) {
	type cause struct {
		words string // without the hosts
		check string
		err   cronofy.NetworkError // whose Host names all
	}
	var causes []cause
	for _, r := range all {
		e, ok := errors.AsType[*cronofy.NetworkError](r.Err)
		if !ok {
			continue
		}
		plain := *e
		plain.Host = "\x00"
		words, _ := plain.Words()
		at := slices.IndexFunc(causes, func(c cause) bool { return c.words == words })
		if at < 0 {
			causes = append(causes, cause{words, checkOf(e.Kind, r.api), *e})
		} else if hosts := &causes[at].err.Host; !slices.Contains(strings.Split(*hosts, ", "), e.Host) {
			*hosts += ", " + e.Host
		}
	}
	for _, c := range causes {
		summary, hint := c.err.Words()
		if strings.Contains(c.err.Host, ", ") {
			summary = strings.Replace(summary, "The name ", "The names ", 1)
		}
		out = append(out, Finding{c.check, Problem, summary, hint})
	}
	return out
}

// checkOf is where a cause is told.
func checkOf(k cronofy.NetworkKind, api bool) string {
	own := map[cronofy.NetworkKind]string{cronofy.NetworkProxy: "proxy", cronofy.NetworkDNS: "dns", cronofy.NetworkTLS: "tls"}
	return cmp.Or(own[k], answerCheck(api))
}

func answerCheck(api bool) string {
	if api {
		return "data center"
	}
	return "app host"
}

// each collects what is told of hosts, without repeats.
func each(all []reached, of func(reached) string) []string {
	var out []string
	for _, r := range all {
		if t := of(r); t != "" && !slices.Contains(out, t) {
			out = append(out, t)
		}
	}
	return out
}

func proxyFinding(all []reached) Finding {
	if proxies := each(all, func(r reached) string { return r.Proxy }); len(proxies) > 0 {
		return Finding{"proxy", OK, "Cronofy is reached through the proxy " + strings.Join(proxies, ", ") + ".", ""}
	}
	return Finding{"proxy", OK, "None is used. HTTPS_PROXY and NO_PROXY would set one.", ""}
}

func nameFinding(all []reached) Finding {
	found := each(all, func(r reached) string {
		if !r.Found || r.Proxy != "" {
			return ""
		}
		return r.Host
	})
	switch {
	case len(found) > 0:
		return Finding{"dns", OK, "Found: " + strings.Join(found, ", ") + ".", ""}
	case slices.ContainsFunc(all, func(r reached) bool { return r.Proxy != "" }):
		return Finding{"dns", OK, "The proxy looks names up.", ""}
	}
	return Finding{"dns", Note, "Not checked: no connection.", ""}
}

func tlsFinding(all []reached) Finding {
	by := ""
	if issuers := each(all, func(r reached) string { return r.Issuer }); len(issuers) > 0 {
		by = ", signed by " + strings.Join(issuers, ", ")
	}
	if versions := each(all, func(r reached) string { return r.TLS }); len(versions) > 0 {
		return Finding{"tls", OK, strings.Join(versions, ", ") + by + ".", ""}
	}
	return Finding{"tls", Note, "Not checked: no encrypted connection.", ""}
}

// clockFinding goes by the host that is nearest to this machine's time: one wrong
// clock elsewhere is not ours.
func clockFinding(all []reached) Finding {
	var least *time.Duration
	for _, r := range all {
		if s := r.Skew; r.Dated && (least == nil || s.Abs() < least.Abs()) {
			least = &s
		}
	}
	switch {
	case least == nil:
		return Finding{"clock", Note, "Not checked: no host told the time.", ""}
	case least.Abs() <= clockTolerance:
		return Finding{"clock", OK, "It agrees with Cronofy's to " + max(least.Abs(), time.Second).String() + ".", ""}
	}
	how := "ahead of"
	if *least < 0 {
		how = "behind"
	}
	return Finding{"clock", Problem, fmt.Sprintf("This machine's clock is %s %s Cronofy's.", least.Abs(), how), "Set the clock, preferably by network time."}
}

// answerFinding looks at an answer that came.
func answerFinding(r reached) Finding {
	f := Finding{answerCheck(r.api), Problem, "", ""}
	switch {
	case r.Status >= http.StatusInternalServerError:
		f.Message, f.Next = fmt.Sprintf("%s answered with an internal error (%d).", r.name, r.Status), "Try again in a moment. status.cronofy.com shows whether there is an outage."
	case r.api && r.Status != http.StatusUnauthorized && (r.Status < http.StatusBadRequest || r.HTML):
		f.Message, f.Next = fmt.Sprintf("Something else answered for %s (%d).", r.name, r.Status), "A proxy or the login page of a network may be in between. Open a web page in a browser first."
	default:
		f.State, f.Message = OK, fmt.Sprintf("%s answered in %d ms.", r.name, r.Took.Milliseconds())
	}
	return f
}
