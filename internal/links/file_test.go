package links

import (
	"context"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"confer/internal/atomicfile"
)

func tempFile(t *testing.T) *File {
	t.Helper()
	return Open(filepath.Join(t.TempDir(), "state", "confer", "links.json"))
}

func update(t *testing.T, f *File, change func(*Contents)) {
	t.Helper()
	require.NoError(t, f.Update(t.Context(), func(c *Contents) { change(c) }))
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
	require.Equal(t, []string{"links.json"}, names(t, f), "no temporary file is left")
}

func TestUpdateWritesNothingWhenNothingChanged(t *testing.T) {
	t.Parallel()
	f := tempFile(t)
	update(t, f, func(c *Contents) { *c = full() })
	before, err := os.Stat(f.Path())
	require.NoError(t, err)
	update(t, f, func(*Contents) {})
	after, err := os.Stat(f.Path())
	require.NoError(t, err)
	require.True(t, os.SameFile(before, after), "written")
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
	require.Empty(t, c.Damaged)
	require.Equal(t, "Example GmbH", c.Links[0].Label)
	require.Equal(t, &Draft{Label: "ab", ClientID: "c"}, c.Draft)
	require.Equal(t, "a\x1b[31mb\u202e", mine.Label, "the caller's own draft is left alone")
}

// TestDamagedFile: it gets another name, and that is told until somebody deals
// with it.
func TestDamagedFile(t *testing.T) {
	t.Parallel()
	for _, content := range []string{
		`{"version": 1, "links": [`, "", `{"version":1,"x":"` + strings.Repeat("y", maxSize) + `"}`, `{"version":1}` + strings.Repeat(" ", maxSize),
	} {
		f := tempFile(t)
		update(t, f, func(c *Contents) { *c = full() })
		aside := func(n int) string { return f.Path() + ".damaged-" + strconv.Itoa(n) }
		require.NoError(t, os.WriteFile(f.Path(), []byte(content), 0o600))
		require.Equal(t, Contents{Damaged: []string{aside(1)}}, load(t, f))
		for range 2 {
			require.Equal(t, Contents{Damaged: []string{aside(1)}}, load(t, f))
		}
		require.NoError(t, os.WriteFile(f.Path(), []byte(content), 0o600))
		update(t, f, func(c *Contents) {
			require.Equal(t, []string{aside(1), aside(2)}, c.Damaged)
			c.AddLink(link("ser_after"))
		})
		for i := range 2 {
			kept, err := os.ReadFile(aside(1 + i))
			require.NoError(t, err)
			require.Equal(t, content, string(kept))
		}
		require.Equal(t, []Link{link("ser_after")}, load(t, f).Links)
		require.NoError(t, os.Remove(aside(1)))
		require.Equal(t, []string{aside(2)}, load(t, f).Damaged)
	}
}

// TestNewerFile: neither a reader nor a writer touches it.
func TestNewerFile(t *testing.T) {
	t.Parallel()
	f := tempFile(t)
	update(t, f, func(c *Contents) { *c = full() })
	newer := []byte(`{"version": 99, "links": {}}`)
	require.NoError(t, os.WriteFile(f.Path(), newer, 0o600))
	_, err := f.Load(t.Context())
	require.ErrorIs(t, err, ErrNewer)
	require.ErrorIs(t, f.Update(t.Context(), func(*Contents) { t.Error("entered") }), ErrNewer)
	b, err := os.ReadFile(f.Path())
	require.NoError(t, err)
	require.Equal(t, newer, b)
	require.Equal(t, []string{"links.json"}, names(t, f))
}

func TestHugeSparseFileIsNotRead(t *testing.T) {
	t.Parallel()
	f := tempFile(t)
	update(t, f, func(c *Contents) { *c = full() })
	require.NoError(t, os.Truncate(f.Path(), 1<<40))
	require.Equal(t, []string{f.Path() + ".damaged-1"}, load(t, f).Damaged)
}

