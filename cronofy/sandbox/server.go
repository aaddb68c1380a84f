// Package sandbox is a strict Cronofy over real HTTP on loopback: both hosts of
// a data center, the pages an administrator clicks through, an organisation of
// people and rooms, and every documented error on demand.
//
// It refuses what Cronofy refuses. Where Cronofy's behaviour is not documented
// the choice made here is called a choice in a comment, and is a switch where a
// client could depend on it. Nothing it holds is real, nothing is stored, and
// it neither listens on nor sends to anything but this machine.
//
// https://docs.cronofy.com/developers/conferencing-services/enterprise-conferencing/
package sandbox

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"math/rand/v2"
	"net"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"sync"
	"time"

	"confer/cronofy"
)

// Server is one sandbox. Its methods may be called from several goroutines, once
// Start has returned.
type Server struct {
	opts           Options // its Faults and Switches change, under the lock
	people         []Account
	byEmail        map[string]int // lower-case address → place in people
	serviceToken   string         // the service account's access token from the start
	control        string         // the control page's token
	cookie         string         // names are not kept apart by port, so each server has its own
	profiles       string         // makes the ids of profiles, the same at each reading
	webhooks       *http.Client
	apiURL, appURL string // empty before Start

	work   sync.WaitGroup  // handlers, webhooks and the two listeners
	ctx    context.Context // ends with Close
	cancel context.CancelFunc

	// mu guards what follows. A handler holds it from its first look to its last
	// change; what may take long (bodies, pauses, webhooks) is done without it.
	mu         sync.Mutex
	rand       *rand.Rand
	access     map[string]accessToken
	refreshed  map[string]*grant // by refresh token
	codes      map[string]*authCode
	linkTokens map[string]*linkToken
	approvals  map[string]*approval
	links      map[cronofy.Provider]time.Time
	units      []unit
	calls      []time.Time // the last that the rate limits counted
	log        []LogEntry  // the last logSize
	requests   int         // in all
	dataCenter cronofy.DataCenter
	servers    []*http.Server
	closed     bool
}

// Credentials are what an operator types in, and an access token of the service account.
type Credentials struct {
	ClientID            string
	ClientSecret        cronofy.Secret
	ServiceAccountID    string
	ServiceAccountToken cronofy.Secret
}

// New makes a sandbox that does not listen yet.
func New(o Options) *Server {
	if o.Faults = slices.Clone(o.Faults); o.Now == nil {
		o.Now = time.Now
	}
	s := &Server{
		opts: o, rand: newRand(o.Seed), webhooks: loopbackClient(), dataCenter: cronofy.DataCenters()[0],
		access: map[string]accessToken{}, refreshed: map[string]*grant{}, codes: map[string]*authCode{},
		linkTokens: map[string]*linkToken{}, approvals: map[string]*approval{}, links: map[cronofy.Provider]time.Time{},
	}
	s.newUnit("Example Organisation")
	s.opts.ClientID = cmp.Or(o.ClientID, "k3Hn2cWq9ZrT5vXy7LbD")
	if o.ClientSecret.Empty() {
		s.opts.ClientSecret = cronofy.NewSecret("CRN_" + s.text(40))
	}
	s.control, s.profiles, s.cookie = s.text(32), s.text(32), "confer_sandbox_"+s.text(8)
	s.serviceToken = s.text(32)
	s.access[s.serviceToken] = accessToken{grant: serviceAccountGrant(serviceAccountScope, serviceDelegatedScope)}
	s.hire(organisation(o.Accounts))
	s.ctx, s.cancel = context.WithCancel(context.Background())
	return s
}

// Start opens the two loopback listeners, once. Close is called after an error, too.
func (s *Server) Start() (err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed || s.servers != nil {
		return errors.New("start sandbox: already started or closed")
	}
	if s.apiURL, err = s.serve("api", s.opts.ListenAPI, s.apiRoutes()); err != nil {
		return err
	}
	s.appURL, err = s.serve("app", s.opts.ListenApp, s.appRoutes())
	return err
}

// serve gives the base URL of a host that it serves. The name is looked up here because
// a hosts file may point localhost anywhere. The lock is held.
func (s *Server) serve(host, addr string, routes http.Handler) (baseURL string, err error) {
	var l net.Listener
	a, err := net.ResolveTCPAddr("tcp", cmp.Or(addr, "127.0.0.1:0"))
	if err == nil && !a.IP.IsLoopback() {
		err = fmt.Errorf("%s is not a loopback address", addr)
	} else if err == nil {
		l, err = net.ListenTCP("tcp", a)
	}
	if err != nil {
		return "", fmt.Errorf("listen for the %s host: %w", host, err)
	}
	srv := &http.Server{
		Handler:           s.handler(host, routes),
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
	return "http://" + l.Addr().String(), nil
}

// Close ends everything at once and waits until it has ended.
func (s *Server) Close() (err error) {
	s.mu.Lock()
	s.closed = true // no server is added any more
	s.mu.Unlock()
	s.cancel()
	for _, srv := range s.servers {
		err = errors.Join(err, srv.Close())
	}
	s.work.Wait()
	s.webhooks.CloseIdleConnections()
	return err
}

// enter counts work that Close has to wait for. After Close there is none.
func (s *Server) enter() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.closed {
		s.work.Add(1)
	}
	return !s.closed
}

func (s *Server) now() time.Time { return s.opts.Now() }

// APIURL is the base URL of the api host; empty before Start.
func (s *Server) APIURL() string { return s.apiURL }

// AppURL is the base URL of the app host; empty before Start.
func (s *Server) AppURL() string { return s.appURL }

