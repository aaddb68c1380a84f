package profiles

import (
	"context"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"confer/cronofy"
)

// later is connected from a moment on, and missing before.
func later(from time.Time) func(context.Context, string) (cronofy.UserInfo, error) {
	return func(ctx context.Context, token string) (cronofy.UserInfo, error) {
		if time.Now().Before(from) {
			return cronofy.UserInfo{Sub: token}, nil
		}
		return connected(ctx, token)
	}
}

func TestRunWaits(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		begun := time.Now()
		c := answering(later(begun.Add(30 * time.Second)))
		sum, err := Run(t.Context(), c, numbered(100), Options{Wait: time.Minute, Workers: 2}, func(Record) error { return nil })
		require.NoError(t, err)
		require.Equal(t, 100, sum.Connected)
		require.Equal(t, 35*time.Second, time.Since(begun), "looks at 0, 5, 15 and 35 s")
		require.Equal(t, 4, c.count("7"))
	})
	synctest.Test(t, func(t *testing.T) {
		begun := time.Now()
		c := answering(later(begun.Add(time.Hour)))
		sum, err := Run(t.Context(), c, numbered(3*waitWindow), Options{Wait: time.Minute}, func(Record) error { return nil })
		require.NoError(t, err)
		require.Equal(t, 3*waitWindow, sum.Missing)
		require.Equal(t, time.Minute, time.Since(begun), "the wait is everybody's, not each one's")
		require.Equal(t, 5, c.count("0"), "looks at 0, 5, 15, 35 and 60 s")
		require.Equal(t, 1, c.count(strconv.Itoa(3*waitWindow-1)))
	})
}

func TestRunDoesNotWaitForWhatCannotChange(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		begun := time.Now()
		c := answering(func(ctx context.Context, token string) (cronofy.UserInfo, error) {
			if token == "refused" {
				return cronofy.UserInfo{}, &cronofy.Error{Status: 403}
			}
			return connected(ctx, token)
		})
		list := "email,access_token,refresh_token\n,refused,\n,,rt\nx,,\n,ok,\n"
		sum, err := Run(t.Context(), c, ReadAccounts(strings.NewReader(list)), Options{Wait: time.Hour}, func(Record) error { return nil })
		require.NoError(t, err)
		require.Equal(t, Summary{Read: 4, Connected: 1, Failed: 3}, sum)
		require.Zero(t, time.Since(begun))
	})
}

func TestRunWaitEndsWithTheContext(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		begun := time.Now()
		ctx, cancel := context.WithTimeout(t.Context(), 7*time.Second)
		defer cancel()
		_, err := Run(ctx, answering(later(begun.Add(time.Hour))), numbered(3), Options{Wait: time.Hour}, func(Record) error { t.Error("a record"); return nil })
		require.ErrorIs(t, err, context.DeadlineExceeded)
		require.Equal(t, 7*time.Second, time.Since(begun))
	})
}
