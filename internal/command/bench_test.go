//go:build linux

package command

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// The benchmarks measure the program as it is released: built with -trimpath and
// stripped, in a process of its own. docs/performance.md says how to run them.

// releasedProgram builds it, out of the build cache mostly.
func releasedProgram(b *testing.B) string {
	b.Helper()
	path := filepath.Join(b.TempDir(), "confer")
	build := exec.Command("go", "build", "-trimpath", "-ldflags", "-s -w", "-o", path, "confer")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	out, err := build.CombinedOutput()
	require.NoError(b, err, "%s", out)
	return path
}

// samples are times of one kind.
type samples []time.Duration

// at gives the quantile q by nearest rank.
func (s samples) at(q float64) time.Duration {
	sorted := slices.Sorted(slices.Values(s))
	return sorted[min(len(sorted)-1, int(q*float64(len(sorted))))]
}

// report gives the quantiles in place of the mean, which includes the harness.
func (s samples) report(b *testing.B) {
	b.Helper()
	ms := func(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }
	b.ReportMetric(0, "ns/op")
	b.ReportMetric(ms(s.at(0.5)), "p50-ms")
	b.ReportMetric(ms(s.at(0.95)), "p95-ms")
	b.ReportMetric(ms(slices.Max(s)), "max-ms")
}

// peakMB is the most memory that a process had resident so far, in 10^6 bytes.
func peakMB(b *testing.B, pid int) float64 {
	b.Helper()
	kB, err := strconv.Atoi(procField(b, pid, "VmHWM:"))
	require.NoError(b, err)
	return float64(kB) * 1024 / 1e6
}

// procField reads a field of /proc/PID/status without its unit.
func procField(b *testing.B, pid int, name string) string {
	b.Helper()
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	require.NoError(b, err)
	for line := range strings.Lines(string(text)) {
		if f := strings.Fields(line); len(f) > 1 && f[0] == name {
			return f[1]
		}
	}
	b.Fatalf("/proc/%d/status has no %s", pid, name)
	return ""
}

// cpu is the time that all threads of a process ran.
func cpu(b *testing.B, pid int) time.Duration {
	b.Helper()
	paths, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/schedstat", pid))
	require.NoError(b, err)
	require.NotEmpty(b, paths)
	var sum time.Duration
	for _, p := range paths {
		text, err := os.ReadFile(p)
		require.NoError(b, err)
		ns, err := strconv.ParseInt(strings.Fields(string(text))[0], 10, 64)
		require.NoError(b, err)
		sum += time.Duration(ns)
	}
	return sum
}

func pause(d time.Duration) { <-time.After(d) }

// BenchmarkVersion is the whole process, from before fork to after wait.
func BenchmarkVersion(b *testing.B) {
	path := releasedProgram(b)
	var took samples
	for b.Loop() {
		cmd := exec.Command(path, "--version")
		cmd.Env = home(b)
		began := time.Now()
		out, err := cmd.Output()
		took = append(took, time.Since(began))
		require.NoError(b, err)
		require.True(b, bytes.HasPrefix(out, []byte("confer ")))
	}
	took.report(b)
}

// BenchmarkVersionMemory holds the process where it writes its only line, on a
// full pipe: what the kernel tells after the end includes the parent's memory.
func BenchmarkVersionMemory(b *testing.B) {
	path := releasedProgram(b)
	var peak float64
	for b.Loop() {
		r, w, err := os.Pipe()
		require.NoError(b, err)
		fill(b, w)
		cmd := exec.Command(path, "--version")
		cmd.Env, cmd.Stdout = home(b), w
		require.NoError(b, cmd.Start())
		pause(100 * time.Millisecond)
		peak = max(peak, peakMB(b, cmd.Process.Pid))
		w.Close()
		_, err = new(bytes.Buffer).ReadFrom(r)
		require.NoError(b, err)
		require.NoError(b, cmd.Wait())
		r.Close()
	}
	b.ReportMetric(0, "ns/op")
	b.ReportMetric(peak, "peak-MB")
}

// fill writes to a pipe until it blocks.
func fill(b *testing.B, w *os.File) {
	b.Helper()
	raw, err := w.SyscallConn()
	require.NoError(b, err)
	require.NoError(b, raw.Control(func(fd uintptr) {
		size, _, _ := syscall.Syscall(syscall.SYS_FCNTL, fd, syscall.F_SETPIPE_SZ, 4096)
		_, err = syscall.Write(int(fd), make([]byte, size))
	}))
	require.NoError(b, err)
}

func BenchmarkBinarySize(b *testing.B) {
	info, err := os.Stat(releasedProgram(b))
	require.NoError(b, err)
	for b.Loop() {
	}
	b.ReportMetric(0, "ns/op")
	b.ReportMetric(float64(info.Size())/1e6, "MB")
}
