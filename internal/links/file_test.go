package links

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func tempFile(t *testing.T) *File {
	t.Helper()
	return Open(filepath.Join(t.TempDir(), "state", "confer", "links.json"))
}

func update(t *testing.T, f *File, change func(*Contents)) {
	t.Helper()
	require.NoError(t, f.Update(t.Context(), func(c *Contents) error { change(c); return nil }))
}

func load(t *testing.T, f *File) Contents {
	t.Helper()
	c, err := f.Load(t.Context())
	require.NoError(t, err)
	return c
}

func names(t *testing.T, f *File) []string {
	t.Helper()
	entries, err := os.ReadDir(filepath.Dir(f.Path()))
	require.NoError(t, err)
	var all []string
	for _, e := range entries {
		all = append(all, e.Name())
	}
	return all
}

func TestNoFileIsEmptyAndMakesNothing(t *testing.T) {
	t.Parallel()
	f := tempFile(t)
	require.Equal(t, Contents{}, load(t, f))
	require.NoDirExists(t, filepath.Dir(f.Path()))
	update(t, f, func(*Contents) {})
	require.NoFileExists(t, f.Path(), "nothing to say, nothing written")
}

func TestUpdateThenLoad(t *testing.T) {
	t.Parallel()
	f := tempFile(t)
	want := full()
	update(t, f, func(c *Contents) { *c = want })
	require.Equal(t, want, load(t, f))
	update(t, f, func(c *Contents) { c.Draft = nil })
	require.Nil(t, load(t, f).Draft)
	require.Equal(t, []string{"links.json", "links.json.lock"}, names(t, f), "no temporary file is left")
}

func TestUpdateWritesNothingWhenNothingChanged(t *testing.T) {
	t.Parallel()
	f := tempFile(t)
	update(t, f, func(c *Contents) { *c = full() })
	f.beforeRename = func() { t.Error("written") }
	update(t, f, func(*Contents) {})
	boom := errors.New("boom")
	require.ErrorIs(t, f.Update(t.Context(), func(c *Contents) error { c.Links = nil; return boom }), boom)
	require.Equal(t, full(), load(t, f))
}

func TestUpdateCleansWhatWasTyped(t *testing.T) {
	t.Parallel()
	f := tempFile(t)
	mine := &Draft{Label: "a\x1b[31mb\u202e", ClientID: "c"}
	update(t, f, func(c *Contents) {
		l := link("ser_one")
		l.Label = "Example\nGmbH\x07"
		c.AddLink(l)
		c.Draft = mine
	})
	c := load(t, f)
	require.Empty(t, c.SetAside)
	require.Equal(t, "Example GmbH", c.Links[0].Label)
	require.Equal(t, &Draft{Label: "ab", ClientID: "c"}, c.Draft)
	require.Equal(t, "a\x1b[31mb\u202e", mine.Label, "the caller's own draft is left alone")
}

func TestDamagedAndNewerFilesAreSetAside(t *testing.T) {
	t.Parallel()
	for _, k := range []struct {
		content, suffix string
		newer           bool
	}{
		{`{"version": 1, "links": [`, ".damaged-", false},
		{"", ".damaged-", false},
		{`{"version": 2, "links": {}}`, ".newer-", true},
		{`{"version":1,"x":"` + strings.Repeat("y", maxSize) + `"}`, ".damaged-", false},
		{`{"version":1}` + strings.Repeat(" ", maxSize), ".damaged-", false},
	} {
		f := tempFile(t)
		update(t, f, func(c *Contents) { *c = full() })
		for i := 1; i <= 2; i++ {
			require.NoError(t, os.WriteFile(f.Path(), []byte(k.content), 0o600))
			aside := f.Path() + k.suffix + strconv.Itoa(i)
			require.Equal(t, Contents{SetAside: aside, Newer: k.newer}, load(t, f))
			kept, err := os.ReadFile(aside)
			require.NoError(t, err)
			require.Equal(t, k.content, string(kept))
			require.Equal(t, Contents{}, load(t, f), "said once")
		}
		require.NoError(t, os.WriteFile(f.Path(), []byte(k.content), 0o600))
		update(t, f, func(c *Contents) {
			require.Equal(t, f.Path()+k.suffix+"3", c.SetAside)
			c.AddLink(link("ser_after"))
		})
		require.Equal(t, []Link{link("ser_after")}, load(t, f).Links)
	}
}

func TestHugeSparseFileIsNotRead(t *testing.T) {
	t.Parallel()
	f := tempFile(t)
	update(t, f, func(c *Contents) { *c = full() })
	require.NoError(t, os.Truncate(f.Path(), 1<<40))
	require.Equal(t, f.Path()+".damaged-1", load(t, f).SetAside)
}

