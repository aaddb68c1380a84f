package profiles

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"confer/cronofy"
	"confer/internal/crash"
)

func list(n int) []Account {
	var all []Account
	for a := range numbered(n) {
		all = append(all, a)
	}
	return all
}

// screen keeps what a screen would show.
type screen struct {
	rows  map[int]Record
	sum   Summary
	emits int
	looks []time.Duration // since the beginning
	begun time.Time
}

func newScreen() *screen { return &screen{rows: map[int]Record{}, begun: time.Now()} }

func (s *screen) emit(rows []Row, sum Summary) {
	s.emits++
	s.sum = sum
	for _, r := range rows {
		s.rows[r.Index] = r.Record
	}
}

func (s *screen) next(in time.Duration) { s.looks = append(s.looks, time.Since(s.begun)+in) }

func (s *screen) states() map[State]int {
	m := map[State]int{}
	for _, r := range s.rows {
		m[r.State]++
	}
	return m
}

// TestWatchPanicsWhereItsOwnerIs, as Run does.
func TestWatchPanicsWhereItsOwnerIs(t *testing.T) {
	t.Parallel()
	mistake := answering(func(context.Context, string) (cronofy.UserInfo, error) { panic("a value that may hold a secret") })
	var caught *crash.Error
	func() {
		defer func() { caught = crash.Caught(recover()) }()
		_ = Watch(t.Context(), mistake, list(3), Options{}, func([]Row, Summary) {})
	}()
	require.NotNil(t, caught)
	require.Equal(t, "crashed: string", caught.Error())
	require.Contains(t, string(caught.Stack), "TestWatchPanicsWhereItsOwnerIs", "the stack is that of the mistake")
}

func TestWatchEndsWhenAllAreConnected(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newScreen()
		c := answering(func(ctx context.Context, token string) (cronofy.UserInfo, error) {
			if token == "1" {
				return later(s.begun.Add(20*time.Second))(ctx, token)
			}
			return connected(ctx, token)
		})
		require.NoError(t, Watch(t.Context(), c, list(3), Options{NextLook: s.next}, s.emit))
		require.Equal(t, map[State]int{Connected: 3}, s.states())
		require.Equal(t, []time.Duration{5 * time.Second, 15 * time.Second, 35 * time.Second}, s.looks)
		require.Equal(t, 35*time.Second, time.Since(s.begun))
		require.Equal(t, 4, c.count("1"))
		require.Equal(t, 1, c.count("0"), "the connected are left alone")
	})
}

func TestWatchEndsWhenTimeIsOver(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newScreen()
		c := answering(later(s.begun.Add(time.Hour)))
		require.NoError(t, Watch(t.Context(), c, list(2), Options{NextLook: s.next}, s.emit))
		require.Equal(t, DefaultWatch, time.Since(s.begun))
		require.Equal(t, map[State]int{Missing: 2}, s.states())
		require.Equal(t, DefaultWatch, s.looks[len(s.looks)-1], "a last look at the very end")
		for i := 1; i < len(s.looks)-1; i++ {
			require.LessOrEqual(t, s.looks[i]-s.looks[i-1], time.Minute)
		}
	})
	synctest.Test(t, func(t *testing.T) {
		s := newScreen()
		opts := Options{Pauses: []time.Duration{time.Second, 4 * time.Minute}, NextLook: s.next}
		require.NoError(t, Watch(t.Context(), answering(later(s.begun.Add(time.Hour))), list(1), opts, s.emit))
		require.Equal(t, []time.Duration{time.Second, 4*time.Minute + time.Second, 8*time.Minute + time.Second, 10 * time.Minute}, s.looks)
	})
}

