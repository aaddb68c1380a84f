// Package callback takes the administrator's answer from the browser: the
// listener that the redirect URI leads to, the pages that the browser shows
// there, the short link that starts the way, the ledger of the states of a run,
// and the parser for an address that was pasted instead.
//
// No request ends the wait but one that carries a state of this run, issued for
// the same answers and not used before. All others are counted and answered in
// words. The browser is told how it ended only when the caller knows (ShowOutcome).
package callback

import (
	"context"
	"net"
	"net/http"
	"net/url"
	"sync"
	"time"

	"confer/internal/httpserver"
)

// Server waits for the browser. It is safe for concurrent use. Close ends it.
type Server struct {
	cfg     Config
	target  target
	answers chan Answer
	closing chan struct{}
	servers []*httpserver.Server
	addr    string // of the callback's listener; empty without one
	short   string // base URL of the short links

	mu       sync.Mutex
	closed   bool
	late     *Outcome          // what is shown to who comes when no answer is taken any more; nil: they are
	reserved int               // answers claimed and not yet in the channel
	links    map[string]string // id of a short link to its target
	dones    map[string]*done  // id of an outcome's page
	byState  map[string]*done
	told     map[string]bool // errors that OnUnusable has heard of, by their text
}

// Open binds and serves. ctx limits the binding only. A port that cannot be had
// is a *PortError.
func Open(ctx context.Context, cfg Config) (*Server, error) {
	t, err := parseTarget(cfg.RedirectURI)
	if err != nil {
		return nil, err
	}
	s := newServer(cfg, t)
	if err := s.open(ctx); err != nil {
		s.Close()
		return nil, err
	}
	return s, nil
}

func newServer(cfg Config, t target) *Server {
	if cfg.ListenFunc == nil {
		cfg.ListenFunc = new(net.ListenConfig).Listen
	}
	return &Server{
		cfg: cfg, target: t,
		answers: make(chan Answer, waitingAnswers), closing: make(chan struct{}),
		links: map[string]string{}, dones: map[string]*done{}, byState: map[string]*done{}, told: map[string]bool{},
	}
}

func (s *Server) open(ctx context.Context) error {
	var lns []net.Listener
	var err error
	switch {
	case s.cfg.Listen != "":
		lns, err = bind(ctx, s.cfg.ListenFunc, s.cfg.Listen)
	case s.target.loopback:
		lns, err = bind(ctx, s.cfg.ListenFunc, s.target.addresses()...)
	}
	if err != nil {
		return err
	}
	if len(lns) > 0 {
		s.addr = lns[0].Addr().String()
		s.servers = append(s.servers, httpserver.Serve(s.gate(s.target.host(), s.serveCallback), limits(), lns...))
	}
	if s.target.loopback {
		s.short = "http://" + s.target.host()
		return nil
	}
	lns, err = bind(ctx, s.cfg.ListenFunc, "127.0.0.1:0")
	if err != nil {
		return err
	}
	host := plainHost(lns[0].Addr().String(), "http")
	s.short = "http://" + host
	s.servers = append(s.servers, httpserver.Serve(s.gate(host, s.serveLink), limits(), lns...))
	return nil
}

// Listening tells whether the browser's answer can arrive by itself. If not, it
// comes by paste.
func (s *Server) Listening() bool { return s.addr != "" }

// Addr is the host:port of the callback's listener; empty if there is none.
func (s *Server) Addr() string { return s.addr }

// ShortURL makes a further local address that redirects to target, a web
// page. It holds no secret, and works until Close.
func (s *Server) ShortURL(target string) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	id := token()
	s.links[id] = target
	return s.short + linkPath + id
}

// Answers delivers each answer whose state was valid, once. Its state is
// claimed by then. Every Answer wants a ShowOutcome. The channel is never closed.
func (s *Server) Answers() <-chan Answer { return s.answers }

// Linger waits until every browser that is owed an outcome (ShowOutcome) has got it,
// for at most limit.
func (s *Server) Linger(ctx context.Context, limit time.Duration) {
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	s.mu.Lock()
	var owed []*done
	for _, d := range s.dones {
		if d.outcome != nil {
			owed = append(owed, d)
		}
	}
	s.mu.Unlock()
	for _, d := range owed {
		select {
		case <-d.shown:
		case <-s.closing:
			return
		case <-ctx.Done():
			return
		}
	}
}

// Close ends the listeners and every connection, within milliseconds. Pages
// that wait for an outcome say that confer has ended. Close may be called again.
func (s *Server) Close() {
	s.mu.Lock()
	first := !s.closed
	s.closed = true
	s.mu.Unlock()
	if first {
		close(s.closing)
	}
	var all sync.WaitGroup
	for _, d := range s.servers {
		all.Go(d.Close)
	}
	all.Wait()
}

