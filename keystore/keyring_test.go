package keystore

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
)

func TestKeyringSetGetDelete(t *testing.T) {
	t.Parallel()
	ctx, f := t.Context(), newFake()
	k := f.in(Ready)
	require.Equal(t, Keyring, k.Kind())
	require.NoError(t, k.Set(ctx, "a/b", "s3cret\n"))
	got, err := k.Get(ctx, "a/b")
	require.NoError(t, err)
	require.Equal(t, "s3cret\n", got)
	require.NoError(t, k.Delete(ctx, "a/b"))
	require.NoError(t, k.Delete(ctx, "a/b"))
	_, err = k.Get(ctx, "a/b")
	asError(t, err, ErrNotFound)
}

func TestKeyringStates(t *testing.T) {
	t.Parallel()
	for state, want := range map[State]error{
		Locked: ErrLocked, NoCollection: ErrUnavailable, NoService: ErrUnavailable,
		NoBus: ErrUnavailable, Silent: ErrUnavailable,
	} {
		t.Run(string(state), func(t *testing.T) {
			t.Parallel()
			f := newFake()
			k := f.in(state)
			_, getErr := k.Get(t.Context(), "k")
			for _, err := range []error{getErr, k.Set(t.Context(), "k", "v"), k.Delete(t.Context(), "k")} {
				e := asError(t, err, want)
				require.Equal(t, state, e.State)
				require.Equal(t, "probe detail", e.Detail)
				require.False(t, e.Pending)
				require.NotErrorIs(t, err, ErrNotFound)
			}
			require.Empty(t, f.log(), "the keyring was called in spite of its state")
		})
	}
}

func TestKeyringChecksBeforeCalling(t *testing.T) {
	t.Parallel()
	f := newFake()
	k := f.in(Ready)
	asError(t, k.Set(t.Context(), "k", strings.Repeat("x", MaxSecret+1)), ErrTooBig)
	require.Empty(t, f.log())
	require.NoError(t, k.Set(t.Context(), "k", strings.Repeat("x", MaxSecret)))
}

func TestKeyringLieIsFound(t *testing.T) {
	t.Parallel()
	f := newFake()
	f.lie = true
	asError(t, f.in(Ready).Set(t.Context(), "k", "v"), ErrReadBack)
	f.items["k"] = "old"
	asError(t, f.in(Ready).Set(t.Context(), "k", "v"), ErrReadBack)
}

func TestKeyringErrorsAreTyped(t *testing.T) {
	t.Parallel()
	cases := map[string]struct {
		err    error
		states []State
		want   error
		state  State
	}{
		"not found":       {ErrNotFound, []State{Ready}, ErrNotFound, ""},
		"locked since":    {errors.New("failed to unlock correct collection"), []State{Ready, Locked}, ErrLocked, Locked},
		"collection gone": {errors.New("failed to unlock correct collection"), []State{Ready, NoCollection}, ErrUnavailable, NoCollection},
		"silent since":    {errors.New("x"), []State{Ready, Silent}, ErrUnavailable, Silent},
		"refused":         {errors.New("on the \x1b[31mdevice\x1b[0m\u202e"), []State{Ready}, ErrRefused, Ready},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFake()
			f.onGet = func(string) error { return c.err }
			_, err := f.in(c.states...).Get(t.Context(), "k")
			e := asError(t, err, c.want)
			require.Equal(t, c.state, e.State)
			if name == "refused" {
				require.Equal(t, c.err.Error(), e.Detail)
			}
			require.NotContains(t, err.Error(), "device")
		})
	}
}

func TestKeyringDetailHasNoSecret(t *testing.T) {
	t.Parallel()
	f := newFake()
	f.onSet = func(string) error { return errors.New("cannot store hunter2-hunter2 now") }
	e := asError(t, f.in(Ready).Set(t.Context(), "k", "hunter2-hunter2"), ErrRefused)
	require.Equal(t, "cannot store [redacted] now", e.Detail)
}

