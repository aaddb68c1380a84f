package profiles

import (
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strconv"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"confer/cronofy"
	"confer/cronofy/sandbox"
)

const userinfo = `{"sub":"acc_6710aa01c0ffee0123450001","email":"amara@example.test","name":"Amara Osei","zoneinfo":"Europe/Berlin",
"cronofy.type":"account","cronofy.data":{"authorization":{"scope":"read_write","status":"active"},"profiles":[{"provider_name":"google",
"profile_id":"pro_Zx81kQ","profile_name":"amara@example.test","profile_connected":true,"profile_calendars":[{"calendar_id":"cal_Zx81kQ_01",
"calendar_name":"Work","calendar_readonly":false}]}],"conferencing_profiles":[{"provider_name":"zoom","profile_id":"pro_Cn55tR",
"profile_name":"amara@example.test","profile_connected":true}]}}`

func server(b *testing.B) (*httptest.Server, *http.Client) {
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		_, _ = io.WriteString(w, userinfo)
	}))
	b.Cleanup(s.Close)
	c, err := cronofy.NewHTTPClient("")
	require.NoError(b, err)
	b.Cleanup(c.CloseIdleConnections)
	return s, c
}

// BenchmarkRun reads b.N accounts through everything that a command uses, but
// for the rate limit. Compare with BenchmarkBareLoop in the same run.
func BenchmarkRun(b *testing.B) {
	for name, unordered := range map[string]bool{"ordered": false, "unordered": true} {
		b.Run(name, func(b *testing.B) {
			s, httpClient := server(b)
			site, err := cronofy.DataCenters()[0].Site().Override(s.URL, s.URL)
			require.NoError(b, err)
			client := cronofy.New(site, cronofy.App{}, cronofy.Options{HTTP: httpClient, Limiter: cronofy.NewLimiter(0, 0)})
			list, lines := io.Pipe()
			go func() { // ends when the list is read or closed
				_, err := io.WriteString(lines, "email,access_token\n")
				for i := 0; i < b.N && err == nil; i++ {
					_, err = io.WriteString(lines, "amara@example.test,at"+strconv.Itoa(i)+"\n")
				}
				lines.Close()
			}()
			w := NewWriter(io.Discard, FormatJSON, WriterOptions{})
			b.ReportAllocs()
			b.ResetTimer()
			sum, err := Run(b.Context(), client, ReadAccounts(list), Options{Provider: cronofy.Zoom, Unordered: unordered}, w.Write)
			require.NoError(b, err)
			require.Equal(b, b.N, sum.Connected)
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "accounts/s")
		})
	}
}

// BenchmarkBareLoop is the least that must be done: as many workers, a request,
// a decode.
func BenchmarkBareLoop(b *testing.B) {
	s, httpClient := server(b)
	tokens := make(chan string)
	var wg sync.WaitGroup
	b.ReportAllocs()
	b.ResetTimer()
	for range DefaultWorkers {
		wg.Go(func() {
			for token := range tokens {
				if err := bareCall(httpClient, s.URL, token); err != nil {
					b.Error(err)
				}
			}
		})
	}
	for i := range b.N {
		tokens <- "at" + strconv.Itoa(i)
	}
	close(tokens)
	wg.Wait()
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "accounts/s")
}

func bareCall(c *http.Client, base, token string) error {
	req, err := http.NewRequest(http.MethodGet, base+"/v1/userinfo", nil)
	if err != nil {
		return err
	}
	req.Header.Set("Authorization", "Bearer "+token)
	res, err := c.Do(req)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	var v map[string]any
	return json.NewDecoder(res.Body).Decode(&v)
}

// BenchmarkSandbox reads the sandbox's organisation without a limit, as confer
// profiles does, beside a bare loop over the same accounts.
func BenchmarkSandbox(b *testing.B) {
	const workers = 64
	for name, read := range map[string]func(*testing.B, *sandbox.Server, *http.Client) error{
		"bare": func(b *testing.B, s *sandbox.Server, h *http.Client) error {
			accounts := s.Accounts()
			b.ResetTimer()
			return bareLoop(h, s.APIURL(), workers, accounts)
		},
		"profiles": func(b *testing.B, s *sandbox.Server, h *http.Client) error {
			client := cronofy.New(s.Site(cronofy.DataCenters()[0]), cronofy.App{}, cronofy.Options{HTTP: h, Limiter: cronofy.NewLimiter(0, 0)})
			list, lines := io.Pipe()
			go func() { lines.CloseWithError(s.AccountsCSV(lines)) }() // ends when the list is read
			w := NewWriter(io.Discard, FormatJSON, WriterOptions{})
			b.ResetTimer()
			sum, err := Run(b.Context(), client, ReadAccounts(list), Options{Provider: cronofy.Zoom, Workers: workers}, w.Write)
			require.Equal(b, b.N, sum.Read-sum.Failed)
			return err
		},
	} {
		b.Run(name, func(b *testing.B) {
			s := sandbox.New(sandbox.Options{Seed: 1, Accounts: b.N})
			require.NoError(b, s.Start())
			s.Link(cronofy.Zoom)
			h, err := cronofy.NewHTTPClient("")
			require.NoError(b, err)
			b.Cleanup(func() { h.CloseIdleConnections(); _ = s.Close() })
			b.ReportAllocs()
			require.NoError(b, read(b, s, h))
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "accounts/s")
		})
	}
}

func bareLoop(h *http.Client, base string, workers int, accounts []sandbox.Account) error {
	work := make(chan string)
	failed := make(chan error, workers)
	var wg sync.WaitGroup
	for range workers {
		wg.Go(func() {
			var failure error
			for token := range work {
				if err := bareCall(h, base, token); err != nil {
					failure = err
				}
			}
			failed <- failure
		})
	}
	for _, a := range accounts {
		work <- a.AccessToken.Reveal()
	}
	close(work)
	wg.Wait()
	close(failed)
	var all error
	for err := range failed {
		all = errors.Join(all, err)
	}
	return all
}
