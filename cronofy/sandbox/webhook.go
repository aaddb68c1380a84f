package sandbox

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"net"
	"net/http"
	"net/url"
	"syscall"
	"time"

	"confer/cronofy"
)

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

type webhookAuthorization struct {
	Code             string  `json:"code,omitempty"`
	Error            string  `json:"error,omitempty"`
	ErrorKey         string  `json:"error_key,omitempty"`
	ErrorDescription string  `json:"error_description,omitempty"`
	State            *string `json:"state,omitempty"`
}

func (s *Server) notifyAll(asked []delegation, sw Switches) {
	for _, d := range asked {
		if s.ctx.Err() != nil {
			return
		}
		s.notify(d, sw)
	}
}

// notify posts the result of one delegation, as the documentation's webhook.
func (s *Server) notify(d delegation, sw Switches) {
	var a webhookAuthorization
	if d.hasState {
		a.State = &d.state
	}
	if i, ok := s.org.find(d.email); ok {
		a.Code = s.rand.text(32)
		s.state.newCode(a.Code, authCode{
			grant:       &grant{kind: accountGrant, account: i, sub: accountSub(i), scope: d.scope},
			redirectURI: d.callbackURL, expires: s.opts.Now().Add(codeLife),
		})
	} else { // the keys are from SDK samples, the values are a choice
		a.Error, a.ErrorKey, a.ErrorDescription = "access_denied", "errors.not_found", "There is no such mailbox"
	}
	body, err := json.Marshal(map[string]webhookAuthorization{"authorization": a})
	if err == nil && sw.ExtraFields {
		body, err = withExtraFields(body)
	}
	if err == nil {
		s.post(d.callbackURL, body, sw)
	}
}

func (s *Server) post(callbackURL string, body []byte, sw Switches) {
	entry := LogEntry{Time: s.opts.Now(), Host: "webhook", Method: http.MethodPost, Path: "callback_url"}
	defer func() { s.log.add(entry) }()
	if u, err := url.Parse(callbackURL); err != nil || !cronofy.LoopbackHost(u.Hostname()) {
		entry.Note = "not sent: the callback URL is not on this machine"
		return
	}
	r, err := http.NewRequestWithContext(s.ctx, http.MethodPost, callbackURL, bytes.NewReader(body))
	if err != nil {
		entry.Note = "not sent: the callback URL is malformed"
		return
	}
	r.Header.Set("Content-Type", jsonType)
	if !sw.UnsignedWebhooks {
		r.Header.Set("Cronofy-HMAC-SHA256", s.signature(body, sw.SecondDigest))
	}
	resp, err := s.webhooks.Do(r)
	if err != nil {
		entry.Note = "no answer"
		return
	}
	entry.Status = resp.StatusCode
	_ = resp.Body.Close()
}

// signature is one digest for each active client secret.
func (s *Server) signature(body []byte, second bool) string {
	own := digest(s.opts.ClientSecret.Reveal(), body)
	if !second {
		return own
	}
	return digest("CRN_"+s.rand.text(40), body) + "," + own
}

func digest(secret string, body []byte) string {
	mac := hmac.New(sha256.New, []byte(secret))
	mac.Write(body)
	return base64.StdEncoding.EncodeToString(mac.Sum(nil))
}

// repeat delivers an answer to a loopback redirect URI ahead of the browser.
func (s *Server) repeat(ctx context.Context, target string) {
	entry := LogEntry{Time: s.opts.Now(), Host: "webhook", Method: http.MethodGet, Path: "redirect_uri"}
	defer func() { s.log.add(entry) }()
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, target, nil)
	if err != nil || !cronofy.LoopbackHost(r.URL.Hostname()) {
		entry.Note = "not sent: the redirect URI is not on this machine"
		return
	}
	resp, err := s.webhooks.Do(r)
	if err != nil {
		entry.Note = "no answer"
		return
	}
	entry.Status = resp.StatusCode
	_ = resp.Body.Close()
}