func TestKeyringTimeoutThenBusyThenFree(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := newFake()
		hook, release := blocker(1)
		f.onGet = hook
		k, start := f.in(Ready), time.Now()
		_, err := k.Get(t.Context(), "k")
		require.True(t, asError(t, err, ErrTimeout).Pending)
		require.ErrorIs(t, err, context.DeadlineExceeded)
		require.Equal(t, CallLimit, time.Since(start))
		for range 100 {
			_, err := k.Get(t.Context(), "k")
			require.False(t, asError(t, err, ErrBusy).Pending)
		}
		require.Equal(t, CallLimit, time.Since(start), "busy is said at once")
		require.Len(t, f.log(), 1)
		release()
		waitIdle(k)
		_, err = k.Get(t.Context(), "k")
		asError(t, err, ErrNotFound)
	})
}

func TestKeyringCancel(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := newFake()
		hook, release := blocker(1)
		f.onDelete = hook
		k := f.in(Ready)
		ctx, cancel := context.WithCancel(t.Context())
		time.AfterFunc(time.Second, cancel)
		err := k.Delete(ctx, "k")
		require.True(t, asError(t, err, ErrTimeout).Pending)
		require.ErrorIs(t, err, context.Canceled)
		release()
		waitIdle(k)

		_, err = k.Get(ctx, "k")
		require.False(t, asError(t, err, ErrTimeout).Pending, "a call under a dead context is not begun")
		require.ErrorIs(t, err, context.Canceled)
		require.Equal(t, []string{"delete"}, f.log())
	})
}

func TestKeyringWaiterIsBusy(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := newFake()
		hook, release := blocker(1)
		f.onGet = hook
		k := f.in(Ready)
		first := make(chan error, 1)
		go func() { _, err := k.Get(t.Context(), "k"); first <- err }()
		synctest.Wait()
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		err := k.Set(ctx, "k", "v")
		require.False(t, asError(t, err, ErrBusy).Pending, "it was never begun")
		release()
		asError(t, <-first, ErrNotFound)
		require.Equal(t, []string{"get"}, f.log())
	})
}

func TestKeyringUnlock(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	require.NoError(t, newFake().in(Ready).Unlock(ctx))
	require.NoError(t, newFake().in(Locked, Ready).Unlock(ctx))
	asError(t, newFake().in(NoBus).Unlock(ctx), ErrUnavailable)

	f := newFake()
	f.onGet = func(string) error { return errors.New("failed to unlock correct collection") }
	e := asError(t, f.in(Locked).Unlock(ctx), ErrLocked)
	require.Equal(t, "failed to unlock correct collection", e.Detail)
}

func TestKeyringUnlockLimit(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := newFake()
		hook, release := blocker(1)
		f.onGet = hook
		f.window = func(c *call) { c.window(new("KWallet")) }
		k, start := f.in(Locked), time.Now()
		e := asError(t, k.Unlock(t.Context()), ErrTimeout)
		require.True(t, e.Pending)
		require.Equal(t, "KWallet", e.Program)
		require.Equal(t, PromptLimit, time.Since(start))
		asError(t, k.Unlock(t.Context()), ErrBusy)
		require.Equal(t, PromptLimit, time.Since(start), "busy is said at once")
		release()
		waitIdle(k)
	})
}

// TestKeyringWindow: a person has a minute to answer, and is told of the window.
// One that the keyring answers by itself is not worth a word.
func TestKeyringWindow(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		open time.Duration
		told bool
	}{
		"by itself": {100 * time.Millisecond, false}, "after 7 s": {7 * time.Second, true}, "after 59 s": {59 * time.Second, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				f := newFake()
				f.items["k"] = "v"
				f.window = func(call *call) {
					call.window(new("KeePassXC"))
					time.Sleep(c.open)
					call.window(nil)
					time.Sleep(CallLimit - time.Second) // which counts anew
				}
				var told []Wait
				start := time.Now()
				got, err := f.in(Ready).Get(OnWait(t.Context(), func(w Wait) { told = append(told, w) }), "k")
				require.NoError(t, err)
				require.Equal(t, "v", got)
				if !c.told {
					require.Empty(t, told)
					return
				}
				w := Wait{Store: Keyring, Who: "KeePassXC", Until: start.Add(PromptLimit)}
				over := w
				over.Over = true
				require.Equal(t, []Wait{w, over}, told)
			})
		})
	}
}