// Config says where the answer is waited for, and which states count.
type Config struct {
	// RedirectURI as registered at Cronofy. Plain http to loopback is listened
	// on. Any other one needs Listen, or the answer comes by paste.
	RedirectURI string
	// Listen is the host:port where the operator's tunnel or proxy delivers
	// what comes to RedirectURI, with Host and path unchanged. It may be empty.
	Listen string
	// States is the run's ledger, Answers what the states must be issued for.
	States  *States
	Answers string
	// OnUnusable is told what is wrong with an answer that somebody's browser window
	// came with. It must not block. It may be nil.
	OnUnusable func(error)
	// ListenFunc listens in the network's place, where no browser is to come; nil
	// takes net.ListenConfig's.
	ListenFunc ListenFunc
}

const (
	// firstHold is how long the outcome's page waits before it shows itself
	// unfinished: most exchanges take less, and then the first page is the truth.
	firstHold = 1500 * time.Millisecond
	// againHold: the unfinished page asks again once, and that request waits
	// long, so that a screen reader is not interrupted by reloads.
	againHold = 20 * time.Second
	// waitingAnswers is above the number of links that anyone makes; each is answered once.
	waitingAnswers = 64
)

// Next gives an answer that came meanwhile; it waits for one whose browser is
// being sent on. Without one, none is taken from here on: a browser that brings
// an answer then is shown late, and the answer's state stays good.
func (s *Server) Next(late Outcome) (Answer, bool) {
	s.mu.Lock()
	if len(s.answers)+s.reserved == 0 {
		s.late = &late
		s.mu.Unlock()
		return Answer{}, false
	}
	s.mu.Unlock()
	return <-s.answers, true
}

// Outcome is what the browser's page says in the end. Text and Hint are plain
// text; Title is also the window's.
type Outcome struct {
	OK    bool
	Title string // "Zoom is linked"
	Text  string
	Hint  string // what to do next; may be empty
}

// done is the page of one answer.
type done struct {
	id      string
	known   chan struct{} // closed by the first ShowOutcome
	shown   chan struct{} // closed by showing, when a browser has got the outcome
	showing sync.Once
	outcome *Outcome // under Server.mu
}

// ShowOutcome tells the browser's page of an answer how it ended; the page waits for
// it. A later ShowOutcome, after another try, replaces the earlier one for a reload.
// An id that is not of this server (a paste has none) is ignored.
func (s *Server) ShowOutcome(id string, o Outcome) {
	s.mu.Lock()
	defer s.mu.Unlock()
	d := s.dones[id]
	if d == nil {
		return
	}
	if d.outcome == nil {
		close(d.known)
	}
	d.outcome = &o
}

// doneURL has the redirect URI's own path: a tunnel or proxy may deliver no other.
func (s *Server) doneURL(id string) string {
	return (&url.URL{Path: s.target.path(), RawQuery: url.Values{doneKey: {id}}.Encode()}).String()
}

// serveDone waits a while for the outcome. Without one it shows a page that
// asks again, once, and that request waits long.
func (s *Server) serveDone(w http.ResponseWriter, r *http.Request, id string) {
	s.mu.Lock()
	d := s.dones[id]
	s.mu.Unlock()
	if d == nil {
		pageNowhere.write(w)
		return
	}
	s.wait(w, r, d)
	s.mu.Lock()
	o, closed := d.outcome, s.closed
	s.mu.Unlock()
	switch {
	case o != nil:
		pageOutcome(*o).write(w)
		_ = http.NewResponseController(w).Flush()
		d.showing.Do(func() { close(d.shown) })
	case closed:
		pageEnded.write(w)
	default:
		pageWaiting(s.doneURL(id) + "&" + againKey).write(w)
	}
}

func (s *Server) wait(w http.ResponseWriter, r *http.Request, d *done) {
	hold := firstHold
	if r.URL.Query().Has(againKey) {
		hold = againHold
	}
	_ = http.NewResponseController(w).SetWriteDeadline(time.Now().Add(hold + writeLimit))
	t := time.NewTimer(hold)
	defer t.Stop()
	select {
	case <-d.known:
	case <-t.C:
	case <-s.closing:
	case <-r.Context().Done():
	}
}

const (
	// A browser on this machine or behind a tunnel sends its header at once;
	// whoever needs longer is no browser.
	readLimit  = 5 * time.Second
	writeLimit = 5 * time.Second
	// A browser sends all cookies that any program on this host name has set: up to
	// 180 of 4 KiB. Above that net/http answers 431 by itself.
	headerLimit = 1 << 20
	// Far above any real code and state, and above what ParsePaste takes.
	queryLimit = 32 << 10
	// Connections that have not sent anything, browsers' preconnects among them.
	silentLimit = 128
	// How long Close lets answers finish that are being written.
	closeLimit = 5 * time.Millisecond
)

func limits() httpserver.Limits {
	return httpserver.Limits{Header: readLimit, Read: readLimit, Write: writeLimit, HeaderBytes: headerLimit,
		Connections: silentLimit, SilentOnly: true, Close: closeLimit}
}
