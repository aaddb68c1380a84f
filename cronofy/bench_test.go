package cronofy

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
)

// BenchmarkUserInfo and BenchmarkBareHTTP ask the same server over loopback with
// the same number of workers; the difference is what the client costs. The aim
// is 5,000 accounts a second.
func BenchmarkUserInfo(b *testing.B) {
	for _, workers := range []int{1, 16, 64} {
		b.Run(fmt.Sprintf("workers=%d", workers), func(b *testing.B) {
			url, h := benchServer(b)
			for name, l := range map[string]*Limiter{"unlimited": NewLimiter(0, 0), "limiter": NewLimiter(1e6, 0)} {
				b.Run(name, func(b *testing.B) {
					c := New(Site{API: url}, testApp(), Options{HTTP: h, Limiter: l})
					token := NewSecret(accessToken)
					share(b, workers, func() error {
						u, err := c.UserInfo(b.Context(), token)
						if err == nil && len(u.ConferencingProfiles) != 2 {
							return io.ErrUnexpectedEOF
						}
						return err
					})
				})
			}
		})
	}
}

func BenchmarkBareHTTP(b *testing.B) {
	for _, workers := range []int{1, 16, 64} {
		b.Run(fmt.Sprintf("workers=%d", workers), func(b *testing.B) {
			url, h := benchServer(b)
			share(b, workers, func() error {
				res, err := h.Get(url + "/v1/userinfo")
				if err != nil {
					return err
				}
				defer res.Body.Close()
				_, err = io.Copy(io.Discard, res.Body)
				return err
			})
		})
	}
}

func benchServer(b *testing.B) (string, *http.Client) {
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { reply(w, 200, accountExample) }))
	h, err := NewHTTPClient("")
	require.NoError(b, err)
	b.Cleanup(func() { h.CloseIdleConnections(); s.Close() })
	return s.URL, h
}

// share has b.N pieces of work done by so many workers.
func share(b *testing.B, workers int, work func() error) {
	b.ReportAllocs()
	todo := make(chan struct{})
	var wg sync.WaitGroup
	for range workers {
		wg.Go(func() {
			for range todo {
				if err := work(); err != nil {
					b.Error(err)
				}
			}
		})
	}
	b.ResetTimer()
	for range b.N {
		todo <- struct{}{}
	}
	close(todo)
	wg.Wait()
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "calls/s")
}

func BenchmarkCleanText(b *testing.B) {
	for name, s := range map[string]string{"clean": "amara@example.test", "dirty": "\x1b[31mamara\x1b[0m@example.test\r\n"} {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				CleanText(s, maxName)
			}
		})
	}
}