func TestWhatWouldNotBeReadBackIsNotWritten(t *testing.T) {
	t.Parallel()
	f := tempFile(t)
	update(t, f, func(c *Contents) { *c = full() })
	err := f.Update(t.Context(), func(c *Contents) error {
		for i := range 4000 {
			c.AddLink(link("ser_" + strconv.Itoa(i)))
		}
		return nil
	})
	require.ErrorIs(t, err, ErrTooLarge)
	require.Equal(t, full(), load(t, f))
}

func TestKilledBeforeTheRename(t *testing.T) {
	t.Parallel()
	f := tempFile(t)
	update(t, f, func(c *Contents) { *c = full() })
	cmd := again(t, roleDie, f.Path())
	require.Error(t, cmd.Run())
	require.False(t, cmd.ProcessState.Success())
	require.Len(t, names(t, f), 3, "the killed process left its temporary file: %v", names(t, f))
	require.Equal(t, full(), load(t, f), "the old file, whole")
	update(t, f, func(c *Contents) { c.Draft = nil })
	require.Equal(t, []string{"links.json", "links.json.lock"}, names(t, f), "the next writer cleans up")
}

func TestTwoProcessesAtOnceLoseNothing(t *testing.T) {
	t.Parallel()
	f := tempFile(t)
	const each = 40
	a, b := again(t, roleAdd, f.Path(), "a", strconv.Itoa(each)), again(t, roleAdd, f.Path(), "b", strconv.Itoa(each))
	require.NoError(t, a.Start())
	require.NoError(t, b.Start())
	require.NoError(t, a.Wait())
	require.NoError(t, b.Wait())
	c := load(t, f)
	require.Empty(t, c.SetAside)
	require.Len(t, c.Links, 2*each)
}

func TestGoroutinesAtOnceLoseNothing(t *testing.T) {
	t.Parallel()
	f := tempFile(t)
	f.lockLimit = 2 * time.Minute
	var wg sync.WaitGroup
	for i := range 20 {
		wg.Go(func() {
			err := f.Update(t.Context(), func(c *Contents) error { c.AddLink(link("ser_" + strconv.Itoa(i))); return nil })
			if err != nil {
				t.Error(err)
			}
			if _, err := f.Load(t.Context()); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	require.Len(t, load(t, f).Links, 20)
}

func TestLockedByAnother(t *testing.T) {
	t.Parallel()
	f := tempFile(t)
	update(t, f, func(c *Contents) { *c = full() })
	unlock, err := f.lock(t.Context())
	require.NoError(t, err)
	other := Open(f.Path())
	other.lockLimit = time.Millisecond
	err = other.Update(t.Context(), func(*Contents) error { t.Error("entered"); return nil })
	require.ErrorIs(t, err, ErrBusy)
	var typed *Error
	require.ErrorAs(t, err, &typed)
	require.Equal(t, "lock", typed.Op)
	require.Equal(t, full(), load(t, other), "reading needs no lock")
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	require.ErrorIs(t, other.Update(ctx, func(*Contents) error { t.Error("entered"); return nil }), context.Canceled)
	_, err = other.Load(ctx)
	require.ErrorIs(t, err, context.Canceled)
	unlock()
	update(t, other, func(c *Contents) { c.Draft = nil })
}

func TestDefaultPath(t *testing.T) {
	t.Parallel()
	home := func() (string, error) { return "/home/amara", nil }
	none := func() (string, error) { return "", errors.New("HOME is not defined") }
	for _, k := range []struct {
		system, name, value string
		home                func() (string, error)
		want                string
	}{
		{"linux", "", "", home, "/home/amara/.local/state/confer/links.json"},
		{"linux", "XDG_STATE_HOME", "/var/state", none, "/var/state/confer/links.json"},
		{"linux", "XDG_STATE_HOME", "relative", home, "/home/amara/.local/state/confer/links.json"},
		{"darwin", "", "", home, "/home/amara/Library/Application Support/confer/links.json"},
		{"darwin", "XDG_STATE_HOME", "/var/state", home, "/var/state/confer/links.json"},
		{"windows", "LocalAppData", "/c/Users/amara/AppData/Local", none, "/c/Users/amara/AppData/Local/confer/links.json"},
		{"windows", "", "", home, "/home/amara/AppData/Local/confer/links.json"},
	} {
		got, err := pathFor(k.system, func(n string) string {
			if n == k.name {
				return k.value
			}
			return ""
		}, k.home)
		require.NoError(t, err)
		require.Equal(t, filepath.FromSlash(k.want), got)
	}
	_, err := pathFor("linux", func(string) string { return "" }, none)
	require.ErrorIs(t, err, ErrNoHome)
}
