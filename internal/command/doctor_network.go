package command

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"confer/cronofy"
	"confer/flow"
	"confer/internal/doctor"
)

// clockTolerance is how far this machine's clock may be off. confer shows when
// tokens end; certificates fail only days away from the truth.
const clockTolerance = 2 * time.Minute

// unauthorizedPath is a call that answers 401 to everybody without a token, so
// that the API itself is known to have answered.
// https://docs.cronofy.com/developers/api/error-codes/
const unauthorizedPath = "/v1/userinfo"

// visit is a host that is looked at, and what was seen.
type visit struct {
	name string // "Germany (api-de.cronofy.com)"
	base string
	api  bool // else the host of the administrator's pages
	seen doctor.Reached
}

func (x *examination) visits() []visit {
	var all []visit
	for _, s := range x.sites {
		all = append(all, visit{name: siteWords(s), base: s.API, api: true})
		if x.chosen {
			all = append(all, visit{name: s.AppHost(), base: s.App})
		}
	}
	return all
}

func (x *examination) network(ctx context.Context) []finding {
	h, err := cronofy.NewHTTPClient(cronofy.HTTPOptions{CAFile: x.settings.caFile})
	if err != nil {
		return []finding{{"tls", findingProblem, "The file of --ca-file cannot be used: " + caFileReason(err) + ".", "Name a PEM file with certificates."}}
	}
	defer h.CloseIdleConnections()
	all := x.visits()
	var looks sync.WaitGroup
	for i := range all {
		path := "/"
		if all[i].api {
			path = unauthorizedPath
		}
		looks.Go(func() { all[i].seen = doctor.Reach(ctx, h, all[i].base+path, time.Now) })
	}
	looks.Wait()
	out := []finding{proxyCheck(all), dnsCheck(all), tlsCheck(all), clockCheck(all)}
	for _, v := range all {
		out = append(out, reachCheck(v))
	}
	return out
}

// each collects what is told of hosts, without repeats.
func each(all []visit, of func(doctor.Reached) string) []string {
	var out []string
	for _, v := range all {
		if t := of(v.seen); t != "" && !slices.Contains(out, t) {
			out = append(out, t)
		}
	}
	return out
}

func failedBy(r doctor.Reached, kind cronofy.NetworkKind) bool {
	var e *cronofy.NetworkError
	return errors.As(r.Err, &e) && e.Kind == kind
}

func proxyCheck(all []visit) finding {
	proxies := each(all, func(r doctor.Reached) string { return r.Proxy })
	failed := slices.IndexFunc(all, func(v visit) bool { return failedBy(v.seen, cronofy.NetworkProxy) })
	switch {
	case failed >= 0:
		p := flow.Explain(all[failed].seen.Err, flow.StepDataCenter)
		return finding{"proxy", findingProblem, p.Summary, p.Hint}
	case len(proxies) > 0:
		return finding{"proxy", findingOK, "Cronofy is reached through the proxy " + strings.Join(proxies, ", ") + ".", ""}
	}
	return finding{"proxy", findingOK, "None is used. HTTPS_PROXY and NO_PROXY would set one.", ""}
}

func dnsCheck(all []visit) finding {
	var lost, found []string
	proxied := false
	for _, v := range all {
		switch {
		case v.seen.Proxy != "":
			proxied = true
		case failedBy(v.seen, cronofy.NetworkDNS):
			lost = append(lost, v.seen.Host)
		case len(v.seen.Addresses) > 0:
			found = append(found, v.seen.Host)
		}
	}
	switch {
	case len(lost) > 0:
		return finding{"dns", findingProblem, "Not found: " + strings.Join(lost, ", ") + ".", "Check the network and DNS, or set HTTPS_PROXY if this machine reaches the internet through a proxy."}
	case len(found) > 0:
		return finding{"dns", findingOK, "Found: " + strings.Join(found, ", ") + ".", ""}
	case proxied:
		return finding{"dns", findingOK, "The proxy looks names up.", ""}
	}
	return finding{"dns", findingNote, "No name was looked up, or no answer came in time.", ""}
}

func tlsCheck(all []visit) finding {
	issuers := each(all, func(r doctor.Reached) string { return r.Issuer })
	versions := each(all, func(r doctor.Reached) string { return r.TLS })
	by := ""
	if len(issuers) > 0 {
		by = ", signed by " + strings.Join(issuers, ", ")
	}
	for _, v := range all {
		switch {
		case !failedBy(v.seen, cronofy.NetworkTLS):
		case v.seen.Expired:
			return finding{"tls", findingProblem, "The certificate of " + v.seen.Host + " is not valid at this time" + by + ".", "Check this machine's clock first. If it is right, a proxy may be in between."}
		default:
			p := flow.Explain(v.seen.Err, flow.StepDataCenter)
			return finding{"tls", findingProblem, p.Summary, p.Hint}
		}
	}
	switch {
	case len(versions) > 0:
		return finding{"tls", findingOK, strings.Join(versions, ", ") + by + ".", ""}
	case slices.ContainsFunc(all, func(v visit) bool { return v.seen.Encrypted }):
		return finding{"tls", findingNote, "No connection came that far.", ""}
	}
	return finding{"tls", findingNote, "Not used: plain http to this machine.", ""}
}

// clockCheck goes by the host that is nearest to this machine's time: one wrong
// clock elsewhere is not ours.
func clockCheck(all []visit) finding {
	var least *time.Duration
	for _, v := range all {
		if s := v.seen.Skew; v.seen.Dated && (least == nil || s.Abs() < least.Abs()) {
			least = &s
		}
	}
	switch {
	case least == nil:
		return finding{"clock", findingNote, "It could not be compared: no host told the time.", ""}
	case least.Abs() <= clockTolerance:
		return finding{"clock", findingOK, "It agrees with Cronofy's to " + max(least.Abs(), time.Second).String() + ".", ""}
	}
	how := "ahead of"
	if *least < 0 {
		how = "behind"
	}
	return finding{"clock", findingProblem, fmt.Sprintf("This machine's clock is %s %s Cronofy's.", least.Abs(), how), "Set the clock, best by network time."}
}

func reachCheck(v visit) finding {
	f := finding{"data center", findingProblem, "", ""}
	r := v.seen
	if !v.api {
		f.check = "app host"
	}
	switch {
	case r.Err != nil:
		p := flow.Explain(r.Err, flow.StepDataCenter)
		f.message, f.next = p.Summary, p.Hint
	case r.Status >= http.StatusInternalServerError:
		f.message, f.next = fmt.Sprintf("%s answered with a fault of its own (%d).", v.name, r.Status), "Try again in a moment. status.cronofy.com tells whether more is wrong."
	case v.api && r.Status != http.StatusUnauthorized && (r.Status < http.StatusBadRequest || r.HTML):
		f.message, f.next = fmt.Sprintf("Something else answered for %s (%d).", v.name, r.Status), "A proxy or the login page of a network may be in between. Open a web page in a browser first."
	default:
		f.state, f.message = findingOK, fmt.Sprintf("%s answered in %d ms.", v.name, r.Took.Milliseconds())
	}
	return f
}
