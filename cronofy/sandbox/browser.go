package sandbox

import (
	"context"
	"errors"
	"fmt"
	"html"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"regexp"
	"strings"
	"time"

	"confer/cronofy"
)

// Decision is what the built-in browser clicks: the id of a button.
type Decision string

// The decisions, made on the first page. Everything else is left as the pages suggest it.
const (
	Approve Decision = "allow"
	Deny    Decision = "deny"
)

// LeftError is an approval whose answer could not be delivered: the redirect URI
// is on another machine, where the built-in browser does not go, or nothing
// answers there. A real browser's address bar would show Final, which holds the
// authorization code.
type LeftError struct {
	Host  string
	Final cronofy.Secret
	Err   error // why the host did not answer; nil if it is another machine
}

// Error names the host and not the address.
func (e *LeftError) Error() string {
	if e.Err != nil {
		return "browser cannot go on: " + e.Err.Error()
	}
	return "browser left this machine for " + e.Host
}

// Unwrap gives the cause.
func (e *LeftError) Unwrap() error { return e.Err }

// ErrNotSandbox is the error of an address that led to no sandbox.
var ErrNotSandbox = errors.New("this is no link to a sandbox")

const (
	maxHops    = 40
	maxPage    = 1 << 20
	maxRefresh = 5 // seconds
	hopTimeout = time.Minute
)

// Browser clicks through the sandbox's pages over real HTTP, from a local short
// link or an authorization URL to the page that the redirect URI leads to. It
// goes to no other machine. client may be nil; its redirect policy is not used.
func Browser(ctx context.Context, client *http.Client, startURL string, decision Decision) error {
	b, done := newBrowser(client)
	defer done()
	final, err := b.walk(ctx, startURL, decision)
	if err == nil {
		err = b.deliver(ctx, final)
	}
	if err != nil {
		return fmt.Errorf("browse approval: %w", err)
	}
	return nil
}

// FinalAddress clicks through the sandbox's pages as Browser does, and gives the
// address that they end on, unvisited: what an administrator on another machine sends.
func FinalAddress(ctx context.Context, startURL string, decision Decision) (string, error) {
	b, done := newBrowser(nil)
	defer done()
	return b.walk(ctx, startURL, decision)
}

// browser is a user agent with cookies that follows redirects by itself.
type browser struct{ client http.Client }

func newBrowser(client *http.Client) (b *browser, done func()) {
	b, done = &browser{http.Client{Timeout: hopTimeout}}, func() {}
	if client != nil {
		b.client = *client
	} else {
		b.client.Transport = &http.Transport{} // no proxy: everything is on loopback
		done = b.client.CloseIdleConnections
	}
	b.client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	if b.client.Jar == nil {
		b.client.Jar, _ = cookiejar.New(nil) // without options it never fails
	}
	return b, done
}

// walk goes through the pages, and gives the address where the sandbox sends the
// browser in the end.
func (b *browser) walk(ctx context.Context, startURL string, decision Decision) (string, error) {
	method, address, form := http.MethodGet, startURL, url.Values(nil)
	for range maxHops {
		resp, page, err := b.load(ctx, method, address, form)
		if err != nil {
			return "", err
		}
		at, next := resp.Request.URL, redirection(resp)
		isSandbox := resp.Header.Get("Server") == serverName
		action, values := fill(page, decision)
		switch {
		case next != nil && isSandbox && next.Host != at.Host:
			return next.String(), nil
		case next != nil:
			method, address, form = http.MethodGet, next.String(), nil
		case !isSandbox:
			return "", ErrNotSandbox
		case resp.StatusCode >= 400 || action == "":
			return "", fmt.Errorf("%s answered %d: %s", at.Host, resp.StatusCode, cronofy.CleanText(resp.Header.Get(reasonHeader), 200))
		default:
			method, address, form = http.MethodPost, at.ResolveReference(&url.URL{Path: action}).String(), values
		}
	}
	return "", errors.New("too many pages")
}

