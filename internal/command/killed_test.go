//go:build unix

package command

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"confer/internal/links"
)

// TestKilledAtAnyMoment kills the wizard a hundred times, each time after a
// number of writes to the terminal that chance, repeatable, has chosen. Each run
// goes on with what the one before has left.
func TestKilledAtAnyMoment(t *testing.T) {
	t.Parallel()
	const folders, kills, writes = 4, 25, 14 // a run up to the link writes some 12 times
	for folder := range folders {
		t.Run(fmt.Sprint(folder), func(t *testing.T) {
			t.Parallel()
			d := newWorkplace(t)
			chance := rand.New(rand.NewPCG(uint64(folder), 8739))
			for range kills {
				d.killedAfter(1 + chance.IntN(writes))
			}
			x := d.open("--browser", "browser")
			d.operator(x).walk(onLinked)
			x.press(ctrlC)
			x.exits(0)
			require.Len(t, d.load().Links, 1)
			require.Empty(t, d.leftovers())
		})
	}
}

// killedAfter runs a wizard until it has written n times to the terminal, or has
// linked, kills it and checks what it has left.
func (d *workplace) killedAfter(n int) {
	d.t.Helper()
	before := d.load()
	x := d.open("--browser", "browser")
	o := d.operator(x)
	seen, first := 0, ""
	x.when(func(screen string) bool {
		if o.act(screen); first == "" {
			first = o.at
		}
		seen++
		return seen >= n || strings.Contains(screen, onLinked)
	}, "an end")
	x.kill()
	if first != "" {
		require.Equal(d.t, firstPage(before), first, "the first page of this run")
	}
	require.Empty(d.t, o.typed, "typed twice")
	d.nothingLost(before, d.load())
}

// nothingLost: what was known before a run is known after it, in the draft or in
// the link that ended it.
func (d *workplace) nothingLost(before, after links.Contents) {
	d.t.Helper()
	require.GreaterOrEqual(d.t, len(after.Links), len(before.Links))
	if before.Draft == nil || after.Draft == nil && len(after.Links) > 0 {
		return
	}
	require.NotNil(d.t, after.Draft)
	b, a := *before.Draft, *after.Draft
	require.Equal(d.t, []string{b.DataCenter, b.APIURL}, []string{a.DataCenter, a.APIURL})
	for was, is := range map[string]string{b.ClientID: a.ClientID, b.ServiceAccount: a.ServiceAccount, b.Provider: a.Provider} {
		if was != "" {
			require.Equal(d.t, was, is)
		}
	}
}
