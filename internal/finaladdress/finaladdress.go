// Package finaladdress plays, for tests, an administrator on another machine: their
// browser ends on an address that nothing serves, and they send that address.
package finaladdress

import (
	"context"
	"errors"
	"net/http"
	"strings"

	"confer/cronofy/sandbox"
)

var errStops = errors.New("the browser stops here")

// Approve clicks through the sandbox's pages and gives the address that the
// browser would end on.
func Approve(ctx context.Context, authorizeURL string) (string, error) {
	t := &transport{}
	err := sandbox.Browser(ctx, &http.Client{Transport: t}, authorizeURL, sandbox.Approve)
	if t.final == "" {
		return "", errors.Join(errors.New("no answer came"), err)
	}
	return t.final, nil
}

type transport struct{ final string }

// RoundTrip implements http.RoundTripper.
func (t *transport) RoundTrip(r *http.Request) (*http.Response, error) {
	resp, err := http.DefaultTransport.RoundTrip(r)
	if err != nil {
		return nil, err
	}
	if to := resp.Header.Get("Location"); strings.Contains(to, "code=") {
		resp.Body.Close()
		t.final = to
		return nil, errStops
	}
	return resp, nil
}
