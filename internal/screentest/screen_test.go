package screentest

import (
	"fmt"
	"io"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/require"

	_ "confer/internal/golden" // knows -update
)

// failing records a failure in place of ending the test.
type failing struct {
	testing.TB
	said string
}

func (*failing) Helper() {}

func (f *failing) Fatalf(format string, args ...any) {
	f.said = fmt.Sprintf(format, args...)
	panic(f)
}

// TestEachWaitEndsAndShowsTheScreen, by the bubble's clock.
func TestEachWaitEndsAndShowsTheScreen(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		wait func(*Screen)
		want string
	}{
		"a text":   {func(s *Screen) { s.Until("Which data center") }, `never showed "Which data center"; it shows:`},
		"bytes":    {func(s *Screen) { s.UntilWritten("oauth/authorize") }, `never showed "oauth/authorize"; it shows:`},
		"a value":  {func(s *Screen) { Receive(s, make(chan int), "order") }, "there was no order; the screen shows:"},
		"an end":   {func(s *Screen) { s.End(); s.Until("more") }, `it ended, and the screen never showed "more"`},
		"in place": {func(s *Screen) { s.Until("first words"); s.Until("no others") }, `"no others"`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := &failing{TB: t}
			// Outside of the bubble, which would wait for its reader. Closing the emulator
			// races with that.
			s := New(f, 40, 4, io.Discard)
			synctest.Test(t, func(*testing.T) {
				defer func() { require.Same(t, f, recover()) }()
				_, err := io.WriteString(s, "\x1b[31mfirst words\r\nsecond line")
				require.NoError(t, err)
				c.wait(s)
			})
			require.Contains(t, f.said, c.want)
			require.Contains(t, f.said, "first words\nsecond line")
		})
	}
}
