// Package cronofy is a client for the part of Cronofy's API that links an
// organisation's calendars with its conferencing provider: Organizational Unit
// link tokens, authorization URLs, tokens, userinfo, delegated access.
//
// Every call of a [Client] passes the [Limiter], is repeated by itself only where that is
// safe, and ends in a value, in the context's error, or in one of four types: [*Error]
// (a status outside 2xx), [*BadAnswerError] (2xx, but not what the API promises),
// [*NetworkError] (no answer), or a sentinel of this package (nothing was sent). What the
// API reference (https://docs.cronofy.com/developers/api/) does not say is a field of
// [Names].
package cronofy

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/url"
	"slices"
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
	For    time.Duration
	Reason string // WaitRateLimit or WaitRetry
}

// The reasons of a Wait.
const (
	WaitRateLimit = "rate limit"
	WaitRetry     = "retry"
)

// Client makes Cronofy's calls for one application at one site, for many goroutines.
type Client struct {
	site    Site
	base    *url.URL // nil if the site cannot be used
	app     App
	Options // as New completed them; not changed afterwards
}

// Options are how a Client works. The zero value is good for a program with one Client.
type Options struct {
	// HTTP makes the calls, by a copy that follows no redirects and keeps no cookies; its
	// Timeout, or else 30 s, limits each attempt of a call.
	HTTP      *http.Client
	Limiter   *Limiter   // also the clock of the client's pauses; nil: one with Cronofy's default limits
	Names     Names      // none: DefaultNames
	Notify    func(Wait) // hears of every wait of a second or more, from several goroutines at once
	UserAgent string
}

// New makes a client. If the site cannot be used every call says ErrSite.
func New(site Site, app App, o Options) *Client {
	c := &Client{site: site, app: app, Options: o}
	c.Names, c.UserAgent = cmp.Or(o.Names, DefaultNames()), cmp.Or(o.UserAgent, "confer")
	if o.Limiter == nil {
		c.Limiter = NewLimiter(DefaultPerSecond, DefaultPerMinute)
	}
	if base, err := baseURL(site.API); err == nil {
		c.base, _ = url.Parse(base)
	}
	if o.HTTP == nil {
		o.HTTP, _ = NewHTTPClient("") // only a CA file can make it fail
	}
	own := *o.HTTP
	own.CheckRedirect, own.Jar, own.Timeout = noRedirect, nil, cmp.Or(own.Timeout, callTimeout)
	c.HTTP = &own
	return c
}