func TestWatchEndsWhenNothingCanChange(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newScreen()
		c := answering(func(context.Context, string) (cronofy.UserInfo, error) {
			return cronofy.UserInfo{}, &cronofy.Error{Status: 401}
		})
		accounts := append(list(1), Account{RefreshToken: cronofy.NewSecret("rt")})
		require.NoError(t, Watch(t.Context(), c, accounts, Options{NextLook: s.next}, s.emit))
		require.Equal(t, map[State]int{Failed: 2}, s.states())
		require.Empty(t, s.looks)
	})
}

func TestWatchLooksAgainAfterAFailureThatMayPass(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newScreen()
		c := answering(func(ctx context.Context, token string) (cronofy.UserInfo, error) {
			if time.Since(s.begun) < time.Second {
				return cronofy.UserInfo{}, &cronofy.Error{Status: 503}
			}
			return connected(ctx, token)
		})
		require.NoError(t, Watch(t.Context(), c, list(1), Options{}, s.emit))
		require.Equal(t, map[State]int{Connected: 1}, s.states())
	})
}

func TestWatchEndsWithTheContext(t *testing.T) {
	t.Parallel()
	for name, answer := range map[string]func(context.Context, string) (cronofy.UserInfo, error){
		"in a pause": func(context.Context, string) (cronofy.UserInfo, error) { return cronofy.UserInfo{}, nil },
		"in a call": func(ctx context.Context, _ string) (cronofy.UserInfo, error) {
			<-ctx.Done()
			return cronofy.UserInfo{}, ctx.Err()
		},
	} {
		synctest.Test(t, func(t *testing.T) {
			s := newScreen()
			ctx, cancel := context.WithTimeout(t.Context(), 12*time.Second)
			defer cancel()
			require.ErrorIs(t, Watch(ctx, answering(answer), list(3), Options{}, s.emit), context.DeadlineExceeded, name)
			require.Equal(t, 12*time.Second, time.Since(s.begun), name)
		})
	}
}

func TestWatchGivesRowsInBatches(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newScreen()
		require.NoError(t, Watch(t.Context(), answering(connected), list(10_000), Options{}, s.emit))
		require.Len(t, s.rows, 10_000)
		require.LessOrEqual(t, s.emits, 10)
		require.Equal(t, Summary{Read: 10_000, Connected: 10_000}, s.sum)
	})
	synctest.Test(t, func(t *testing.T) {
		s := newScreen()
		c := answering(func(ctx context.Context, token string) (cronofy.UserInfo, error) {
			if token != "0" {
				time.Sleep(time.Second)
			}
			return connected(ctx, token)
		})
		seen := []time.Duration{}
		require.NoError(t, Watch(t.Context(), c, list(2), Options{}, func(rows []Row, sum Summary) {
			s.emit(rows, sum)
			seen = append(seen, time.Since(s.begun))
		}))
		require.Equal(t, []time.Duration{batchTime, time.Second}, seen, "the first is not kept back by the last")
	})
}

func TestWatchOfNobody(t *testing.T) {
	t.Parallel()
	require.NoError(t, Watch(t.Context(), answering(connected), nil, Options{}, func([]Row, Summary) { t.Error("rows") }))
}

// TestWatchCountsEachAccountOnce, in its newest state.
func TestWatchCountsEachAccountOnce(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newScreen()
		var seen []Summary
		c := answering(func(_ context.Context, token string) (cronofy.UserInfo, error) {
			switch since := time.Since(s.begun); {
			case token == "0" || since > 10*time.Second:
				return info(profile("zoom", true)), nil
			case since > time.Second:
				return info(profile("go_to", true)), nil
			}
			return cronofy.UserInfo{}, &cronofy.Error{Status: 503}
		})
		opts := Options{Known: map[string]bool{"pro_go_to": true}}
		require.NoError(t, Watch(t.Context(), c, list(3), opts, func(rows []Row, sum Summary) { seen = append(seen, sum) }))
		require.Equal(t, []Summary{{Read: 3, Connected: 1, Failed: 2}, {Read: 3, Connected: 1, Missing: 2, Own: 2}, {Read: 3, Connected: 3}}, seen)
	})
}