// TestKeyringDismissed: a refusal is no error of the keyring, and no success.
func TestKeyringDismissed(t *testing.T) {
	t.Parallel()
	f := newFake()
	no := func(string) error { return ErrDismissed }
	f.onGet, f.onSet, f.onDelete = no, no, no
	_, err := f.in(Ready).Get(t.Context(), "k")
	asError(t, err, ErrDismissed)
	asError(t, f.in(Ready).Delete(t.Context(), "k"), ErrDismissed)
	asError(t, f.in(Ready, Locked).Delete(t.Context(), "k"), ErrLocked)
	f.onGet = nil
	asError(t, f.in(Ready).Set(t.Context(), "k", "v"), ErrDismissed)
	_, err = TestWrite(t.Context(), f.in(Ready))
	asError(t, err, ErrDismissed)
}

// TestKeyringDeleteLooksAgain: several items of one key, and one that stays.
func TestKeyringDeleteLooksAgain(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := newFake()
		f.items["k"], f.stays = "v", 2
		require.NoError(t, f.in(Ready).Delete(t.Context(), "k"))
		_, has := f.item("k")
		require.False(t, has)
		f.items["k"], f.stays = "v", 1000
		require.Equal(t, errStays.Error(), asError(t, f.in(Ready).Delete(t.Context(), "k"), ErrRefused).Detail)
	})
}

// TestKeyringWritesWhatChanged: some keyrings ask each time.
func TestKeyringWritesWhatChanged(t *testing.T) {
	t.Parallel()
	f := newFake()
	for range 3 {
		require.NoError(t, f.in(Ready).Set(t.Context(), "k", "v"))
	}
	require.Equal(t, []string{"get", "set", "get", "get", "get"}, f.log())
}

// TestTestWrite: a keyring that takes nothing any more is found out, though what
// it has reads well, and nothing of the test stays.
func TestTestWrite(t *testing.T) {
	t.Parallel()
	f := newFake()
	f.items["k"] = "v"
	left, err := TestWrite(t.Context(), f.in(Ready))
	require.NoError(t, errors.Join(left, err))
	require.Contains(t, f.log(), "delete")
	f.lie = true
	_, err = TestWrite(t.Context(), f.in(Ready))
	asError(t, err, ErrReadBack)
	f.lie = false
	f.onGet = func(key string) error {
		if _, stored := f.item(key); stored {
			return errors.New("not now")
		}
		return nil
	}
	_, err = TestWrite(t.Context(), f.in(Ready))
	asError(t, err, ErrRefused)
	f.onGet = nil
	require.Len(t, f.items, 1)
	f.onDelete = func(string) error { return ErrDismissed }
	left, err = TestWrite(t.Context(), f.in(Ready))
	require.NoError(t, err)
	asError(t, left, ErrDismissed)
	left, err = TestWrite(t.Context(), OpenSession())
	require.NoError(t, errors.Join(left, err))
}

// TestHas reads no secret where there is another way.
func TestHas(t *testing.T) {
	t.Parallel()
	f, s := newFake(), OpenSession()
	f.onGet = func(string) error { return ErrDismissed }
	for _, store := range []Store{f.in(Ready), s} {
		has, err := Has(t.Context(), store, "k")
		require.NoError(t, err)
		require.False(t, has)
	}
	f.items["k"] = "v"
	require.NoError(t, s.Set(t.Context(), "k", "v"))
	for _, store := range []Store{f.in(Ready), s} {
		has, err := Has(t.Context(), store, "k")
		require.NoError(t, err)
		require.True(t, has)
	}
	_, err := Has(t.Context(), f.in(Locked), "k")
	asError(t, err, ErrLocked)
}

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
				waitIdle(k)
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
		waitIdle(k)
		require.NotContains(t, f.log(), "set")
	})
}

// A Set that was refused after it was given up has changed nothing, and whoever
// refused it is asked nothing more.
func TestLateSetThatWasRefused(t *testing.T) {
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
				f.onSet = func(key string) error { _ = hook(key); return ErrDismissed }
				k := f.in(Ready)
				asError(t, k.Set(t.Context(), "k", "new"), ErrTimeout)
				release()
				waitIdle(k)
				require.Equal(t, []string{"get", "set", "get"}, f.log())
			})
		})
	}
}

