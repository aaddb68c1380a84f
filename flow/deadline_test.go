package flow

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
)

// TestMoreTimeIsGiven: the wait ends when the countdown does.
func TestMoreTimeIsGiven(t *testing.T) {
	t.Parallel()
	for name, pause := range map[string]time.Duration{"at once": 0, "late": 50 * time.Second, "after the end": 90 * time.Second} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				start := time.Now()
				z := &authorization{r: &Runner{Timeout: time.Minute}, until: start.Add(time.Minute), timer: time.NewTimer(time.Minute)}
				time.Sleep(pause)
				require.Equal(t, start.Add(2*time.Minute), z.extend(false))
				<-z.timer.C
				require.Equal(t, 2*time.Minute, time.Since(start))
				require.Equal(t, z.until, time.Now())
			})
		})
	}
}
