package sandbox

import (
	"cmp"
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

// LeftError is an approval whose answer could not be delivered. A real browser's
// address bar would show Final, which holds the authorization code.
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

var errTooMany = errors.New("too many pages")

const (
	maxHops     = 40
	maxPage     = 1 << 20
	loadTimeout = time.Minute
)

// Browser clicks through the sandbox's pages over real HTTP, from a local short
// link or an authorization URL to the page that the redirect URI leads to. It
// goes to no other machine. client may be nil; its redirects and cookies are not used.
func Browser(ctx context.Context, client *http.Client, startURL string, decision Decision) error {
	b := newBrowser(client)
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
	final, err := newBrowser(nil).walk(ctx, startURL, decision)
	if err != nil {
		return "", err
	}
	return final.String(), nil
}

type browser struct {
	client http.Client
	at     string // the address that it asked last
}

func newBrowser(client *http.Client) *browser {
	if client == nil {
		client = &http.Client{Transport: &http.Transport{DisableKeepAlives: true}} // leaves nothing behind
	}
	b := &browser{client: *client}
	b.client.Timeout, b.client.CheckRedirect = cmp.Or(client.Timeout, loadTimeout), b.follow
	b.client.Jar, _ = cookiejar.New(nil) // without options it never fails
	return b
}

// follow does not follow a redirect to another machine, nor that by which the sandbox
// hands over its answer.
func (b *browser) follow(r *http.Request, via []*http.Request) error {
	r.Header.Del("Referer") // of an address that may hold a code
	switch {
	case len(via) > maxHops:
		return errTooMany
	case !cronofy.LoopbackHost(r.URL.Hostname()), isSandbox(r.Response) && r.URL.Host != via[len(via)-1].URL.Host:
		return http.ErrUseLastResponse
	}
	b.at = r.URL.String()
	return nil
}

func isSandbox(resp *http.Response) bool { return resp.Header.Get("Server") == serverName }

// walk goes through the pages, and gives the address where the sandbox sends the
// browser in the end.
func (b *browser) walk(ctx context.Context, startURL string, decision Decision) (final *url.URL, err error) {
	address, form := startURL, url.Values(nil)
	for range maxHops {
		resp, page, err := b.load(ctx, address, form)
		if err != nil {
			return nil, err
		}
		final, err := resp.Location()
		action, values := fill(page, decision)
		switch {
		case !isSandbox(resp):
			return nil, ErrNotSandbox
		case err == nil:
			return final, nil
		case resp.StatusCode >= 400 || action == "":
			return nil, fmt.Errorf("%s answered %d: %s", resp.Request.URL.Host, resp.StatusCode, cronofy.CleanText(resp.Header.Get(reasonHeader), 200))
		}
		address, form = resp.Request.URL.ResolveReference(&url.URL{Path: action}).String(), values
	}
	return nil, errTooMany
}

// deliver visits the final address, and the pages that it leads to on this machine.
func (b *browser) deliver(ctx context.Context, final *url.URL) error {
	address, left := final.String(), &LeftError{Host: final.Host, Final: cronofy.NewSecret(final.String())}
	for range maxHops {
		resp, page, err := b.load(ctx, address, nil)
		switch away := errors.Is(err, ErrNotSandbox); {
		case err == nil:
		case b.at == final.String() && away:
			return left
		case b.at == final.String() && ctx.Err() == nil:
			left.Err = err
			return left
		case away: // the answer has come to its receiver
			return nil
		default:
			return err
		}
		next, wait := refresh(resp.Request.URL, page)
		if next == nil {
			return nil
		}
		if err := cronofy.Sleep(ctx, wait); err != nil {
			return err
		}
		address = next.String()
	}
	return errTooMany
}

// load sends a form, or opens an address if there is none, and reads the page that
// comes after all redirects on this machine.
func (b *browser) load(ctx context.Context, address string, form url.Values) (*http.Response, string, error) {
	b.at = address
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, address, strings.NewReader(form.Encode()))
	if err != nil || !cronofy.LoopbackHost(r.URL.Hostname()) {
		return nil, "", ErrNotSandbox
	}
	if form != nil {
		r.Method = http.MethodPost
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		r.Header.Set("Origin", "http://"+r.URL.Host)
	}
	resp, err := b.client.Do(r)
	if u, ok := errors.AsType[*url.Error](err); ok {
		err = u.Err // without the address, which may hold a code
	}
	if err != nil {
		return nil, "", fmt.Errorf("%s %s: %w", r.Method, r.URL.Host, err)
	}
	defer resp.Body.Close()
	page, err := io.ReadAll(io.LimitReader(resp.Body, maxPage))
	if err != nil {
		return nil, "", fmt.Errorf("read page: %w", err)
	}
	return resp, string(page), nil
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

var refreshPattern = regexp.MustCompile(`<meta http-equiv="refresh" content="([0-5]); url=([^"]+)">`)

// refresh tells where a page that renews itself leads, and when; nil if it does not.
func refresh(at *url.URL, page string) (target *url.URL, wait time.Duration) {
	if m := refreshPattern.FindStringSubmatch(page); m != nil {
		target, _ = at.Parse(html.UnescapeString(m[2])) // nil if it is none
		wait = time.Duration(m[1][0]-'0') * time.Second
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
