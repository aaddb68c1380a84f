//go:build linux

package command

import (
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"confer/cronofy"
	"confer/internal/screentest"
)

// organisation is a sandbox in a process of its own, with that many accounts
// that are linked with Zoom.
type organisation struct {
	program, people, api, app              string
	clientID, clientSecret, serviceAccount string
}

func startOrganisation(b *testing.B, program string, accounts int) organisation {
	b.Helper()
	dir := b.TempDir()
	o := organisation{program: program, people: filepath.Join(dir, "people.csv")}
	env := filepath.Join(dir, "env")
	cmd := exec.Command(program, "sandbox", "--seed", "1", "--accounts", strconv.Itoa(accounts), "--people-file", o.people, "--env-file", env)
	cmd.Env = home(b)
	require.NoError(b, cmd.Start())
	b.Cleanup(func() { _ = cmd.Process.Kill(); _ = cmd.Wait() })
	var lines []byte
	for began := time.Now(); len(lines) == 0 && time.Since(began) < screentest.Patience; pause(10 * time.Millisecond) {
		lines, _ = os.ReadFile(env) // it is there, as a whole, when the sandbox is ready
	}
	for name, dst := range map[string]*string{
		"CRONOFY_API_URL": &o.api, "CRONOFY_APP_URL": &o.app, "CRONOFY_CLIENT_ID": &o.clientID,
		"CRONOFY_CLIENT_SECRET": &o.clientSecret, "CONFER_SERVICE_ACCOUNT": &o.serviceAccount,
	} {
		_, value, _ := strings.Cut(string(lines), "export "+name+"='")
		*dst, _, _ = strings.Cut(value, "'")
		require.NotEmpty(b, *dst, name)
	}
	return o
}

// reading is what a run of confer profiles took.
type reading struct {
	took time.Duration
	peak float64 // 10^6 bytes
}

func (o organisation) read(b *testing.B, list string, rate int) reading {
	b.Helper()
	cmd := exec.Command(o.program, "profiles", "--accounts", list, "--json", "--api-url", o.api, "--data-center", "de", "--rate", strconv.Itoa(rate))
	cmd.Env = home(b)
	out, err := cmd.StdoutPipe()
	require.NoError(b, err)
	began := time.Now()
	require.NoError(b, cmd.Start())
	done, peak := make(chan struct{}), make(chan float64, 1)
	go func() { peak <- watchPeak(b, cmd.Process.Pid, done) }()
	_, err = io.Copy(io.Discard, out)
	require.NoError(b, err)
	close(done)
	r := reading{peak: <-peak}
	require.NoError(b, cmd.Wait())
	r.took = time.Since(began)
	return r
}

// watchPeak looks at a process's peak of memory until done, while it runs.
func watchPeak(b *testing.B, pid int, done <-chan struct{}) float64 {
	var peak float64
	for {
		text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
		if _, kB, ok := strings.Cut(string(text), "VmHWM:"); err == nil && ok {
			n, err := strconv.Atoi(strings.Fields(kB)[0])
			if err != nil {
				b.Error(err)
			}
			peak = max(peak, float64(n)*1024/1e6)
		}
		select {
		case <-done:
			return peak
		case <-time.After(5 * time.Millisecond):
		}
	}
}

// head writes the first accounts of the list into a list of their own.
func (o organisation) head(b *testing.B, accounts int) string {
	b.Helper()
	all, err := os.ReadFile(o.people)
	require.NoError(b, err)
	lines := strings.SplitAfter(string(all), "\n")
	path := filepath.Join(b.TempDir(), "people.csv")
	require.NoError(b, os.WriteFile(path, []byte(strings.Join(lines[:accounts+1], "")), 0o600))
	return path
}

// BenchmarkProfilesMemory is the peak of memory for short and long lists.
func BenchmarkProfilesMemory(b *testing.B) {
	o := startOrganisation(b, releasedProgram(b), 100_000)
	for _, n := range []int{1000, 10_000, 100_000} {
		b.Run(strconv.Itoa(n), func(b *testing.B) {
			list := o.head(b, n)
			var peak float64
			for b.Loop() {
				peak = max(peak, o.read(b, list, 0).peak)
			}
			b.ReportMetric(0, "ns/op")
			b.ReportMetric(peak, "peak-MB")
		})
	}
}

// BenchmarkProfilesUnlimited is accounts a second of the whole command, from its
// start to its end, beside a bare loop of net/http over the same list.
func BenchmarkProfilesUnlimited(b *testing.B) {
	const accounts = 50_000
	o := startOrganisation(b, releasedProgram(b), accounts)
	b.Run("profiles", func(b *testing.B) {
		var took time.Duration
		for b.Loop() {
			took += o.read(b, o.people, 0).took
		}
		b.ReportMetric(0, "ns/op")
		b.ReportMetric(float64(b.N*accounts)/took.Seconds(), "accounts/s")
	})
	b.Run("bare-loop", func(b *testing.B) {
		tokens := o.tokens(b)
		began := time.Now()
		for b.Loop() {
			bareLoop(b, o.api, tokens)
		}
		b.ReportMetric(0, "ns/op")
		b.ReportMetric(float64(b.N*accounts)/time.Since(began).Seconds(), "accounts/s")
	})
}

func (o organisation) tokens(b *testing.B) []string {
	b.Helper()
	all, err := os.ReadFile(o.people)
	require.NoError(b, err)
	lines := strings.Split(strings.TrimSpace(string(all)), "\n")
	column := -1
	for i, name := range strings.Split(lines[0], ",") {
		if name == "access_token" {
			column = i
		}
	}
	require.GreaterOrEqual(b, column, 0)
	var tokens []string
	for _, l := range lines[1:] {
		tokens = append(tokens, strings.Split(l, ",")[column])
	}
	return tokens
}

// bareLoop is the least there is: as many workers, a request, the body read.
func bareLoop(b *testing.B, api string, tokens []string) {
	b.Helper()
	h, err := cronofy.NewHTTPClient("")
	require.NoError(b, err)
	defer h.CloseIdleConnections()
	work := make(chan string)
	var workers sync.WaitGroup
	for range unlimitedWorkers {
		workers.Go(func() {
			for token := range work {
				if err := bareCall(h, api, token); err != nil {
					b.Error(err)
				}
			}
		})
	}
	for _, t := range tokens {
		work <- t
	}
	close(work)
	workers.Wait()
}

func bareCall(h *http.Client, api, token string) error {
	req, err := http.NewRequest(http.MethodGet, api+"/v1/userinfo", nil)
	if err != nil {
		return err
	}
	req.Header.Set("Authorization", "Bearer "+token)
	res, err := h.Do(req)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusOK {
		return fmt.Errorf("status %d", res.StatusCode)
	}
	_, err = io.Copy(io.Discard, res.Body)
	return err
}

// BenchmarkProfilesRate is the share of the set rate that is used by the whole
// command, once the first second's calls, which need not wait, are taken off.
func BenchmarkProfilesRate(b *testing.B) {
	const seconds = 20
	o := startOrganisation(b, releasedProgram(b), 200*(seconds+1))
	for _, rate := range []int{50, 200} {
		b.Run(strconv.Itoa(rate), func(b *testing.B) {
			list := o.head(b, rate*(seconds+1))
			var took time.Duration
			for b.Loop() {
				took += o.read(b, list, rate).took
			}
			b.ReportMetric(0, "ns/op")
			b.ReportMetric(100*seconds*float64(b.N)/took.Seconds(), "%-of-the-rate")
		})
	}
}
