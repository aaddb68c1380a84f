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
	"strconv"
	"strings"
	"time"

	"confer/cronofy"
)

// Decision is what the built-in browser clicks.
type Decision int

// The decisions. Deny refuses on the first page.
const (
	Approve Decision = iota
	Deny
)

// Script is a series of clicks that differs from page to page.
type Script struct {
	Decision Decision
	DenyAt   int              // the page, from 1, on which Deny is clicked; 0 is the first
	Provider cronofy.Provider // what is chosen from the list; empty is what the page suggests
	NewUnit  string           // the name of a new Organizational Unit; empty takes the one suggested
}

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
	return Script{Decision: decision}.Browse(ctx, client, startURL)
}

// Browse is Browser with its clicks written down.
func (sc Script) Browse(ctx context.Context, client *http.Client, startURL string) error {
	b := newBrowser(client)
	if client == nil {
		defer b.client.CloseIdleConnections()
	}
	next := &step{method: http.MethodGet, target: startURL}
	for hop := 0; next != nil; hop++ {
		if hop == maxHops {
			return errors.New("browse approval: too many pages")
		}
		var err error
		if next, err = b.take(ctx, next, sc); err != nil {
			return fmt.Errorf("browse approval: %w", err)
		}
	}
	if b.host == "" {
		return fmt.Errorf("browse approval: %w", ErrNotSandbox)
	}
	return nil
}

// browser is a user agent with cookies.
type browser struct {
	client *http.Client
	page   int    // approval pages answered
	host   string // the sandbox's; empty until it answered
	back   bool   // the redirect URI has answered
}

// step is a request that the browser is about to send.
type step struct {
	method, target string
	form           url.Values
	origin         string
	wait           time.Duration
}

func newBrowser(client *http.Client) *browser {
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
	return &browser{client: &c}
}

// take sends one request and gives the one that follows it, nil at the end.
func (b *browser) take(ctx context.Context, st *step, sc Script) (*step, error) {
	if st.wait > 0 && !pause(ctx, st.wait) {
		return nil, ctx.Err()
	}
	resp, err := b.send(ctx, st)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	if resp.StatusCode >= 300 && resp.StatusCode < 400 {
		return redirected(resp)
	}
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxPage))
	if err != nil {
		return nil, fmt.Errorf("read page: %w", bare(err))
	}
	return b.follow(resp, string(body), sc)
}

func (b *browser) send(ctx context.Context, st *step) (*http.Response, error) {
	var body io.Reader
	if st.form != nil {
		body = strings.NewReader(st.form.Encode())
	}
	r, err := http.NewRequestWithContext(ctx, st.method, st.target, body)
	if err != nil {
		return nil, errors.New("the address is malformed") // the error would quote it
	}
	switch here := cronofy.LoopbackHost(r.URL.Hostname()); {
	case !here && b.host == "":
		return nil, ErrNotSandbox
	case !here:
		return nil, &LeftError{Host: r.URL.Host, Final: cronofy.NewSecret(st.target)}
	}
	if st.form != nil {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		r.Header.Set("Origin", st.origin)
	}
	resp, err := b.client.Do(r)
	if err != nil {
		err = fmt.Errorf("%s %s: %w", st.method, r.URL.Host, bare(err))
		if ctx.Err() == nil && b.left(r) && !b.back {
			return nil, &LeftError{Host: r.URL.Host, Final: cronofy.NewSecret(st.target), Err: err}
		}
		return nil, err
	}
	if resp.Header.Get("Server") == serverName {
		b.host = r.URL.Host
	}
	b.back = b.left(r)
	return resp, nil
}

// left tells whether a request follows the sandbox's answer.
func (b *browser) left(r *http.Request) bool { return b.host != "" && b.host != r.URL.Host }

// bare takes the address off an error: it may hold a code.
func bare(err error) error {
	var u *url.Error
	if errors.As(err, &u) {
		return u.Err
	}
	return err
}

func redirected(resp *http.Response) (*step, error) {
	target, err := resp.Location()
	if err != nil {
		return nil, fmt.Errorf("status %d without a usable Location", resp.StatusCode)
	}
	return &step{method: http.MethodGet, target: target.String()}, nil
}

// follow answers an approval page, waits where a page says that it renews
// itself, and ends on any other.
func (b *browser) follow(resp *http.Response, page string, sc Script) (*step, error) {
	f, ok := findForm(page, "approval")
	if ok && strings.HasPrefix(f.action, formActions) {
		return b.answer(resp, f, sc)
	}
	if resp.StatusCode >= 400 && !b.back { // what the redirect URI answers is its own affair
		return nil, b.refused(resp, page)
	}
	return refreshed(resp, page), nil
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

// answer fills a form in and clicks a button, as Script says.
func (b *browser) answer(resp *http.Response, f form, sc Script) (*step, error) {
	if resp.StatusCode >= 400 {
		return nil, fmt.Errorf("the page refused the form: %s", title(resp.Status))
	}
	b.page++
	button := "allow"
	if sc.Decision == Deny && b.page >= sc.DenyAt {
		button = "deny"
	}
	values, err := f.fill(button, sc)
	if err != nil {
		return nil, err
	}
	u := resp.Request.URL
	target, err := u.Parse(f.action)
	if err != nil {
		return nil, errors.New("the form's action is malformed")
	}
	return &step{method: http.MethodPost, target: target.String(), form: values, origin: u.Scheme + "://" + u.Host}, nil
}

// refreshed gives the next request of a page that renews itself by a Refresh
// header or a meta element.
func refreshed(resp *http.Response, page string) *step {
	content := resp.Header.Get("Refresh")
	if content == "" {
		content = metaRefresh(page)
	}
	if content == "" {
		return nil
	}
	seconds, rest, _ := strings.Cut(content, ";")
	n, err := strconv.Atoi(strings.TrimSpace(seconds))
	if err != nil || n < 0 {
		return nil
	}
	target := resp.Request.URL
	if k, v, ok := strings.Cut(rest, "="); ok && strings.EqualFold(strings.TrimSpace(k), "url") {
		if target, err = target.Parse(strings.Trim(strings.TrimSpace(v), `'"`)); err != nil {
			return nil
		}
	}
	return &step{method: http.MethodGet, target: target.String(), wait: min(time.Duration(n)*time.Second, maxRefresh)}
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
func (f form) fill(button string, sc Script) (url.Values, error) {
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
			if checked && !values.Has(name) || sc.chooses(name, value) {
				values.Set(name, value)
			}
		case kind == "hidden" || kind == "text":
			values.Set(name, value)
		}
	}
	if !clicked {
		return nil, errors.New("the page has no button " + button)
	}
	if sc.NewUnit != "" && values.Has("unit_name") {
		values.Set("unit_name", sc.NewUnit)
	}
	return values, nil
}

func (sc Script) chooses(name, value string) bool {
	return name == "provider" && value == string(sc.Provider) || name == "unit" && value == "new" && sc.NewUnit != ""
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
