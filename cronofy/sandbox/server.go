package sandbox

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"slices"
	"sync"
	"time"

	"confer/cronofy"
)

// Server is one sandbox. Its methods may be called from several goroutines.
type Server struct {
	opts    Options
	rand    *random
	randErr error
	org     *organisation
	state   *store
	limits  *limiter
	log     *requestLog
	control string // the control page's token
	cookie  string // names are not kept apart by port, so each server has its own

	faultMu sync.Mutex
	faults  []*Fault

	mu         sync.Mutex
	switches   Switches
	delay, gap time.Duration // see SetProfileDelay
	dataCenter cronofy.DataCenter
	api, app   net.Listener
	servers    []*http.Server
	closed     bool

	work     sync.WaitGroup  // handlers, webhooks and the two listeners
	ctx      context.Context // ends with Close
	cancel   context.CancelFunc
	webhooks *http.Client
}

// Credentials are what an operator types in.
type Credentials struct {
	ClientID         string
	ClientSecret     cronofy.Secret
	ServiceAccountID string

	// ServiceAccountToken is an access token of that service account.
	ServiceAccountToken cronofy.Secret
}

// New makes a sandbox that does not listen yet.
func New(o Options) *Server {
	if o.Now == nil {
		o.Now = time.Now
	}
	r, err := newRandom(o.Rand, o.Seed)
	if err != nil {
		r, _ = newRandom(nil, 1) // never serves: Start reports err
	}
	if o.ClientID == "" {
		o.ClientID = defaultClientID
	}
	if o.ClientSecret.Empty() {
		o.ClientSecret = cronofy.NewSecret("CRN_" + r.text(40))
	}
	s := &Server{
		opts: o, rand: r, randErr: err, org: newOrganisation(r, o.Accounts),
		log: &requestLog{}, switches: o.Switches, delay: o.ProfileDelay, gap: o.ProfileGap,
		control: r.text(32), cookie: "confer_sandbox_" + r.text(8),
		dataCenter: cronofy.DataCenters()[0],
		limits:     newLimiter(o.RatePerSecond, o.RatePerMinute),
	}
	s.state = newStore(s.org)
	s.ctx, s.cancel = context.WithCancel(context.Background())
	s.webhooks = loopbackClient()
	s.Set(o.Faults...)
	return s
}

// Start opens the two loopback listeners. An address that is not loopback is
// an error, and so is a second Start.
func (s *Server) Start() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.randErr != nil:
		return s.randErr
	case s.closed || s.api != nil:
		return errors.New("start sandbox: already started or closed")
	}
	api, err := listenLoopback(s.opts.ListenAPI)
	if err != nil {
		return fmt.Errorf("listen for the api host: %w", err)
	}
	app, err := listenLoopback(s.opts.ListenApp)
	if err != nil {
		return errors.Join(fmt.Errorf("listen for the app host: %w", err), api.Close())
	}
	s.api, s.app = api, app
	s.serve(api, s.handler("api", s.apiRoutes()))
	s.serve(app, s.handler("app", s.appRoutes()))
	return nil
}

func listenLoopback(addr string) (net.Listener, error) {
	if addr == "" {
		addr = defaultListen
	}
	host, _, err := net.SplitHostPort(addr)
	if err != nil {
		return nil, err
	}
	if !cronofy.LoopbackHost(host) {
		return nil, fmt.Errorf("%s is not a loopback address", addr)
	}
	l, err := net.Listen("tcp", addr)
	if err != nil {
		return nil, err
	}
	// A hosts file may point localhost anywhere.
	if a, ok := l.Addr().(*net.TCPAddr); !ok || !a.IP.IsLoopback() {
		return nil, errors.Join(fmt.Errorf("%s is not a loopback address", addr), l.Close())
	}
	return l, nil
}

// serve is called with the lock held.
func (s *Server) serve(l net.Listener, h http.Handler) {
	srv := &http.Server{
		Handler:           h,
		ReadHeaderTimeout: 5 * time.Second,
		ReadTimeout:       15 * time.Second,
		WriteTimeout:      5 * time.Minute, // longer than any client waits for a slow answer
		IdleTimeout:       time.Minute,
		MaxHeaderBytes:    32 << 10,
		ErrorLog:          log.New(io.Discard, "", 0),
		BaseContext:       func(net.Listener) context.Context { return s.ctx },
	}
	s.servers = append(s.servers, srv)
	s.work.Go(func() { _ = srv.Serve(l) }) // ends with Close, by ErrServerClosed
}

// Close ends everything at once and waits until it has ended. It may be called
// again, and without Start.
func (s *Server) Close() error {
	s.mu.Lock()
	s.closed = true
	servers := slices.Clone(s.servers)
	s.mu.Unlock()
	s.cancel()
	var err error
	for _, srv := range servers {
		err = errors.Join(err, srv.Close())
	}
	s.work.Wait()
	s.webhooks.CloseIdleConnections()
	if err != nil {
		return fmt.Errorf("close sandbox: %w", err)
	}
	return nil
}

// enter counts work that Close has to wait for. After Close there is none.
func (s *Server) enter() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return false
	}
	s.work.Add(1)
	return true
}

// APIURL is the base URL of the api host; empty before Start.
func (s *Server) APIURL() string { return s.url(func() net.Listener { return s.api }) }

// AppURL is the base URL of the app host; empty before Start.
func (s *Server) AppURL() string { return s.url(func() net.Listener { return s.app }) }

func (s *Server) url(of func() net.Listener) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	l := of()
	if l == nil {
		return ""
	}
	return "http://" + l.Addr().String()
}

// Site is the data center with the sandbox's URLs in place of its own. Relink
// URLs name this data center's app host from now on.
func (s *Server) Site(dc cronofy.DataCenter) cronofy.Site {
	api, app := s.APIURL(), s.AppURL()
	s.mu.Lock()
	defer s.mu.Unlock()
	s.dataCenter = dc
	return cronofy.Site{DataCenter: dc, API: api, App: app, Sandbox: true}
}

// Credentials gives what an operator types in.
func (s *Server) Credentials() Credentials {
	return Credentials{
		ClientID: s.opts.ClientID, ClientSecret: s.opts.ClientSecret,
		ServiceAccountID:    serviceAccountID,
		ServiceAccountToken: cronofy.NewSecret(s.state.serviceToken),
	}
}

// Accounts gives the whole organisation in its order.
func (s *Server) Accounts() []Account { return slices.Collect(s.org.accounts()) }

// AccountsCSV writes the organisation as CSV with the header
// email,sub,access_token,refresh_token. It holds the tokens in plain text.
func (s *Server) AccountsCSV(w io.Writer) error { return s.org.writeCSV(w) }

// Switches gives the switches as they are.
func (s *Server) Switches() Switches {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.switches
}

// SetSwitches turns all switches.
func (s *Server) SetSwitches(sw Switches) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.switches = sw
}

// SetProfileDelay lets the i-th account's profile appear delay + i*gap after a
// link, one that was made already included.
func (s *Server) SetProfileDelay(delay, gap time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.delay, s.gap = delay, gap
}

// ProfileDelay gives what SetProfileDelay or the options set.
func (s *Server) ProfileDelay() (delay, gap time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.delay, s.gap
}

// Link makes the link with a provider as an approval would, now.
func (s *Server) Link(p cronofy.Provider) { s.state.link(p, s.opts.Now()) }

// Unlink forgets every link, so that the profiles it gave are gone.
func (s *Server) Unlink() { s.state.unlink() }

// ExpireAccessTokens ends the life of all access tokens given so far.
func (s *Server) ExpireAccessTokens() { s.state.expireAccess() }
