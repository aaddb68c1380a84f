// Package faultlist makes the lists of what happens when something fails: docs/faults.md and
// docs/faults-commands.md. It is for tests alone.
package faultlist

import (
	"fmt"
	"strings"
	"sync"
	"time"

	"confer/cronofy/sandbox"
)

// Fault is one thing that can be wrong with a call, in the words of the lists.
type Fault struct {
	What  string
	Fault sandbox.Fault
}

// Of are the faults of a call that answers; slow is longer than anybody waits.
func Of(e sandbox.Endpoint) []Fault {
	var all []Fault
	add := func(what string, f sandbox.Fault) {
		f.Endpoint = e
		all = append(all, Fault{what, f})
	}
	for _, status := range sandbox.Statuses() {
		add(fmt.Sprint(status), sandbox.Fault{Status: status})
	}
	add("429 with Retry-After", sandbox.Fault{Status: 429, RetryAfter: "300"})
	add("HTML", sandbox.Fault{Body: sandbox.HTMLBody})
	add("empty body", sandbox.Fault{Body: sandbox.EmptyBody})
	add("cut short", sandbox.Fault{Body: sandbox.TruncatedBody})
	add("broken off in the body", sandbox.Fault{Body: sandbox.CutBody})
	add("connection reset", sandbox.Fault{Reset: true})
	add("slow", sandbox.Fault{Slow: time.Hour})
	return all
}

// Lines gives the lines of all rows in order; some are made at the same time.
func Lines[T any](rows []T, line func(T) string) string {
	lines := make([]string, len(rows))
	var wg sync.WaitGroup
	slots := make(chan struct{}, 8)
	for i, row := range rows {
		wg.Go(func() {
			slots <- struct{}{}
			defer func() { <-slots }()
			lines[i] = line(row)
		})
	}
	wg.Wait()
	return strings.Join(lines, "")
}
