package callback

import (
	"context"
	"errors"
	"net"
	"sync"
	"time"
)

// Server waits for the browser. It is safe for concurrent use. Close ends it.
type Server struct {
	cfg     Config
	target  target
	pages   pages
	strays  strays
	answers chan Answer
	closing chan struct{}
	doors   []*door
	addr    string // of the callback's listener; empty without one
	short   string // base URL of the short links

	mu       sync.Mutex
	closed   bool
	late     *Outcome          // what is shown to who comes when no answer is taken any more; nil: they are
	reserved int               // answers claimed and not yet in the channel
	links    map[string]string // id of a short link to its target
	dones    map[string]*done  // id of an outcome's page
	byState  map[string]*done
}

// Open binds and serves. ctx limits the binding only. A port that cannot be had
// is a *PortError.
func Open(ctx context.Context, cfg Config) (*Server, error) {
	if cfg.States == nil {
		return nil, errors.New("callback: no states")
	}
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
	if cfg.hold == 0 {
		cfg.hold, cfg.again = firstHold, againHold
	}
	return &Server{
		cfg: cfg, target: t, pages: newPages(),
		strays:  strays{tell: cfg.OnStray, counts: map[StrayKind]int{}, people: map[StrayKind]int{}},
		answers: make(chan Answer, waitingAnswers), closing: make(chan struct{}),
		links: map[string]string{}, dones: map[string]*done{}, byState: map[string]*done{},
	}
}

func (s *Server) open(ctx context.Context) error {
	lns, err := s.bindCallback(ctx)
	if err != nil {
		return err
	}
	if len(lns) > 0 {
		s.target = s.target.bound(lns[0])
		s.addr = lns[0].Addr().String()
		s.doors = append(s.doors, openDoor(s.gate(s.target.host(), s.callbackDoor), lns...))
	}
	if s.target.loopback {
		s.short = "http://" + s.target.host()
		return nil
	}
	l, err := bindOne(ctx, s.cfg.ListenFunc, "127.0.0.1:0")
	if err != nil {
		return err
	}
	host := plainHost(l.Addr().String(), "http")
	s.short = "http://" + host
	s.doors = append(s.doors, openDoor(s.gate(host, s.linkDoor), l))
	return nil
}

func (s *Server) bindCallback(ctx context.Context) ([]net.Listener, error) {
	if s.cfg.Listen != "" {
		l, err := bindOne(ctx, s.cfg.ListenFunc, s.cfg.Listen)
		if err != nil {
			return nil, err
		}
		return []net.Listener{l}, nil
	}
	if s.target.loopback {
		return s.target.bind(ctx, s.cfg.ListenFunc)
	}
	return nil, nil
}

// Listening tells whether the browser's answer can arrive by itself. If not, it
// comes by paste.
func (s *Server) Listening() bool { return s.addr != "" }

// Addr is the host:port of the callback's listener; empty if there is none.
func (s *Server) Addr() string { return s.addr }

// RedirectURI is the one of the Config, with the port that was taken for port 0.
func (s *Server) RedirectURI() string { return s.target.url.String() }

// ShortURL makes a further local address that redirects to target, which must
// be http or https. It holds no secret, and works until Close.
func (s *Server) ShortURL(target string) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	id := token(s.cfg.Rand)
	s.links[id] = target
	return s.short + linkPath + id
}

// Answers delivers each answer whose state was valid, once. Its state is
// claimed by then. Every Answer wants a Settle. The channel is never closed.
func (s *Server) Answers() <-chan Answer { return s.answers }

// Strays counts the requests that were not the answer.
func (s *Server) Strays() map[StrayKind]int { return s.strays.snapshot() }

// Linger waits until every browser that is owed an outcome (Settle) has got it,
// for at most limit.
func (s *Server) Linger(ctx context.Context, limit time.Duration) {
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	for _, d := range s.owed() {
		select {
		case <-d.shown:
		case <-s.closing:
			return
		case <-ctx.Done():
			return
		}
	}
}

func (s *Server) owed() []*done {
	s.mu.Lock()
	defer s.mu.Unlock()
	var owed []*done
	for _, d := range s.dones {
		if d.outcome != nil {
			owed = append(owed, d)
		}
	}
	return owed
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
	for _, d := range s.doors {
		all.Go(d.close)
	}
	all.Wait()
}
