package command

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"os"
	"os/signal"
	"syscall"
	"time"

	"confer/cronofy"
	"confer/flow"
	"confer/internal/profiles"
)

// events writes the JSON lines of setup --json: the contract for scripts.
type events struct {
	enc     *json.Encoder
	now     func() time.Time
	warning func(flow.Link) string // nil: there are none
}

func newEvents(w io.Writer) *events {
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false) // the authorize URL has &
	return &events{enc: enc, now: time.Now}
}

type eventHead struct {
	Event string `json:"event"`
	Time  string `json:"time"` // RFC 3339, UTC
}

func (e *events) head(name string) eventHead {
	return eventHead{name, e.now().UTC().Format(time.RFC3339)}
}

type authorizeEvent struct {
	eventHead
	URL         string           `json:"url"` // holds the link token
	RedirectURI string           `json:"redirect_uri"`
	Provider    cronofy.Provider `json:"provider"`
}

type linkedEvent struct {
	eventHead
	DataCenter         string             `json:"data_center"` // the host, when it is overridden
	ClientID           string             `json:"client_id"`
	ServiceAccountID   string             `json:"service_account_id"`
	Provider           cronofy.Provider   `json:"provider"`
	OrganizationalUnit organizationalUnit `json:"organizational_unit"`
	Scope              string             `json:"scope"`
	SecretStore        flow.StoreKind     `json:"secret_store"`
	Label              string             `json:"label"`
	Warning            string             `json:"warning,omitempty"` // what the operator should know now
}

type organizationalUnit struct {
	Sub string `json:"sub,omitempty"`
}

type failedEvent struct {
	eventHead
	Code     string `json:"code"`
	Message  string `json:"message"`
	Hint     string `json:"hint"`
	Step     string `json:"step"`
	Approved bool   `json:"approved"`
}

// accountEvent follows linked when --accounts was given: one a line of the list.
type accountEvent struct {
	eventHead
	profiles.Record
}

func (e *events) account(r profiles.Record) error {
	return e.enc.Encode(accountEvent{e.head("account"), r})
}

// follow writes what the contract knows of an event.
func (e *events) follow(s flow.State, ev flow.Event) {
	r, ok := ev.(flow.Report)
	if !ok {
		return
	}
	switch ev := r.Event.(type) {
	case flow.LinkReady:
		e.write(authorizeEvent{e.head("authorize"), ev.URL, ev.RedirectURI, s.Answers.Provider})
	case flow.Linked:
		e.linked(ev.Link)
	}
}

func (e *events) linked(l flow.Link) {
	warning := ""
	if e.warning != nil {
		warning = e.warning(l)
	}
	e.write(linkedEvent{
		Warning:            warning,
		eventHead:          e.head("linked"),
		DataCenter:         place(l.Site),
		ClientID:           l.ClientID,
		ServiceAccountID:   l.ServiceAccount,
		Provider:           l.Provider,
		OrganizationalUnit: organizationalUnit{cronofy.CleanText(l.OrganizationalUnit, 100)},
		Scope:              cronofy.CleanText(l.Scope, 200),
		SecretStore:        l.Store,
		Label:              l.Label,
	})
}

func (e *events) failed(p flow.Problem) {
	e.write(failedEvent{e.head("failed"), p.Code, p.Summary, p.Hint, p.Step.String(), p.Approved})
}

// write goes on without a reader: what was begun is finished, and the exit code
// still tells how it ended.
func (e *events) write(v any) { _ = e.enc.Encode(v) }

// place is the data center's id, or the host that was put in its place.
func place(s cronofy.Site) string {
	if s.Overridden() && !s.Sandbox {
		return s.APIHost()
	}
	return s.DataCenter.ID
}

// surviveBrokenPipes makes a write to a closed pipe an error of that write. The Go
// runtime would end the program with SIGPIPE, in the middle of a set-up that an
// administrator has approved. The signal is caught and not ignored: a browser
// would inherit that. https://pkg.go.dev/os/signal#hdr-SIGPIPE
func surviveBrokenPipes() { signal.Notify(make(chan os.Signal, 1), syscall.SIGPIPE) }

// readerLeft tells whether a write failed because nobody reads on. That is no
// mistake, and there is nobody to tell.
func readerLeft(err error) bool {
	// Windows' ERROR_BROKEN_PIPE and ERROR_NO_DATA.
	// https://learn.microsoft.com/windows/win32/debug/system-error-codes--0-499-
	const brokenPipe, noData = 109, 232
	var errno syscall.Errno
	if !errors.As(err, &errno) {
		return false
	}
	return errno == syscall.EPIPE || os.PathSeparator == '\\' && (errno == brokenPipe || errno == noData)
}

// openLog opens the file of --debug, which stays open until the program ends;
// nil without the flag. What goes into it is safe to post: names of events,
// hosts, paths and statuses, never keys, values, queries or bodies.
func (f *settings) openLog(ctx context.Context) error {
	if f.debug == "" || f.log != nil {
		return nil
	}
	file, err := await(ctx, func() (*os.File, error) { // a FIFO waits for its reader
		return os.OpenFile(f.debug, os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o600)
	})
	if err != nil {
		return inputError("debug", err, "name a file that can be written")
	}
	f.log = slog.New(slog.NewJSONHandler(file, &slog.HandlerOptions{Level: slog.LevelDebug}))
	return nil
}

// loggedTransport notes each call to Cronofy.
type loggedTransport struct {
	next http.RoundTripper
	log  *slog.Logger
}

// CloseIdleConnections is what http.Client looks for.
func (t *loggedTransport) CloseIdleConnections() {
	if c, ok := t.next.(interface{ CloseIdleConnections() }); ok {
		c.CloseIdleConnections()
	}
}

// RoundTrip implements http.RoundTripper.
func (t *loggedTransport) RoundTrip(r *http.Request) (*http.Response, error) {
	began := time.Now()
	resp, err := t.next.RoundTrip(r)
	attrs := []any{"method", r.Method, "host", r.URL.Host, "path", r.URL.Path, "took", time.Since(began).Round(time.Millisecond).String()}
	if err != nil {
		t.log.Debug("call without an answer", attrs...) // its error comes with the event that follows
		return resp, err
	}
	t.log.Debug("call", append(attrs, "status", resp.StatusCode, "date", resp.Header.Get("Date"))...)
	return resp, nil
}