func TestWhatWouldNotBeReadBackIsNotWritten(t *testing.T) {
	t.Parallel()
	f := tempFile(t)
	update(t, f, func(c *Contents) { *c = full() })
	err := f.Update(t.Context(), func(c *Contents) {
		for i := range 4000 {
			c.AddLink(link("ser_" + strconv.Itoa(i)))
		}
	})
	require.ErrorContains(t, err, "too large")
	require.Equal(t, full(), load(t, f))
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
	require.Len(t, c.Links, 2*each)
}

func TestGoroutinesAtOnceLoseNothing(t *testing.T) {
	t.Parallel()
	f := tempFile(t)
	f.lockLimit = 2 * time.Minute
	var wg sync.WaitGroup
	for i := range 20 {
		wg.Go(func() {
			err := f.Update(t.Context(), func(c *Contents) { c.AddLink(link("ser_" + strconv.Itoa(i))) })
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
	unlock, err := atomicfile.Lock(t.Context(), f.Path()+".lock", 0)
	require.NoError(t, err)
	other := Open(f.Path())
	other.lockLimit = time.Millisecond
	err = other.Update(t.Context(), func(*Contents) { t.Error("entered") })
	require.ErrorIs(t, err, ErrBusy)
	var typed *os.PathError
	require.ErrorAs(t, err, &typed)
	require.Equal(t, "lock", typed.Op)
	require.Equal(t, full(), load(t, other), "reading needs no lock")
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	require.ErrorIs(t, other.Update(ctx, func(*Contents) { t.Error("entered") }), context.Canceled)
	_, err = other.Load(ctx)
	require.ErrorIs(t, err, context.Canceled)
	unlock()
	update(t, other, func(c *Contents) { c.Draft = nil })
}

// Not in parallel: it sets the environment.
func TestDefaultPath(t *testing.T) {
	home := t.TempDir()
	for _, name := range []string{"HOME", "USERPROFILE", "LocalAppData"} {
		t.Setenv(name, home)
	}
	usual := map[string]string{"darwin": "Library/Application Support", "windows": ""}
	want, ok := usual[runtime.GOOS]
	if !ok {
		want = ".local/state"
	}
	want = filepath.Join(home, filepath.FromSlash(want), "confer", "links.json")
	for state, want := range map[string]string{"": want, "relative": want, filepath.Join(home, "state"): filepath.Join(home, "state", "confer", "links.json")} {
		t.Setenv("XDG_STATE_HOME", state)
		got, err := DefaultPath()
		require.NoError(t, err)
		require.Equal(t, want, got)
	}
	t.Setenv("XDG_STATE_HOME", "")
	for _, name := range []string{"HOME", "USERPROFILE", "LocalAppData"} {
		t.Setenv(name, "")
	}
	_, err := DefaultPath()
	require.Error(t, err)
}

// TestOneLocksTheDraft: the second is told, and the first one's end frees it.
func TestOneLocksTheDraft(t *testing.T) {
	t.Parallel()
	f := tempFile(t)
	unlock, err := f.LockDraft()
	require.NoError(t, err)
	_, err = Open(f.Path()).LockDraft()
	require.ErrorIs(t, err, ErrDraftLocked)
	unlock()
	unlock, err = Open(f.Path()).LockDraft()
	require.NoError(t, err)
	unlock()
	require.Empty(t, names(t, f))
}

// TestLockDraftWhereNothingCanBeWritten says what an Update would.
func TestLockDraftWhereNothingCanBeWritten(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "confer")
	require.NoError(t, os.WriteFile(dir, nil, 0o600))
	_, err := Open(filepath.Join(dir, "links.json")).LockDraft()
	require.Error(t, err)
	require.NotErrorIs(t, err, ErrDraftLocked)
}

// TestALinkThatIsWorkedOnIsBusy: the words for it are chosen by the same error as
// those for the file of links.
func TestALinkThatIsWorkedOnIsBusy(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		m := &Manager{Links: Open(filepath.Join(t.TempDir(), "links.json"))}
		token := Link{APIHost: "api.example.test", ClientID: "c", ServiceAccount: "ser_1", Provider: "zoom"}.Token()
		unlock, err := m.lock(t.Context(), token)
		require.NoError(t, err)
		defer unlock()
		_, err = m.lock(t.Context(), token)
		require.ErrorIs(t, err, ErrBusy)
	})
}