// tell passes a wait on if it is worth telling people of.
func (c *Client) tell(w Wait) {
	if c.Notify != nil && w.For >= time.Second {
		c.Notify(w)
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

const maxAnswer = 1 << 20 // bytes

// call is one request as the API's reference describes it.
type call struct {
	op     string
	path   string
	bearer Secret   // empty: no Authorization header
	body   any      // nil: a GET; else what is posted as JSON
	safe   bool     // may be carried out twice
	oauth  bool     // its refusals have OAuth codes
	hidden []Secret // what the body holds beside the client secret; never in an error's text
	out    *object  // where the JSON answer goes; nil: no answer is expected
}

// do makes the call, and again as often as that is safe and may help.
func (c *Client) do(ctx context.Context, k call) error {
	switch {
	case c.base == nil:
		return &opError{op: k.op, err: ErrSite}
	case !k.bearer.Sendable():
		return &opError{op: k.op, err: ErrUnsendable}
	}
	var payload []byte
	if k.body != nil {
		payload, _ = json.Marshal(k.body) // texts alone, which cannot fail
	}
	k.hidden = append(k.hidden, c.app.ClientSecret, k.bearer)
	pauses := growing(firstRetry, longestRetry)
	end, limited := ctx.Deadline()
	var last error // why the call is made again
	pause := time.Duration(0)
	for attempt := 1; ; attempt++ {
		if last != nil && limited && c.Limiter.now().Add(max(pause, c.Limiter.remaining())).After(end) {
			return last // the caller's time is over before the pause is
		}
		if err := c.pass(ctx, pause); err != nil {
			if last != nil && errors.Is(err, context.DeadlineExceeded) {
				return last // what Cronofy said, which "no time left" would hide
			}
			return &opError{op: k.op, err: err}
		}
		sent := c.Limiter.now()
		last = c.once(ctx, k, payload)
		c.learn(last, sent)
		if last == nil {
			return nil
		}
		if ended := contextError(ctx); ended != nil {
			return &opError{op: k.op, err: ended, sent: AnswerLost(last)}
		}
		tries, asked := k.tries(last)
		if attempt >= tries || asked > longestAsked {
			return last
		}
		if pause = max(asked, pauses.NextBackOff()); StatusOf(last) == http.StatusTooManyRequests {
			pause = 0 // the limiter's business
		}
	}
}

// pass waits for a pause that is no matter of rate limits, and for the limiter.
func (c *Client) pass(ctx context.Context, pause time.Duration) error {
	if pause > 0 {
		c.tell(Wait{pause, WaitRetry})
		if err := c.Limiter.sleep(ctx, pause); err != nil {
			return err
		}
	}
	return c.Limiter.wait(ctx, func(d time.Duration) { c.tell(Wait{d, WaitRateLimit}) })
}

func (c *Client) learn(err error, sent time.Time) {
	if e := refusalIn(err); e.Status == http.StatusTooManyRequests {
		c.Limiter.refused(sent, min(e.RetryAfter, longestPause*2))
	} else if !is[*NetworkError](err) {
		c.Limiter.accepted(sent)
	}
}

func (c *Client) once(ctx context.Context, k call, payload []byte) error {
	ctx, progress := Watch(ctx)
	method, content := http.MethodGet, io.Reader(nil)
	if payload != nil {
		method, content = http.MethodPost, bytes.NewReader(payload)
	}
	req, _ := http.NewRequestWithContext(ctx, method, c.base.String()+k.path, content) // New has read base
	// What to repeat, and when, is decided here for HTTP/1.1 and HTTP/2 alike.
	req.GetBody = nil
	req.Header.Set("Accept", "application/json")
	req.Header.Set("User-Agent", c.UserAgent)
	if payload != nil {
		req.Header.Set("Content-Type", "application/json; charset=utf-8")
	}
	if !k.bearer.Empty() {
		req.Header.Set("Authorization", "Bearer "+k.bearer.Reveal())
	}
	if !k.safe {
		// The other side may be closing a connection that was kept, and nobody
		// could tell then whether what must not be repeated has arrived.
		c.HTTP.CloseIdleConnections()
	}
	res, err := c.HTTP.Do(req)
	if err != nil {
		return progress.Failed(k.op, c.base.Host, err)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(io.LimitReader(res.Body, maxAnswer+1))
	switch cut := errors.Is(err, io.ErrUnexpectedEOF); {
	case res.StatusCode < 200 || res.StatusCode > 299:
		return refusal(k, res.StatusCode, res.Header, body)
	case err != nil && !cut:
		return progress.Failed(k.op, c.base.Host, err)
	default:
		return accept(k, res.Header, body, cut)
	}
}

const (
	// A 429 was not carried out, so everything may be repeated after it. Eight
	// attempts outlast two full minutes of refusals.
	triesRefused = 8
	triesServer  = 4 // 500, 502, 503, 504
	triesReset   = 4 // the connection broke, or never came to be
	triesTimeout = 2 // each has already taken the whole time limit
	// longestAsked is the longest Retry-After worth waiting for.
	longestAsked = 2 * time.Minute
	firstRetry   = 500 * time.Millisecond
	longestRetry = 8 * time.Second
)

// tries is how many attempts of the call err allows in all, and what pause Cronofy
// asked for. What will not go away by itself is not repeated.
func (k call) tries(err error) (int, time.Duration) {
	refused := refusalIn(err)
	bad, isBad := errors.AsType[*BadAnswerError](err)
	network, isNetwork := errors.AsType[*NetworkError](err)
	switch {
	case refused.Status == http.StatusTooManyRequests:
		return triesRefused, refused.RetryAfter
	case k.safe && slices.Contains([]int{500, 502, 503, 504}, refused.Status):
		return triesServer, refused.RetryAfter
	case k.safe && isBad && bad.broken:
		return triesReset, 0
	case isNetwork && (k.safe || !network.Sent):
		switch cmp.Or(network.ProxyKind, network.Kind) {
		case NetworkReset, NetworkRefused:
			return triesReset, 0
		case NetworkTimeout:
			return triesTimeout, 0
		}
	}
	return 1, 0
}
