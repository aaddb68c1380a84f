package cronofy

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"time"
)

const (
	jsonType   = "application/json; charset=utf-8"
	maxAnswer  = 1 << 20 // bytes
	formatHTML = "HTML instead of JSON"
)

// call is one request as the API's reference describes it.
type call struct {
	op     string
	method string
	path   string
	bearer Secret   // empty: no Authorization header
	body   any      // nil: none; else what is sent as JSON
	safe   bool     // may be carried out twice
	oauth  bool     // its refusals have OAuth codes
	hidden []Secret // what the body holds beside the client secret; never in an error's text
	out    any      // where the JSON answer goes; nil: no answer is expected
}

// answer is one response, read to its end.
type answer struct {
	status int
	header http.Header
	body   []byte
	cut    error // why the body ended early; nil if it did not
}

// do makes the call, and again as often as that is safe and may help.
func (c *Client) do(ctx context.Context, k call) error {
	payload, err := c.payload(k)
	if err != nil {
		return err
	}
	k.hidden = append(k.hidden, c.app.ClientSecret, k.bearer)
	r := newRetrier(k)
	var last error // why the call is made again
	for {
		if last != nil && c.tooLate(ctx, c.limiter.remaining()) {
			return last
		}
		if err := c.pass(ctx, k, r.attempt); err != nil {
			return orLast(err, last)
		}
		sent := c.clock.Now()
		err := c.once(ctx, k, payload)
		c.learn(err, sent)
		if err == nil {
			return nil
		}
		if ended := contextError(ctx); ended != nil {
			return &opError{op: k.op, err: ended, sent: AnswerLost(err)}
		}
		pause, again := r.after(err)
		if !again || c.tooLate(ctx, pause) {
			return err
		}
		last = err
		if err := c.rest(ctx, k, pause, r.attempt); err != nil {
			return orLast(err, last)
		}
	}
}

// tooLate tells whether the caller's time is over before a pause is.
func (c *Client) tooLate(ctx context.Context, pause time.Duration) bool {
	end, limited := ctx.Deadline()
	return limited && c.clock.Now().Add(pause).After(end)
}

// orLast prefers what Cronofy said last to "no time left", which would hide it.
// A caller who gave up hears that.
func orLast(err, last error) error {
	if last != nil && errors.Is(err, context.DeadlineExceeded) {
		return last
	}
	return err
}

// payload checks what can be checked without sending.
func (c *Client) payload(k call) ([]byte, error) {
	if c.base == nil {
		return nil, &opError{op: k.op, err: ErrSite}
	}
	if !sendable(k.bearer.Reveal()) {
		return nil, &opError{op: k.op, err: ErrUnsendable}
	}
	if k.body == nil {
		return nil, nil
	}
	b, err := json.Marshal(k.body)
	if err != nil {
		return nil, &opError{op: k.op, err: errors.New("the request cannot be written as JSON")}
	}
	return b, nil
}

func sendable(bearer string) bool {
	for i := range len(bearer) {
		if bearer[i] <= ' ' || bearer[i] > '~' {
			return false
		}
	}
	return true
}

// pass waits for the limiter.
func (c *Client) pass(ctx context.Context, k call, attempt int) error {
	err := c.limiter.wait(ctx, func(d time.Duration) { c.tell(Wait{d, WaitRateLimit, attempt}) })
	if err != nil {
		return &opError{op: k.op, err: err}
	}
	return nil
}

// rest waits before a repetition that is no matter of rate limits.
func (c *Client) rest(ctx context.Context, k call, d time.Duration, attempt int) error {
	if d <= 0 {
		return nil
	}
	c.tell(Wait{d, WaitRetry, attempt})
	if err := c.clock.Sleep(ctx, d); err != nil {
		return &opError{op: k.op, err: err}
	}
	return nil
}

// learn lets the limiter hear how a call went.
func (c *Client) learn(err error, sent time.Time) {
	if e, ok := errors.AsType[*Error](err); ok && e.Status == http.StatusTooManyRequests {
		c.limiter.refused(sent, min(e.RetryAfter, longestPause*2))
		return
	}
	if _, silent := errors.AsType[*NetworkError](err); !silent {
		c.limiter.accepted(sent)
	}
}

// once sends the request and reads the answer.
func (c *Client) once(ctx context.Context, k call, payload []byte) error {
	tctx, cancel := context.WithTimeout(ctx, c.timeout)
	defer cancel()
	tctx, progress := Watch(tctx)
	req, err := c.request(tctx, k, payload)
	if err != nil {
		return &opError{op: k.op, err: ErrSite}
	}
	if !k.safe {
		// The other side may be closing a connection that was kept, and nobody
		// could tell then whether what must not be repeated has arrived.
		c.http.CloseIdleConnections()
	}
	res, err := c.http.Do(req)
	if err != nil {
		return progress.Failed(k.op, c.base.Host, err)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(io.LimitReader(res.Body, maxAnswer+1))
	a := answer{status: res.StatusCode, header: res.Header, body: body, cut: err}
	if a.status < 200 || a.status > 299 {
		return refusal(k, a, c.clock.Now())
	}
	if err != nil && !errors.Is(err, io.ErrUnexpectedEOF) {
		return progress.Failed(k.op, c.base.Host, err)
	}
	return accept(k, a)
}

func (c *Client) request(ctx context.Context, k call, payload []byte) (*http.Request, error) {
	var body io.Reader
	if payload != nil {
		body = bytes.NewReader(payload)
	}
	req, err := http.NewRequestWithContext(ctx, k.method, c.base.String()+k.path, body)
	if err != nil {
		return nil, err
	}
	req.GetBody = nil // what to repeat, and when, is decided here for HTTP/1.1 and HTTP/2 alike
	req.Header.Set("Accept", "application/json")
	req.Header.Set("User-Agent", c.userAgent)
	if payload != nil {
		req.Header.Set("Content-Type", jsonType)
	}
	if !k.bearer.Empty() {
		req.Header.Set("Authorization", "Bearer "+k.bearer.Reveal())
	}
	return req, nil
}
