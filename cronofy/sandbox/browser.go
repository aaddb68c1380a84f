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
	"strconv"
	"strings"
	"time"

	"confer/cronofy"
)

// Decision is what the built-in browser clicks.
type Decision int

// The decisions, made on the first page. Everything else is left as the pages suggest it.
const (
	Approve Decision = iota
	Deny
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
	maxHops     = 40
	maxPage     = 1 << 20
	maxRefresh  = 5 * time.Second
	hopTimeout  = time.Minute
	formActions = "/approval/"
)

// Browser clicks through the sandbox's pages over real HTTP, from a local short
// link or an authorization URL to the page that the redirect URI leads to. It
// goes to no other machine. client may be nil; its redirect policy is not used.
func Browser(ctx context.Context, client *http.Client, startURL string, decision Decision) error {
	b := newBrowser(client, decision)
	if client == nil {
		defer b.client.CloseIdleConnections()
	}
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

func newBrowser(client *http.Client, decision Decision) *browser {
	c := http.Client{Timeout: hopTimeout}
	if client != nil {
		c = *client
	} else {
		c.Transport = &http.Transport{ResponseHeaderTimeout: hopTimeout} // no proxy: everything is on loopback
	}
	c.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	if c.Jar == nil {
		c.Jar, _ = cookiejar.New(nil) // without options it never fails
	}
	button := "allow"
	if decision == Deny {
		button = "deny"
	}
	return &browser{client: &c, button: button}
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
	f, isForm := findForm(page, "approval")
	isForm = isForm && strings.HasPrefix(f.action, formActions)
	switch {
	case resp.StatusCode >= 300 && resp.StatusCode < 400:
		target, err := resp.Location()
		if err != nil {
			return nil, fmt.Errorf("status %d without a usable Location", resp.StatusCode)
		}
		return http.NewRequestWithContext(ctx, http.MethodGet, target.String(), nil)
	case isForm && resp.StatusCode >= 400:
		return nil, fmt.Errorf("the page refused the form: %s", title(page))
	case isForm:
		return b.answer(ctx, resp.Request.URL, f)
	case resp.StatusCode >= 400 && !b.back: // what the redirect URI answers is its own affair
		return nil, b.refused(resp, page)
	}
	target, wait, ok := refresh(resp, page)
	if !ok {
		return nil, nil
	}
	if !pause(ctx, wait) {
		return nil, ctx.Err()
	}
	return http.NewRequestWithContext(ctx, http.MethodGet, target.String(), nil)
}

func (b *browser) refused(resp *http.Response, page string) error {
	err := fmt.Errorf("%s answered %d: %s", resp.Request.URL.Host, resp.StatusCode, title(page))
	if b.host == "" {
		return fmt.Errorf("%w: %w", ErrNotSandbox, err)
	}
	if reason := resp.Header.Get(reasonHeader); reason != "" {
		return fmt.Errorf("%w (%s)", err, cronofy.CleanText(reason, 100))
	}
	return err
}

// answer sends the form of the page at an address, by the browser's button.
func (b *browser) answer(ctx context.Context, at *url.URL, f form) (*http.Request, error) {
	values, err := f.fill(b.button)
	if err != nil {
		return nil, err
	}
	target, err := at.Parse(f.action)
	if err != nil {
		return nil, errors.New("the form's action is malformed")
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, target.String(), strings.NewReader(values.Encode()))
	if err != nil {
		return nil, err
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.Header.Set("Origin", at.Scheme+"://"+at.Host)
	return r, nil
}

// refresh tells where a page that renews itself leads, by its header or a meta
// element, and when.
func refresh(resp *http.Response, page string) (target *url.URL, wait time.Duration, ok bool) {
	seconds, rest, _ := strings.Cut(cmp.Or(resp.Header.Get("Refresh"), metaRefresh(page)), ";")
	n, err := strconv.Atoi(strings.TrimSpace(seconds))
	if err != nil || n < 0 {
		return nil, 0, false
	}
	target = resp.Request.URL
	if _, address, ok := strings.Cut(rest, "="); ok {
		target, err = target.Parse(strings.Trim(strings.TrimSpace(address), `'"`))
	}
	return target, min(time.Duration(n)*time.Second, maxRefresh), err == nil
}

// element is a start tag: all that reading our own forms needs.
type element struct {
	name  string
	attrs map[string]string
}

// form is a form of the sandbox's pages.
type form struct {
	action   string
	controls []element // input and button
}

// findForm gives the form with an id.
func findForm(page, id string) (form, bool) {
	var f form
	inside := false
	for _, e := range elements(page) {
		switch {
		case e.name == "form":
			inside = e.attrs["id"] == id
			if inside {
				f.action = e.attrs["action"]
			}
		case e.name == "/form" && inside:
			return f, true
		case inside && (e.name == "input" || e.name == "button"):
			f.controls = append(f.controls, e)
		}
	}
	return form{}, false
}

// fill gives what a browser sends when the button is clicked.
func (f form) fill(button string) (url.Values, error) {
	values := url.Values{}
	clicked := false
	for _, c := range f.controls {
		name, value := c.attrs["name"], c.attrs["value"]
		_, checked := c.attrs["checked"]
		switch kind := c.attrs["type"]; {
		case c.name == "button":
			if c.attrs["id"] == button {
				values.Set(name, value)
				clicked = true
			}
		case kind == "radio":
			if checked && !values.Has(name) {
				values.Set(name, value)
			}
		case kind == "hidden" || kind == "text":
			values.Set(name, value)
		}
	}
	if !clicked {
		return nil, errors.New("the page has no button " + button)
	}
	return values, nil
}

// title is a page's title, for an error.
func title(page string) string {
	_, rest, ok := strings.Cut(page, "<title>")
	if !ok {
		return "no title"
	}
	text, _, _ := strings.Cut(rest, "</title>")
	return cronofy.CleanText(html.UnescapeString(text), 100)
}

func metaRefresh(page string) string {
	for _, e := range elements(page) {
		if e.name == "meta" && strings.EqualFold(e.attrs["http-equiv"], "refresh") {
			return e.attrs["content"]
		}
	}
	return ""
}

var (
	tagPattern       = regexp.MustCompile(`<(/?[A-Za-z][A-Za-z0-9]*)((?:[^>"']|"[^"]*"|'[^']*')*)>`)
	attributePattern = regexp.MustCompile(`([^\s"'>/=]+)(?:\s*=\s*(?:"([^"]*)"|'([^']*)'|([^\s"'>]+)))?`)
)

// elements gives the tags of a page in their order; end tags begin with "/".
// What is no well-formed tag is passed over.
func elements(page string) []element {
	var out []element
	for _, tag := range tagPattern.FindAllStringSubmatch(page, -1) {
		e := element{name: strings.ToLower(tag[1]), attrs: map[string]string{}}
		for _, a := range attributePattern.FindAllStringSubmatch(tag[2], -1) {
			name := strings.ToLower(a[1])
			if _, twice := e.attrs[name]; !twice {
				e.attrs[name] = html.UnescapeString(a[2] + a[3] + a[4])
			}
		}
		out = append(out, e)
	}
	return out
}
