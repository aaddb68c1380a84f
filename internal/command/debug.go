package command

import (
	"context"
	"log/slog"
	"net/http"
	"os"
	"time"

	"confer/flow"
)

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
		return inputError("--debug", err, "name a file that can be written", flow.StepDataCenter)
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
