package cronofy

import (
	"context"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
)

// TestRefusedUntilTheTimeIsOver: a caller with little time hears why, not that
// its time was over, and does not wait for a pause that it cannot outlast.
func TestRefusedUntilTheTimeIsOver(t *testing.T) {
	t.Parallel()
	for _, status := range []int{http.StatusTooManyRequests, http.StatusServiceUnavailable} {
		synctest.Test(t, func(t *testing.T) {
			calls := 0
			refuse := roundTrip(func(r *http.Request) (*http.Response, error) {
				calls++
				return &http.Response{StatusCode: status, Body: http.NoBody, Header: http.Header{}, Request: r}, nil
			})
			c := New(DataCenters()[0].Site(), App{}, WithHTTPClient(&http.Client{Transport: refuse}), WithLimiter(NewLimiter(0, 0)))
			const limit = 3 * time.Second
			began := time.Now()
			ctx, cancel := context.WithTimeout(t.Context(), limit)
			defer cancel()
			_, err := c.UserInfo(ctx, NewSecret("token"))
			require.Equal(t, status, StatusOf(err), "%v", err)
			require.NotErrorIs(t, err, context.DeadlineExceeded)
			require.Greater(t, calls, 1)
			require.LessOrEqual(t, time.Since(began), limit)
		})
	}
}

type roundTrip func(*http.Request) (*http.Response, error)

func (f roundTrip) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }
