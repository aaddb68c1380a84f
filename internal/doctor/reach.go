package doctor

import (
	"context"
	"crypto/tls"
	"errors"
	"net/http"
	"strings"
	"time"

	"confer/cronofy"
)

// HostLimit bounds the whole look at one host.
const HostLimit = 8 * time.Second

// Reached is what was seen on the way to one host.
type Reached struct {
	Host      string   // with its port if it has one
	Proxy     string   // host of the proxy; empty: none
	Addresses []string // of the host; with a proxy nobody here looks them up
	Encrypted bool     // https
	TLS       string   // "TLS 1.3"; empty: none
	Issuer    string   // who signed the host's certificate, trusted or not
	Status    int      // HTTP status of the answer; 0: there was none
	HTML      bool     // the answer is a page
	Took      time.Duration
	Dated     bool          // the answer has a Date
	Skew      time.Duration // this machine's clock minus the host's; to a second
	Err       error         // why there was no answer: a *cronofy.NetworkError; nil: there was one
}

// Reach asks for a page, without credentials, within HostLimit. h is one made by
// cronofy.NewHTTPClient.
func Reach(ctx context.Context, h *http.Client, address string, now func() time.Time) Reached {
	ctx, cancel := context.WithTimeout(ctx, HostLimit)
	defer cancel()
	ctx, progress := cronofy.Watch(ctx)
	r := Reached{}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		r.Err = &cronofy.NetworkError{Op: "reach", Kind: cronofy.NetworkOther, Err: errors.New("not an address")}
		return r
	}
	r.Host, r.Encrypted = req.URL.Host, req.URL.Scheme == "https"
	began := now()
	res, err := h.Do(req)
	r.Took = now().Sub(began)
	r.Addresses, r.Proxy = progress.Addresses(), progress.Proxy()
	if err != nil {
		e := progress.Failed("reach", r.Host, err)
		r.Issuer, r.Err = e.Issuer, e
		return r
	}
	defer res.Body.Close()
	r.answer(res, began.Add(r.Took/2))
	return r
}

func (r *Reached) answer(res *http.Response, at time.Time) {
	r.Status = res.StatusCode
	r.HTML = strings.Contains(res.Header.Get("Content-Type"), "text/html")
	if date, err := http.ParseTime(res.Header.Get("Date")); err == nil {
		r.Dated, r.Skew = true, at.Sub(date).Round(time.Second)
	}
	if s := res.TLS; s != nil {
		r.TLS = tls.VersionName(s.Version)
		if len(s.PeerCertificates) > 0 {
			r.Issuer = cronofy.Issuer(s.PeerCertificates[0])
		}
	}
}
