package sandbox

import (
	"net/http"
	"strings"
	"sync"
	"time"
)

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

// requestLog keeps the last logSize entries.
type requestLog struct {
	mu      sync.Mutex
	entries []LogEntry
	total   int
}

func (l *requestLog) add(e LogEntry) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.entries) < logSize {
		l.entries = append(l.entries, e)
	} else {
		l.entries[l.total%logSize] = e
	}
	l.total++
}

// last gives what is kept, oldest first, and how many there ever were.
func (l *requestLog) last() ([]LogEntry, int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.entries) < logSize {
		return append([]LogEntry(nil), l.entries...), l.total
	}
	at := l.total % logSize
	return append(append([]LogEntry(nil), l.entries[at:]...), l.entries[:at]...), l.total
}

// Log gives the last 500 requests, oldest first.
func (s *Server) Log() []LogEntry {
	entries, _ := s.log.last()
	return entries
}

// Requests is how many requests there were in all.
func (s *Server) Requests() int {
	_, total := s.log.last()
	return total
}

// maskedPath is the route's pattern, which has names for its random parts. A
// path that nobody serves is shown, without what could be a secret in it.
func maskedPath(r *http.Request) string {
	if _, path, ok := strings.Cut(r.Pattern, " "); ok {
		return path
	}
	parts := strings.Split(r.URL.EscapedPath(), "/")
	const longest, most = 12, 8
	for i, p := range parts {
		if len(p) > longest && strings.Trim(p, "abcdefghijklmnopqrstuvwxyz_-.") != "" {
			parts[i] = "…"
		}
	}
	return strings.Join(parts[:min(len(parts), most)], "/")
}
