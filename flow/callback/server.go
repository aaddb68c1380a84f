// Package callback takes the administrator's answer from the browser: the
// listener that the redirect URI leads to, the pages that the browser shows
// there, the short link that starts the way, the ledger of the states of a run,
// and the parser for an address that was pasted instead.
//
// No request ends the wait but one that carries a state of this run, issued for
// the same answers and not used before. All others are answered in words. The
// browser is told how it ended only when the caller knows (ShowOutcome).
package callback

import (
	"context"
	"net"
	"sync"
	"time"

	"confer/internal/httpserver"
)

// Server waits for the browser. It takes one answer, and shows how that ended. It is
// safe for concurrent use. Close ends it.
type Server struct {
	cfg     Config
	target  target
	answers chan Answer
	servers []*httpserver.Server
	addr    string        // of the callback's listener; empty without one
	short   string        // base URL of the short links
	done    string        // names the outcome's page
	known   chan struct{} // closed by ShowOutcome
	shown   chan struct{} // closed by show, when a browser has got the outcome
	show    func()
	closing context.Context // ends with end
	end     context.CancelFunc

	mu      sync.Mutex
	ended   bool              // no answer is taken any more
	state   string            // of the answer that was taken; empty: none was
	outcome *Outcome          // nil: it is not known yet
	links   map[string]string // id of a short link to its target
	told    map[string]bool   // errors that OnUnusable has heard of, by their text
}

// Open binds and serves. ctx limits the binding only. A port that cannot be had
// is a *PortError.
func Open(ctx context.Context, cfg Config) (*Server, error) {
	t, err := parseTarget(cfg.RedirectURI)
	if err != nil {
		return nil, err
	}
	s := newServer(cfg, t)
	if err := s.listen(ctx); err != nil {
		s.Close()
		return nil, err
	}
	return s, nil
}

func newServer(cfg Config, t target) *Server {
	if cfg.ListenFunc == nil {
		cfg.ListenFunc = new(net.ListenConfig).Listen
	}
	s := &Server{cfg: cfg, target: t, answers: make(chan Answer, 1), done: token(), known: make(chan struct{}),
		shown: make(chan struct{}), links: map[string]string{}, told: map[string]bool{}}
	s.show = sync.OnceFunc(func() { close(s.shown) })
	s.closing, s.end = context.WithCancel(context.Background())
	return s
}

func (s *Server) listen(ctx context.Context) error {
	var addrs []string
	switch {
	case s.cfg.Listen != "":
		addrs = []string{s.cfg.Listen}
	case s.target.loopback:
		addrs = s.target.addresses()
	}
	lns, err := bind(ctx, s.cfg.ListenFunc, addrs...)
	if err != nil {
		return err
	}
	if len(lns) > 0 {
		s.addr = lns[0].Addr().String()
		s.servers = append(s.servers, httpserver.Serve(s.gate(s.target.host(), s.serveCallback), limits, lns...))
	}
	if s.target.loopback {
		s.short = "http://" + s.target.host()
		return nil
	}
	if lns, err = bind(ctx, s.cfg.ListenFunc, "127.0.0.1:0"); err != nil {
		return err
	}
	host := lns[0].Addr().String()
	s.short = "http://" + host
	s.servers = append(s.servers, httpserver.Serve(s.gate(host, s.serveLink), limits, lns...))
	return nil
}

// Listening tells whether the browser's answer can arrive by itself. If not, it
// comes by paste.
func (s *Server) Listening() bool { return s.addr != "" }

// ShortURL makes a further local address that redirects to target, a web
// page. It holds no secret, and works until the end of the wait.
func (s *Server) ShortURL(target string) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	id := token()
	s.links[id] = target
	return s.short + linkPath + id
}

// Answers delivers the answer, whose state was valid and is claimed by then. It
// wants a ShowOutcome. The channel is never closed.
func (s *Server) Answers() <-chan Answer { return s.answers }

// Stop ends the wait, and gives the answer if it is here. A browser that brings one
// later is told so, and its state stays good.
func (s *Server) Stop() (a Answer, here bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.ended = true
	select {
	case a = <-s.answers:
		return a, true
	default:
		return a, false
	}
}

// Linger waits until the browser that brought the answer has got the outcome, for at
// most limit.
func (s *Server) Linger(limit time.Duration) {
	s.mu.Lock()
	owed := s.state != "" && s.outcome != nil
	s.mu.Unlock()
	if !owed {
		return
	}
	select {
	case <-s.shown:
	case <-s.closing.Done():
	case <-time.After(limit):
	}
}

// Close ends the listeners and every connection, within milliseconds. Pages
// that wait for an outcome say that confer has ended. Close may be called again.
func (s *Server) Close() {
	s.end()
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

// Outcome is what the browser's page says in the end. Text and Hint are plain
// text; Title is also the window's.
type Outcome struct {
	OK    bool
	Title string // "Zoom is linked"
	Text  string
	Hint  string // what to do next; may be empty
}

// ShowOutcome ends the wait, and tells the page of the answer's browser how it ended.
// It is called once, also for an answer that was pasted: other browsers may come.
func (s *Server) ShowOutcome(o Outcome) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.ended, s.outcome = true, &o
	close(s.known)
}

const (
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

var limits = httpserver.Limits{HeaderBytes: headerLimit, Connections: silentLimit, SilentOnly: true, Close: closeLimit}