func TestKeyringPanicIsContained(t *testing.T) {
	t.Parallel()
	f := newFake()
	f.onGet = func(string) error { panic("hunter2") }
	k := f.in(Ready)
	_, err := k.Get(t.Context(), "k")
	e := asError(t, err, ErrRefused)
	require.NotContains(t, e.Error()+e.Detail, "hunter2")
	require.Contains(t, e.Detail, "string")
	f.onGet = nil
	require.NoError(t, k.Set(t.Context(), "k", "v"), "usable after a panic")
}

// An undo that fails leaves a keyring that can be used.
func TestLateSetThatCannotBeUndone(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := newFake()
		hook, release := blocker(1)
		f.onSet, f.onDelete = hook, func(string) error { return errors.New("no") }
		k := f.in(Ready)
		asError(t, k.Set(t.Context(), "k", "new"), ErrTimeout)
		release()
		waitIdle(k)
		require.Contains(t, f.log(), "delete", "it was tried")
		f.onSet, f.onDelete = nil, nil
		require.NoError(t, k.Set(t.Context(), "k", "newer"))
		got, err := k.Get(t.Context(), "k")
		require.NoError(t, err)
		require.Equal(t, "newer", got)
	})
}

// fake is a keyring in memory. The hooks run before the call, without the lock.
type fake struct {
	mu    sync.Mutex
	items map[string]string
	calls []string

	onGet, onSet, onDelete func(key string) error
	window                 func(*call) // shows one, in Get
	lie                    bool        // Set says yes and stores nothing
	stays                  int         // how many more times Delete says yes and deletes nothing
}

func newFake() *fake { return &fake{items: map[string]string{}} }

func (f *fake) begin(op, key string, hook func(string) error) error {
	f.mu.Lock()
	f.calls = append(f.calls, op)
	f.mu.Unlock()
	if hook != nil {
		return hook(key)
	}
	return nil
}

func (f *fake) Get(c *call, key string) (string, error) {
	if f.window != nil {
		f.window(c)
	}
	if err := f.begin("get", key, f.onGet); err != nil {
		return "", err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	s, ok := f.items[key]
	if !ok {
		return "", ErrNotFound
	}
	return s, nil
}

func (f *fake) Set(_ *call, key, secret string) error {
	if err := f.begin("set", key, f.onSet); err != nil {
		return err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if !f.lie {
		f.items[key] = secret
	}
	return nil
}

func (f *fake) Has(_ *call, key string) (bool, error) {
	_, has := f.item(key)
	return has, nil
}

func (f *fake) Unlock(c *call) error {
	_, err := f.Get(c, "")
	if errors.Is(err, ErrNotFound) {
		err = nil
	}
	return err
}

func (f *fake) Delete(_ *call, key string) error {
	if err := f.begin("delete", key, f.onDelete); err != nil {
		return err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.stays > 0 {
		f.stays--
		return nil
	}
	if _, ok := f.items[key]; !ok {
		return ErrNotFound
	}
	delete(f.items, key)
	return nil
}

func (f *fake) item(key string) (string, bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	s, ok := f.items[key]
	return s, ok
}

func (f *fake) log() []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	return append([]string(nil), f.calls...)
}

// in gives a store on f whose probe always sees states in turn, the last one for ever.
func (f *fake) in(states ...State) *KeyringStore {
	var mu sync.Mutex
	k := OpenKeyring()
	k.provider, k.call = f, CallLimit
	k.probe = func(context.Context) Status {
		mu.Lock()
		defer mu.Unlock()
		s := states[0]
		if len(states) > 1 {
			states = states[1:]
		}
		return Status{State: s, Detail: "probe detail"}
	}
	return k
}

// blocker blocks the nth call of a hook until release is closed.
func blocker(nth int) (hook func(string) error, release func()) {
	var mu sync.Mutex
	ch, n := make(chan struct{}), 0
	return func(string) error {
		mu.Lock()
		n++
		block := n == nth
		mu.Unlock()
		if block {
			<-ch
		}
		return nil
	}, sync.OnceFunc(func() { close(ch) })
}

func asError(t *testing.T, err error, sentinel error) *Error {
	t.Helper()
	var e *Error
	require.ErrorAs(t, err, &e)
	require.ErrorIs(t, err, sentinel)
	return e
}

// waitIdle waits until no call runs in the background any more.
func waitIdle(k *KeyringStore) {
	k.turn.Lock()
	defer k.turn.Unlock()
}
