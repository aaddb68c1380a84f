package doctor

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"

	"confer/cronofy"
)

// HostLimit bounds the whole look at one host.
const HostLimit = 8 * time.Second

const maxText = 120 // runes of a name from outside

// Reached is what was seen on the way to one host.
type Reached struct {
	Host      string   // with its port if it has one
	Proxy     string   // host of the proxy; empty: none
	Addresses []string // of the host; with a proxy nobody here looks them up
	Encrypted bool     // https
	TLS       string   // "TLS 1.3"; empty: none
	Issuer    string   // who signed the host's certificate, trusted or not
	Expired   bool     // the certificate is refused because of the date
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
	r := Reached{}
	t := &trace{}
	req, err := http.NewRequestWithContext(httptrace.WithClientTrace(ctx, t.hooks()), http.MethodGet, address, nil)
	if err != nil {
		r.Err = &cronofy.NetworkError{Op: "reach", Kind: cronofy.NetworkOther, Err: errors.New("not an address")}
		return r
	}
	r.Host, r.Encrypted = req.URL.Host, req.URL.Scheme == "https"
	if r.Proxy, err = proxyOf(h, req); err != nil {
		r.Err = &cronofy.NetworkError{Op: "reach", Host: r.Host, Kind: cronofy.NetworkProxy, Err: errors.New("the proxy's address cannot be used")}
		return r
	}
	began := now()
	res, err := h.Do(req)
	ended := now()
	r.Took = ended.Sub(began)
	r.Addresses = t.found()
	if err != nil {
		r.fail(t, err)
		return r
	}
	defer res.Body.Close()
	r.answer(res, began.Add(r.Took/2))
	return r
}

// proxyOf asks the client's own transport, so that it is what calls will use.
func proxyOf(h *http.Client, req *http.Request) (string, error) {
	tr, ok := h.Transport.(*http.Transport)
	if !ok || tr.Proxy == nil {
		return "", nil
	}
	u, err := tr.Proxy(req)
	if err != nil || u == nil {
		return "", err
	}
	return cronofy.CleanText(u.Host, maxText), nil
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
			r.Issuer = issuer(s.PeerCertificates[0])
		}
	}
}

// issuer is the organisation that signed, or whatever else names it.
func issuer(c *x509.Certificate) string {
	for _, names := range [][]string{c.Issuer.Organization, {c.Issuer.CommonName}, {c.Issuer.String()}} {
		if i := slices.IndexFunc(names, func(n string) bool { return n != "" }); i >= 0 {
			return cronofy.CleanText(names[i], maxText)
		}
	}
	return ""
}

// fail sorts an error by how far the request had come.
func (r *Reached) fail(t *trace, err error) {
	for {
		u, ok := errors.AsType[*url.Error](err)
		if !ok {
			break
		}
		err = u.Err
	}
	if e, ok := errors.AsType[*tls.CertificateVerificationError](err); ok && len(e.UnverifiedCertificates) > 0 {
		r.Issuer = issuer(e.UnverifiedCertificates[0])
	}
	if e, ok := errors.AsType[x509.CertificateInvalidError](err); ok {
		r.Expired = e.Reason == x509.Expired
	}
	e := &cronofy.NetworkError{Op: "reach", Host: r.Host, Proxy: r.Proxy, Kind: t.kind(r, err), Issuer: r.Issuer, Err: err}
	if e.Kind == cronofy.NetworkProxy {
		e.ProxyStatus, e.ProxyKind = cronofy.ProxyTrouble(err)
	}
	r.Err = e
}

// trace notes how far a request came. The hooks may be called at any time, also
// after the request has ended.
type trace struct {
	mu           sync.Mutex
	addresses    []string
	tls, tlsDone bool
}

func (t *trace) hooks() *httptrace.ClientTrace {
	return &httptrace.ClientTrace{
		DNSDone: func(i httptrace.DNSDoneInfo) {
			t.mu.Lock()
			defer t.mu.Unlock()
			for _, a := range i.Addrs {
				t.addresses = append(t.addresses, a.String())
			}
		},
		TLSHandshakeStart: func() { t.mu.Lock(); defer t.mu.Unlock(); t.tls = true },
		TLSHandshakeDone: func(_ tls.ConnectionState, err error) {
			t.mu.Lock()
			defer t.mu.Unlock()
			t.tlsDone = err == nil
		},
	}
}

func (t *trace) found() []string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return slices.Clone(t.addresses)
}

// beforeTLS tells whether an encrypted request failed before the handshake with
// the host: with a proxy in between, at the proxy.
func (t *trace) beforeTLS() bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return !t.tls
}

func (t *trace) inTLS() bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.tls && !t.tlsDone
}
