package keystore

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"testing"

	"github.com/stretchr/testify/require"
)

// churn sets n, n+1, … in the file without end and tells each number once it is stored.
func (s *servant) churn(o order) error {
	f := OpenFile(o.Key, phrase("pass"), WithWorkFactor(cheap))
	for n := o.PID; ; n++ {
		if err := f.Set(s.ctx, "k", strconv.Itoa(n)); err != nil {
			return err
		}
		if err := s.out.Encode(reply{Secret: []byte(strconv.Itoa(n))}); err != nil {
			return err
		}
	}
}

// A process that is killed at any moment leaves the last value that it told of, or the next one.
func TestFileSurvivesKill(t *testing.T) {
	t.Parallel()
	exe, err := os.Executable()
	require.NoError(t, err)
	path := filepath.Join(t.TempDir(), "confer", "secrets.age")
	for round := range 30 {
		h := startHelper(t, exec.Command(exe))
		first := h.do(order{Op: "churn", Key: path, PID: round * 1000})
		require.False(t, first.Failed, "%s %s", first.Text, first.Detail)
		last := round * 1000
		for range round % 7 {
			line, err := h.out.ReadBytes('\n')
			require.NoError(t, err)
			var r reply
			require.NoError(t, json.Unmarshal(line, &r))
			require.False(t, r.Failed, "%s %s", r.Text, r.Detail)
			last, err = strconv.Atoi(string(r.Secret))
			require.NoError(t, err)
		}
		h.kill()
		for { // what it still told before it died
			line, err := h.out.ReadBytes('\n')
			if err != nil {
				break
			}
			var r reply
			require.NoError(t, json.Unmarshal(line, &r))
			last, err = strconv.Atoi(string(r.Secret))
			require.NoError(t, err)
		}
		got, err := OpenFile(path, phrase("pass")).Get(t.Context(), "k")
		require.NoError(t, err)
		require.Contains(t, []string{fmt.Sprint(last), fmt.Sprint(last + 1)}, got)
	}
	require.NoError(t, OpenFile(path, phrase("pass"), WithWorkFactor(cheap)).Set(t.Context(), "k", "end"))
	left, err := filepath.Glob(filepath.Join(filepath.Dir(path), ".*"))
	require.NoError(t, err)
	require.Empty(t, left, "what the killed ones left is removed")
}
