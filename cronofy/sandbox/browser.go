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
	own := http.Client{Timeout: hopTimeout}
	if client != nil {
		own = *client
	} else {
		own.Transport = &http.Transport{} // no proxy: everything is on loopback
		defer own.CloseIdleConnections()
	}
	own.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	if own.Jar == nil {
		own.Jar, _ = cookiejar.New(nil) // without options it never fails
	}
	b := &browser{client: &own, button: string(decision)}
	err := b.browse(ctx, startURL)
	if err == nil && b.host == "" {
		err = ErrNotSandbox
	}
	if err != nil {
		return fmt.Errorf("browse approval: %w", err)
	}
	return nil
}

// browser is a user agent with cookies.
type browser struct {
	client *http.Client
	button string // the id of the one that it clicks
	host   string // the sandbox's; empty until it answered
	back   bool   // the redirect URI has answered
}

func (b *browser) browse(ctx context.Context, startURL string) error {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, startURL, nil)
	if err != nil {
		return errors.New("the address is malformed") // the error would quote it
	}
	for range maxHops {
		resp, page, err := b.load(r)
		if err != nil {
			return err
		}
		if r, err = b.next(ctx, resp, page); err != nil || r == nil {
			return err
		}
	}
	return errors.New("too many pages")
}

// load sends a request and reads the page that comes.
func (b *browser) load(r *http.Request) (*http.Response, string, error) {
	left := &LeftError{Host: r.URL.Host, Final: cronofy.NewSecret(r.URL.String())}
	switch here := cronofy.LoopbackHost(r.URL.Hostname()); {
	case !here && b.host == "":
		return nil, "", ErrNotSandbox
	case !here:
		return nil, "", left
	}
	isBack := b.host != "" && b.host != r.URL.Host // the request follows the sandbox's answer
	resp, err := b.client.Do(r)
	if err != nil {
		err = fmt.Errorf("%s %s: %w", r.Method, r.URL.Host, bare(err))
		if r.Context().Err() == nil && isBack && !b.back {
			left.Err = err
			return nil, "", left
		}
		return nil, "", err
	}
	defer resp.Body.Close()
	b.back = isBack
	if resp.Header.Get("Server") == serverName {
		b.host, b.back = r.URL.Host, false
	}
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxPage))
	if err != nil {
		return nil, "", fmt.Errorf("read page: %w", bare(err))
	}
	return resp, string(body), nil
}

// bare takes the address off an error: it may hold a code.
func bare(err error) error {
	var u *url.Error
	if errors.As(err, &u) {
		return u.Err
	}
	return err
}

// next gives the request that follows a page, nil at the end: where a redirect
// leads, the answer to an approval page, or what a page renews itself with.
func (b *browser) next(ctx context.Context, resp *http.Response, page string) (*http.Request, error) {
	at := resp.Request.URL
	switch action, values := fill(page, b.button); {
	case resp.StatusCode >= 300 && resp.StatusCode < 400:
		target, err := resp.Location()
		if err != nil {
			return nil, fmt.Errorf("status %d without a usable Location", resp.StatusCode)
		}
		return http.NewRequestWithContext(ctx, http.MethodGet, target.String(), nil)
	case b.back: // what the redirect URI answers is its own affair
	case b.host == "" && resp.StatusCode >= 400:
		return nil, ErrNotSandbox
	case resp.StatusCode >= 400:
		return nil, fmt.Errorf("%s answered %d: %s", at.Host, resp.StatusCode, cronofy.CleanText(resp.Header.Get(reasonHeader), 100))
	case b.host != "" && action != "":
		r, err := http.NewRequestWithContext(ctx, http.MethodPost, at.ResolveReference(&url.URL{Path: action}).String(), strings.NewReader(values.Encode()))
		if err != nil {
			return nil, err
		}
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		r.Header.Set("Origin", at.Scheme+"://"+at.Host)
		return r, nil
	}
	target, wait := refresh(at, page)
	if target == nil {
		return nil, nil
	}
	if !pause(ctx, wait) {
		return nil, ctx.Err()
	}
	return http.NewRequestWithContext(ctx, http.MethodGet, target.String(), nil)
}

// fill gives where a page's form goes, and what a browser sends when the button of
// this id is clicked. Pages with a form have one.
func fill(page, button string) (action string, values url.Values) {
	values = url.Values{}
	for _, e := range elements(page) {
		_, checked := e.attrs["checked"]
		kind := e.attrs["type"]
		if e.name == "form" {
			action = e.attrs["action"]
		}
		if e.name == "button" && e.attrs["id"] == button || kind == "hidden" || kind == "text" || kind == "radio" && checked {
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
