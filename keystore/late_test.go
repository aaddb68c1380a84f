package keystore

import (
	"errors"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/require"
)

func TestLateSetIsUndone(t *testing.T) {
	t.Parallel()
	for name, before := range map[string]string{"new item": "", "replaced item": "old"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				f := newFake()
				if before != "" {
					f.items["k"] = before
				}
				hook, release := blocker(1)
				f.onSet = hook
				k := f.in(Ready)
				require.True(t, asError(t, k.Set(t.Context(), "k", "new"), ErrTimeout).Pending)
				require.Equal(t, []Late{{"k", Waiting}}, k.Late())
				release()
				require.Equal(t, []Late{{"k", Undone}}, k.Settle(t.Context()))
				got, has := f.has("k")
				require.Equal(t, before, got)
				require.Equal(t, before != "", has)
			})
		})
	}
}

// A Set that was given up while it looked at what is there never stores.
func TestLateSetIsNotBegun(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := newFake()
		hook, release := blocker(1)
		f.onGet = hook
		k := f.in(Ready)
		require.True(t, asError(t, k.Set(t.Context(), "k", "new"), ErrTimeout).Pending)
		release()
		require.Equal(t, []Late{{"k", Undone}}, k.Settle(t.Context()))
		require.NotContains(t, f.log(), "set")
	})
}

func TestLateSetThatCannotBeUndone(t *testing.T) {
	t.Parallel()
	for name, fail := range map[string]func(string) error{
		"error": func(string) error { return errors.New("no") },
		"panic": func(string) error { panic("no") },
		"lie":   nil,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				f := newFake()
				hook, release := blocker(1)
				f.onSet, f.onDelete = hook, fail
				k := f.in(Ready)
				asError(t, k.Set(t.Context(), "k", "new"), ErrTimeout)
				if name == "lie" { // deleted, and there again when it is read
					f.onDelete = func(key string) error { f.onGet = func(string) error { return errors.New("gone") }; return nil }
				}
				release()
				require.Equal(t, []Late{{"k", Uncertain}}, k.Settle(t.Context()))
				f.onGet, f.onSet, f.onDelete = nil, nil, nil
				require.NoError(t, k.Set(t.Context(), "k", "newer"))
				require.Empty(t, k.Late(), "a later Set settles it")
			})
		})
	}
}

func TestLateListKeepsWhatIsOpen(t *testing.T) {
	t.Parallel()
	f := newFake()
	k := f.in(Ready)
	k.late.put("b", Uncertain)
	k.late.put("a", Uncertain)
	f.onSet = func(string) error { return errors.New("no") }
	asError(t, k.Set(t.Context(), "a", "v"), ErrRefused)
	require.Equal(t, []Late{{"a", Uncertain}, {"b", Uncertain}}, k.Late())
	require.NoError(t, k.Delete(t.Context(), "a"))
	require.Equal(t, []Late{{"b", Uncertain}}, k.Late())
}