// Site is the data center with the sandbox's URLs in place of its own. Relink
// URLs name this data center's app host from now on.
func (s *Server) Site(dc cronofy.DataCenter) cronofy.Site {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.dataCenter = dc
	return cronofy.Site{DataCenter: dc, API: s.apiURL, App: s.appURL, Sandbox: true}
}

// Credentials gives those of the one application.
func (s *Server) Credentials() Credentials {
	return Credentials{s.opts.ClientID, s.opts.ClientSecret, serviceAccountID, cronofy.NewSecret(s.serviceToken)}
}

// Accounts gives the whole organisation in its order.
func (s *Server) Accounts() []Account { return slices.Clone(s.people) }

// Link makes the link with a provider as an approval would, now.
func (s *Server) Link(p cronofy.Provider) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.link(p)
}

// ExpireAccessTokens ends the life of all access tokens given so far.
func (s *Server) ExpireAccessTokens() {
	s.mu.Lock()
	defer s.mu.Unlock()
	clear(s.access)
}

// Options says what the sandbox plays. The zero value is a development-mode
// application with the built-in organisation, whose profiles appear at once.
type Options struct {
	ClientID     string // of the one application; made up if empty, as is
	ClientSecret cronofy.Secret

	// PermittedRedirectURIs is nil in development mode: any http or https URI. Anything
	// else is production: an exact list, with "*" allowed as the first label of a host.
	PermittedRedirectURIs []string

	Now      func() time.Time // the clock; nil is the real one
	Seed     uint64           // other than zero it makes runs repeatable
	Accounts int              // of the organisation; 0 is the built-in one of 12 people and 3 rooms

	RatePerSecond, RatePerMinute int // of the application; 0 is no limit

	Faults   []Fault  // scripted answers, as by Set
	Switches Switches // behaviour that Cronofy leaves open

	ListenAPI, ListenApp string // loopback addresses; empty is 127.0.0.1:0
}

// Switches are kinds of behaviour that Cronofy does not document, or that
// differ between its documentation and its SDKs. The zero value is the likely one.
// The tags are what the control page calls them.
type Switches struct {
	RotateRefreshTokens bool `control:"Refresh tokens change on use"`
	OmitRefreshToken    bool `control:"Token answers have no refresh_token"`
	OmitSub             bool `control:"Token answers have no sub"`
	EnterpriseNames     bool `control:"Userinfo says zoom_enterprise instead of zoom"`
	ExtraFields         bool `control:"Unknown fields in every JSON object"`
	OmitCronofyData     bool `control:"Userinfo has no cronofy.data"`
	Disconnected        bool `control:"Profiles from links are disconnected, and have a relink URL"`
	NoPlan              bool `control:"The plan lacks the feature (402)"`
	NoRecruiting        bool `control:"The application lacks the conferencing category Recruiting (no Indeed)"`
	LinkTokenOptional   bool `control:"A link token of another name is ignored (approvals link nothing)"`
	RepeatCallback      bool `control:"The callback is delivered twice, to loopback redirect URIs"`
	UnsignedWebhooks    bool `control:"Webhooks are not signed"`
	SecondDigest        bool `control:"Webhooks have another secret's digest as well"`

	LinkTokenField      string `control:"Link token field"` // "service_account_id" if empty
	State               string `control:"State on the way back"`
	ErrorRedirect       string `control:"Approvals end in"`         // an OAuth error
	InvalidClientStatus int    `control:"Status of invalid_client"` // 401 if 0

	// The i-th account's profile appears ProfileDelay + i*ProfileGap after a link,
	// one that was made already included.
	ProfileDelay time.Duration `control:"First profile after a link, like 10s"`
	ProfileGap   time.Duration `control:"Each further profile later by"`
}

// LogEntry is one request. It holds no query, header, body or secret.
type LogEntry struct {
	Time   time.Time
	Host   string // "api" or "app", or "webhook" for what the sandbox sent
	Method string
	Path   string // as routed; random parts are masked
	Status int    // 0 when the connection was reset, or a webhook got no answer
	Note   string // why a request was refused
}

const logSize = 500

func (s *Server) note(e LogEntry) {
	s.mu.Lock()
	defer s.mu.Unlock()
	e.Time = s.now()
	s.log = append(s.log[max(0, len(s.log)+1-logSize):], e)
	s.requests++
}

// Log gives the last 500 requests, oldest first.
func (s *Server) Log() []LogEntry {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.log)
}

// Requests is how many requests there were in all.
func (s *Server) Requests() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.requests
}

var maybeSecret = regexp.MustCompile(`[a-z_.-]*[^a-z_./-][^/]{6,}`)

// maskedPath is the route's pattern, which has names for its random parts. A path that
// nobody serves is shown without what could be a secret in it.
func maskedPath(r *http.Request) string {
	if _, path, ok := strings.Cut(r.Pattern, " "); ok {
		return path
	}
	return maybeSecret.ReplaceAllString(r.URL.EscapedPath(), "…")
}

// limited answers 429 if there were too many calls in a second or a minute, or else
// counts this one. No Retry-After is documented; faults can add one.
func (s *Server) limited(c *call) bool {
	now := s.now()
	over := func(n int, length time.Duration) bool {
		return n > 0 && len(s.calls) >= n && now.Sub(s.calls[len(s.calls)-n]) < length
	}
	if over(s.opts.RatePerSecond, time.Second) || over(s.opts.RatePerMinute, time.Minute) {
		c.refuse(http.StatusTooManyRequests, "too many calls")
		return true
	}
	s.calls = append(s.calls, now)
	s.calls = s.calls[max(0, len(s.calls)-max(s.opts.RatePerSecond, s.opts.RatePerMinute)):]
	return false
}