// deliver visits the final address, and the pages that it leads to on this machine.
func (b *browser) deliver(ctx context.Context, final string) error {
	address := final
	for range maxHops {
		resp, page, err := b.load(ctx, http.MethodGet, address, nil)
		elsewhere := errors.Is(err, ErrNotSandbox)
		switch {
		case elsewhere && address != final:
			return nil // the answer has come to its receiver
		case elsewhere:
			return &LeftError{Host: hostOf(final), Final: cronofy.NewSecret(final)}
		case err != nil && address == final && ctx.Err() == nil:
			return &LeftError{Host: hostOf(final), Final: cronofy.NewSecret(final), Err: err}
		case err != nil:
			return err
		}
		next, wait := redirection(resp), time.Duration(0)
		if next == nil {
			next, wait = refresh(resp.Request.URL, page)
		}
		if next == nil {
			return nil
		}
		if err := cronofy.Sleep(ctx, wait); err != nil {
			return err
		}
		address = next.String()
	}
	return nil
}

// load sends a request to this machine, and reads the page that comes.
func (b *browser) load(ctx context.Context, method, address string, form url.Values) (*http.Response, string, error) {
	r, err := http.NewRequestWithContext(ctx, method, address, strings.NewReader(form.Encode()))
	if err != nil || !cronofy.LoopbackHost(r.URL.Hostname()) {
		return nil, "", ErrNotSandbox
	}
	if form != nil {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		r.Header.Set("Origin", "http://"+r.URL.Host)
	}
	resp, err := b.client.Do(r)
	if err != nil {
		return nil, "", fmt.Errorf("%s %s: %w", method, r.URL.Host, bare(err))
	}
	defer resp.Body.Close()
	page, err := io.ReadAll(io.LimitReader(resp.Body, maxPage))
	if err != nil {
		return nil, "", fmt.Errorf("read page: %w", bare(err))
	}
	return resp, string(page), nil
}

// bare takes the address off an error: it may hold a code.
func bare(err error) error {
	if u, ok := errors.AsType[*url.Error](err); ok {
		return u.Err
	}
	return err
}

// redirection is where a redirect leads; nil: it is none.
func redirection(resp *http.Response) *url.URL {
	if resp.StatusCode < 300 || resp.StatusCode > 399 {
		return nil
	}
	next, _ := resp.Location() // nil without a usable one
	return next
}

// fill gives where a page's form goes, and what a browser sends when the button of
// this id is clicked. Pages with a form have one.
func fill(page string, button Decision) (action string, values url.Values) {
	values = url.Values{}
	for _, e := range elements(page) {
		_, checked := e.attrs["checked"]
		kind := e.attrs["type"]
		if e.name == "form" {
			action = e.attrs["action"]
		}
		if e.name == "button" && e.attrs["id"] == string(button) || kind == "hidden" || kind == "text" || kind == "radio" && checked {
			values.Set(e.attrs["name"], e.attrs["value"])
		}
	}
	return action, values
}

// refresh tells where a page that renews itself leads, and when; nil if it does not.
func refresh(at *url.URL, page string) (target *url.URL, wait time.Duration) {
	for _, e := range elements(page) {
		var seconds int
		var address string
		if _, err := fmt.Sscanf(e.attrs["content"], "%d; url=%s", &seconds, &address); err == nil && e.attrs["http-equiv"] == "refresh" {
			target, _ = at.Parse(address) // nil if it is none
			wait = time.Duration(min(seconds, maxRefresh)) * time.Second
		}
	}
	return target, wait
}

// element is a tag, as our own pages write them.
type element struct {
	name  string // of an end tag it begins with "/"
	attrs map[string]string
}

var (
	tagPattern       = regexp.MustCompile(`<(/?[a-z][a-z0-9]*)((?:[^>"]|"[^"]*")*)>`)
	attributePattern = regexp.MustCompile(`([a-z_-]+)(?:="([^"]*)")?`)
)

// elements gives the tags of a page in their order.
func elements(page string) []element {
	var out []element
	for _, tag := range tagPattern.FindAllStringSubmatch(page, -1) {
		e := element{name: tag[1], attrs: map[string]string{}}
		for _, a := range attributePattern.FindAllStringSubmatch(tag[2], -1) {
			e.attrs[a[1]] = html.UnescapeString(a[2])
		}
		out = append(out, e)
	}
	return out
}
