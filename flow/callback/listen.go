package callback

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/url"
	"strconv"
	"strings"

	"confer/cronofy"
)

// ListenFunc listens as net.ListenConfig's Listen does.
type ListenFunc func(ctx context.Context, network, address string) (net.Listener, error)

// target is a redirect URI as the listener sees it.
type target struct {
	url      *url.URL
	loopback bool // plain http to this machine: we can be there ourselves
}

func parseTarget(raw string) (target, error) {
	u, err := url.Parse(raw)
	if err != nil {
		return target{}, errors.New("redirect URI: not an address") // url.Error quotes its input
	}
	switch {
	case u.Scheme != "http" && u.Scheme != "https", u.Hostname() == "":
		return target{}, errors.New("redirect URI: must be like http://127.0.0.1:8739/callback")
	case u.User != nil || u.Fragment != "":
		return target{}, errors.New("redirect URI: must have no user and no fragment")
	case portOf(u) < 0:
		return target{}, errors.New("redirect URI: not a port")
	}
	t := target{url: u, loopback: u.Scheme == "http" && cronofy.LoopbackHost(u.Hostname())}
	if port := portOf(u); !SafePort(port) && !(t.loopback && port == 0) {
		return target{}, &PortError{Addr: u.Host, Port: port, Class: PortUnsafe}
	}
	return t, nil
}

// host is what browsers send as Host: without the scheme's own port.
func (t target) host() string { return plainHost(t.url.Host, t.url.Scheme) }

func plainHost(host, scheme string) string {
	host = strings.ToLower(host)
	if scheme == "https" {
		return strings.TrimSuffix(host, ":443")
	}
	return strings.TrimSuffix(host, ":80")
}

// path is never empty: a browser asks for "/".
func (t target) path() string {
	if t.url.Path == "" {
		return "/"
	}
	return t.url.Path
}

// bind takes the redirect URI's own port. "localhost" is taken on both families
// or not at all: browsers try ::1 first, and whoever holds it would get the code.
func (t target) bind(ctx context.Context, listen ListenFunc) ([]net.Listener, error) {
	port := strconv.Itoa(portOf(t.url))
	if !strings.EqualFold(t.url.Hostname(), "localhost") {
		l, err := bindOne(ctx, listen, net.JoinHostPort(t.url.Hostname(), port))
		return []net.Listener{l}, err
	}
	l4, err := bindOne(ctx, listen, net.JoinHostPort("127.0.0.1", port))
	if err != nil {
		return nil, err
	}
	_, port, err = net.SplitHostPort(l4.Addr().String())
	if err != nil {
		return nil, errors.Join(fmt.Errorf("ListenFunc: %w", err), l4.Close())
	}
	l6, err := bindOne(ctx, listen, net.JoinHostPort("::1", port))
	if err != nil {
		return nil, errors.Join(err, l4.Close())
	}
	return []net.Listener{l4, l6}, nil
}

func bindOne(ctx context.Context, listen ListenFunc, addr string) (net.Listener, error) {
	l, err := listen(ctx, "tcp", addr)
	if err != nil {
		return nil, portError(addr, err)
	}
	return l, nil
}

// bound puts the port that was really taken into a redirect URI with port 0.
func (t target) bound(l net.Listener) target {
	if portOf(t.url) != 0 {
		return t
	}
	_, port, err := net.SplitHostPort(l.Addr().String())
	if err != nil {
		return t
	}
	u := *t.url
	u.Host = net.JoinHostPort(u.Hostname(), port)
	return target{url: &u, loopback: t.loopback}
}
