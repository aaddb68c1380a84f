package command

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"os"
	"reflect"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"

	"confer/cronofy"
	"confer/flow"
	"confer/internal/profiles"
	"confer/keystore"
)

// events writes JSON lines, as docs/schema.json has them.
type events struct{ enc *json.Encoder }

func newEvents(w io.Writer) *events {
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false) // the authorize URL has &
	return &events{enc}
}

// members are those of a JSON object, in their order: names and values in turn. One
// whose name ends in "?" is left out where its value is empty.
type members []any

func (m members) MarshalJSON() ([]byte, error) {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	b.WriteByte('{')
	for pair := range slices.Chunk(m, 2) {
		name, optional := strings.CutSuffix(pair[0].(string), "?")
		if optional && reflect.ValueOf(pair[1]).IsZero() {
			continue
		}
		fmt.Fprintf(&b, "%q:", name)
		if err := enc.Encode(pair[1]); err != nil {
			return nil, err
		}
		b.WriteByte(',')
	}
	return append(bytes.TrimSuffix(b.Bytes(), []byte(",")), '}'), nil
}

// write goes on without a reader: what was begun is finished, and the exit code
// still tells how it ended.
func (e *events) write(event string, m ...any) { _ = e.encode(event, m...) }

func (e *events) encode(event string, m ...any) error {
	return e.enc.Encode(append(members{"event", event, "time", eventTime(time.Now())}, m...))
}

func eventTime(t time.Time) string { return t.UTC().Format(time.RFC3339) }

// account follows linked when --accounts was given: one a line of the list.
func (e *events) account(r profiles.Record) error {
	return e.enc.Encode(struct {
		Event string `json:"event"`
		Time  string `json:"time"`
		profiles.Record
	}{"account", eventTime(time.Now()), r})
}

func (e *events) linked(l flow.Link, warning string) {
	e.write("linked", "data_center", place(l.Site), "client_id", l.ClientID, "service_account_id", l.ServiceAccount, "provider", l.Provider,
		"organizational_unit", members{"sub?", cronofy.CleanText(l.OrganizationalUnit, 100)}, "scope", cronofy.CleanText(l.Scope, 200),
		"secret_store", l.Store, "label", l.Label, "warning?", warning)
}

func (e *events) failed(p flow.Problem) {
	e.write("failed", "code", p.Code, "message", p.Summary, "hint", p.Hint, "step", p.Step.String(), "approved", p.Approved)
}

// place is the data center's id, or the host that was put in its place.
func place(s cronofy.Site) string {
	if s.Overridden() && !s.Sandbox {
		return s.APIHost()
	}
	return s.DataCenter.ID
}

// results is standard output, which remembers the first write that failed: what
// could not be written is no success, and most writes are looked at by nobody.
type results struct {
	file   *os.File
	mu     sync.Mutex
	failed error
}

func (r *results) Write(b []byte) (int, error) {
	n, err := r.file.Write(b)
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.failed == nil {
		r.failed = err
	}
	return n, err
}

// fileOf is the file behind a stream; nil: there is none.
func fileOf(stream any) *os.File {
	switch f := stream.(type) {
	case *os.File:
		return f
	case *results:
		return f.file
	}
	return nil
}

// isWrite tells an error of standard output, which cobra hands on.
func isWrite(err error) bool {
	path, ok := errors.AsType[*os.PathError](err)
	return ok && path.Op == "write" && path.Path == os.Stdout.Name()
}

// writtenOr is the exit code of a run, unless its results could not be written.
func writtenOr(s streams, err error, code int) int {
	r, ok := s.out.(*results)
	if f, failed := errors.AsType[*failure](err); failed && f.Summary != "" || !ok {
		return code
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.failed == nil || readerLeft(r.failed) || code == flow.ExitCancelled {
		return code
	}
	complain(s.err, "the results could not be written: "+cronofy.FileReason(r.failed), "free some space, or send standard output elsewhere")
	return max(code, flow.ExitFailed)
}

// readerLeft tells whether a write failed because nobody reads on, which is no mistake.
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
	*http.Transport
	log *slog.Logger
}

func (t *loggedTransport) RoundTrip(r *http.Request) (*http.Response, error) {
	began := time.Now()
	resp, err := t.Transport.RoundTrip(r)
	attrs := []any{"method", r.Method, "host", r.URL.Host, "path", r.URL.Path, "took", time.Since(began).Round(time.Millisecond).String()}
	if err == nil { // an error comes with the event that follows
		attrs = append(attrs, "status", resp.StatusCode, "date", resp.Header.Get("Date"))
	}
	t.log.Debug("call", attrs...)
	return resp, err
}

func sayWait(w io.Writer, d time.Duration, reason string) {
	fmt.Fprintf(w, "confer: waiting %s (%s)\n", d.Round(100*time.Millisecond), reason)
}

// sayStoreWait says what a store waits for: a window, or another process.
func sayStoreWait(w io.Writer, wait keystore.Wait) {
	if words := flow.WaitWords(wait); words != "" {
		fmt.Fprintf(w, "confer: %s.\n", words)
	}
}
