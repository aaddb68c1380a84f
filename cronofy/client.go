package cronofy

import (
	"context"
	"net/http"
	"net/url"
	"time"
)

// App is an application at Cronofy: the OAuth client. Its secret is also the
// API key. https://docs.cronofy.com/developers/api/authentication/
type App struct {
	ClientID     string
	ClientSecret Secret
}

// Wait is a pause that a call makes before it goes out (again).
type Wait struct {
	For     time.Duration
	Reason  string // WaitRateLimit or WaitRetry
	Attempt int    // the attempt that is waited for; 1 is the first
}

// The reasons of a Wait.
const (
	WaitRateLimit = "rate limit"
	WaitRetry     = "retry"
)

// shortestTold is the shortest wait worth telling people of.
const shortestTold = time.Second

// Client makes Cronofy's calls for one application at one site. Its fields do
// not change after New.
type Client struct {
	site      Site
	base      *url.URL // nil if the site cannot be used
	app       App
	names     Names
	http      *http.Client
	limiter   *Limiter
	clock     Clock
	userAgent string
	notify    func(Wait)
	timeout   time.Duration
}

// Option changes a Client while it is made.
type Option func(*Client)

// WithHTTPClient makes calls through h, of which a copy is used that follows no
// redirects and keeps no cookies. Share one among all clients of a program.
func WithHTTPClient(h *http.Client) Option { return func(c *Client) { c.http = h } }

// WithNames puts other names in the place of the inferred ones.
func WithNames(n Names) Option { return func(c *Client) { c.names = n.orDefault() } }

// WithLimiter makes calls pass l, which all clients of an application share.
// With nil there is no limit; a 429 then slows down this client only. Without
// this option a client has a limiter of its own with Cronofy's default limits.
func WithLimiter(l *Limiter) Option { return func(c *Client) { c.limiter = l } }

// WithUserAgent sets the User-Agent header.
func WithUserAgent(s string) Option { return func(c *Client) { c.userAgent = s } }

// WithClock makes pauses, and a limiter of the client's own, go by another clock.
func WithClock(k Clock) Option { return func(c *Client) { c.clock = k } }

// WithNotify tells f of every wait of a second or more, on the goroutine of the
// call that waits: several calls may tell at once.
func WithNotify(f func(Wait)) Option { return func(c *Client) { c.notify = f } }

// WithTimeout limits each attempt of a call; the default is 30 s.
func WithTimeout(d time.Duration) Option { return func(c *Client) { c.timeout = d } }

// New makes a client. If the site cannot be used every call says ErrSite.
func New(site Site, app App, opts ...Option) *Client {
	unset := &Limiter{}
	c := &Client{
		site: site, app: app, names: DefaultNames(), limiter: unset, clock: systemClock{},
		userAgent: "confer", timeout: callTimeout,
	}
	for _, o := range opts {
		o(c)
	}
	switch c.limiter {
	case unset:
		c.limiter = NewLimiter(DefaultPerSecond, DefaultPerMinute, LimiterClock(c.clock))
	case nil:
		c.limiter = NewLimiter(0, 0, LimiterClock(c.clock))
	}
	c.base = usable(site.API)
	c.http = plain(c.http)
	return c
}

// Site is where the client's calls go.
func (c *Client) Site() Site { return c.site }

func usable(api string) *url.URL {
	base, err := baseURL(api)
	if err != nil {
		return nil
	}
	u, err := url.Parse(base)
	if err != nil {
		return nil
	}
	return u
}

func plain(h *http.Client) *http.Client {
	if h == nil {
		h, _ = NewHTTPClient(HTTPOptions{}) // only a CA file can make it fail
	}
	own := *h
	own.CheckRedirect, own.Jar = noRedirect, nil
	return &own
}

// tell passes a wait on if it is worth it.
func (c *Client) tell(w Wait) {
	if c.notify != nil && w.For >= shortestTold {
		c.notify(w)
	}
}

// contextError is the error of the call's own context, nil while it lasts. The
// network's timers may be a moment ahead of the context's.
func contextError(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if d, ok := ctx.Deadline(); ok && time.Until(d) <= 0 {
		return context.DeadlineExceeded
	}
	return nil
}

// opError is a context's error or a sentinel with the operation.
type opError struct {
	op   string
	err  error
	sent bool // the request may have arrived
}

func (e *opError) Error() string { return e.op + ": " + e.err.Error() }
func (e *opError) Unwrap() error { return e.err }
