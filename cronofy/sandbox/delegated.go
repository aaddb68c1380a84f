package sandbox

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/mail"
	"net/url"
	"slices"
	"strings"
	"syscall"
	"time"

	"confer/cronofy"
)

// delegation is one request for access to a person's or room's calendar.
type delegation struct {
	email, callbackURL, scope string
	state                     any // nil: none
}

const maxDelegations = 50

// delegate is POST /v1/service_account_authorizations: the single form or a
// collection of 1 to 50.
// https://docs.cronofy.com/developers/api/enterprise-connect/delegated-access
func (s *Server) delegate(c *call, g *grant) {
	asked, wrong := delegations(c, g.delegated)
	if wrong != nil {
		c.invalid(wrong)
		return
	}
	c.status = http.StatusAccepted
	s.work.Go(func() { // outlives the request; Close waits for it
		for _, d := range asked {
			if s.ctx.Err() == nil {
				s.notify(d, c.switches)
			}
		}
	})
}

func delegations(c *call, delegated string) ([]delegation, *fieldError) {
	const name = "service_account_authorizations"
	list, collection := c.params[name]
	entries, isList := list.([]any)
	single := slices.ContainsFunc([]string{"email", "callback_url", "scope", "state"}, func(f string) bool {
		_, there := c.params[f]
		return there
	})
	switch {
	case c.params == nil:
		return nil, invalid("base", "neither a JSON object nor a form, by the Content-Type")
	case !collection:
		entries = []any{object(c.params)}
	case single:
		return nil, invalid(name, "not beside a single authorization")
	case !isList || len(entries) == 0 || len(entries) > maxDelegations:
		return nil, invalid(name, "must be a list of 1 to 50")
	}
	var all []delegation
	for i, e := range entries {
		where := ""
		if collection {
			where = fmt.Sprintf("%s[%d].", name, i)
		}
		one, ok := e.(object)
		if !ok {
			return nil, invalid(strings.TrimSuffix(where, "."), "must be an object")
		}
		d, wrong := readDelegation(one, where, delegated)
		if wrong != nil {
			return nil, wrong
		}
		all = append(all, d)
	}
	return all, nil
}

func readDelegation(p params, where, delegated string) (delegation, *fieldError) {
	state, hasState := p["state"]
	_, isText := state.(string)
	d := delegation{p.text("email"), p.text("callback_url"), p.text("scope"), state}
	for _, field := range []string{"email", "callback_url", "scope"} {
		if p.text(field) == "" {
			return d, required(where + field)
		}
	}
	// Cronofy's own rule for addresses is not documented: a choice.
	address, err := mail.ParseAddress(d.email)
	switch {
	case hasState && !isText:
		return d, invalid(where+"state", "must be a string")
	case err != nil || address.Address != d.email:
		return d, invalid(where+"email", "must be an email address")
	case !Permittable(d.callbackURL):
		return d, invalid(where+"callback_url", "must be http or https")
	case !within(d.scope, delegated):
		return d, invalid(where+"scope", "not within the delegated scope")
	}
	return d, nil
}

// Permittable tells whether a URI can be on the list of permitted redirect URIs, or
// a callback URL: absolute, http or https, without fragment or user.
func Permittable(uri string) bool {
	u, err := url.Parse(uri)
	return err == nil && (u.Scheme == "http" || u.Scheme == "https") && u.Hostname() != "" &&
		u.User == nil && u.Fragment == "" && !strings.HasSuffix(uri, "#")
}

// within tells whether each of the space-separated scopes is granted by some of
// the delegated ones. What the wide ones hold is a choice by their names.
func within(scope, delegated string) bool {
	granted := expand(delegated)
	return !slices.ContainsFunc(expand(scope), func(one string) bool { return !slices.Contains(granted, one) })
}

func expand(scope string) []string {
	var out []string
	for _, one := range strings.Fields(scope) {
		out = append(out, strings.Fields(cmp.Or(wideScopes[one], one))...)
	}
	return out
}

var wideScopes = map[string]string{
	"free_busy":       "read_account list_calendars read_free_busy",
	"free_busy_write": "read_account list_calendars read_free_busy create_event delete_event",
	"read_only":       "read_account list_calendars read_events read_free_busy",
	"write_only":      "read_account list_calendars create_event delete_event",
	"read_write": "read_account list_calendars read_events read_free_busy create_event delete_event create_calendar " +
		"event_reminders change_participation_status",
}

const webhookTimeout = 5 * time.Second

// loopbackClient can connect to this machine and to nothing else, follows no
// redirect and uses no proxy.
func loopbackClient() *http.Client {
	d := &net.Dialer{Timeout: webhookTimeout, Control: onlyLoopback}
	return &http.Client{
		Timeout:       webhookTimeout,
		Transport:     &http.Transport{DialContext: d.DialContext, MaxIdleConns: 4, IdleConnTimeout: time.Second},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

// onlyLoopback sees the address after the name was looked up.
func onlyLoopback(_, address string, _ syscall.RawConn) error {
	host, _, err := net.SplitHostPort(address)
	if err != nil || !cronofy.LoopbackHost(host) {
		return errors.New("not a loopback address")
	}
	return nil
}

// notify posts the result of one delegation, as the documentation's webhook.
func (s *Server) notify(d delegation, sw Switches) {
	a := object{}
	if d.state != nil {
		a["state"] = d.state
	}
	s.mu.Lock()
	if i := s.find(d.email); i >= 0 {
		a["code"] = s.newCode(&grant{kind: accountGrant, account: i, sub: s.people[i].Sub, scope: d.scope}, d.callbackURL)
	} else { // the keys are from SDK samples, the values are a choice
		a["error"], a["error_key"], a["error_description"] = "access_denied", "errors.not_found", "There is no such mailbox"
	}
	other := cronofy.NewSecret("CRN_" + s.text(40))
	s.mu.Unlock()
	body := encode(object{"authorization": a}, sw)
	header := http.Header{"Content-Type": {jsonType}}
	digests := cronofy.Digest(body, s.opts.ClientSecret)
	if sw.SecondDigest {
		digests = cronofy.Digest(body, other) + "," + digests
	}
	if !sw.UnsignedWebhooks {
		header.Set(cronofy.HMACHeader, digests)
	}
	s.send(s.ctx, http.MethodPost, d.callbackURL, "callback_url", header, body)
}

// send sends a request to this machine alone, and logs what came of it.
func (s *Server) send(ctx context.Context, method, target, name string, header http.Header, body []byte) {
	entry := LogEntry{Host: "webhook", Method: method, Path: name}
	defer func() { s.note(entry) }()
	r, err := http.NewRequestWithContext(ctx, method, target, bytes.NewReader(body))
	if err != nil || !cronofy.LoopbackHost(r.URL.Hostname()) {
		entry.Note = "not sent: the address is not on this machine"
		return
	}
	r.Header = header
	resp, err := s.webhooks.Do(r)
	if err != nil {
		entry.Note = "no answer"
		return
	}
	entry.Status = resp.StatusCode
	_ = resp.Body.Close()
}
