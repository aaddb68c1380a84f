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
				release()
				settle(k)
				got, has := f.item("k")
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
		settle(k)
		require.NotContains(t, f.log(), "set")
	})
}

// An undo that fails, or breaks off, leaves a keyring that can be used.
func TestLateSetThatCannotBeUndone(t *testing.T) {
	t.Parallel()
	for name, fail := range map[string]func(string) error{
		"error": func(string) error { return errors.New("no") },
		"panic": func(string) error { panic("no") },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				f := newFake()
				hook, release := blocker(1)
				f.onSet, f.onDelete = hook, fail
				k := f.in(Ready)
				asError(t, k.Set(t.Context(), "k", "new"), ErrTimeout)
				release()
				settle(k)
				require.Contains(t, f.log(), "delete", "it was tried")
				f.onSet, f.onDelete = nil, nil
				require.NoError(t, k.Set(t.Context(), "k", "newer"))
				got, err := k.Get(t.Context(), "k")
				require.NoError(t, err)
				require.Equal(t, "newer", got)
			})
		})
	}
}
