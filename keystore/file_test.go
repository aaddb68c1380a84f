package keystore

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"filippo.io/age"
	"github.com/gofrs/flock"
	"github.com/stretchr/testify/require"
)

const cheap = 1 // work factor

func phrase(s string) func(context.Context) (string, error) {
	return func(context.Context) (string, error) { return s, nil }
}

func fileIn(dir, passphrase string) *FileStore {
	return OpenFile(filepath.Join(dir, "confer", "secrets.age"), phrase(passphrase), WithWorkFactor(cheap))
}

func TestFileSetGetDelete(t *testing.T) {
	t.Parallel()
	ctx, f := t.Context(), fileIn(t.TempDir(), "pass")
	require.Equal(t, File, f.Kind())
	there, err := f.Exists()
	require.NoError(t, err)
	require.False(t, there)
	_, err = f.Get(ctx, "k")
	asError(t, err, ErrNotFound)
	require.NoError(t, f.Delete(ctx, "k"))
	require.NoFileExists(t, f.Path(), "deleting nothing writes nothing")

	secrets := map[string]string{"a": "s3cret\n", "b": "", "c": "\x00\xff", "d": strings.Repeat("x", MaxSecret)}
	for k, v := range secrets {
		require.NoError(t, f.Set(ctx, k, v))
	}
	there, err = f.Exists()
	require.NoError(t, err)
	require.True(t, there)
	for _, store := range []*FileStore{f, fileAt(f, "pass")} {
		for k, v := range secrets {
			got, err := store.Get(ctx, k)
			require.NoError(t, err)
			require.Equal(t, v, got)
		}
	}
	require.NoError(t, f.Delete(ctx, "a"))
	_, err = fileAt(f, "pass").Get(ctx, "a")
	asError(t, err, ErrNotFound)
	sealed, err := os.ReadFile(f.Path())
	require.NoError(t, err)
	require.True(t, bytes.HasPrefix(sealed, []byte("age-encryption.org/v1\n-> scrypt ")))
	require.NotContains(t, string(sealed), "s3cret")
}

// fileAt is another store on the same file, as another process has.
func fileAt(f *FileStore, passphrase string) *FileStore {
	return OpenFile(f.Path(), phrase(passphrase), WithWorkFactor(cheap))
}

func TestFileAsksOnce(t *testing.T) {
	t.Parallel()
	asked := 0
	answers := []string{"wrong", "pass"}
	first := fileIn(t.TempDir(), "pass")
	require.NoError(t, first.Set(t.Context(), "k", "v"))
	f := OpenFile(first.Path(), func(context.Context) (string, error) { asked++; return answers[asked-1], nil }, WithWorkFactor(cheap))
	asError(t, f.Check(t.Context()), ErrPassphrase)
	require.NoError(t, f.Check(t.Context()), "a wrong one is forgotten")
	got, err := f.Get(t.Context(), "k")
	require.NoError(t, err)
	require.Equal(t, "v", got)
	require.NoError(t, f.Set(t.Context(), "k", "w"))
	require.Equal(t, 2, asked)

	require.NoError(t, first.Set(t.Context(), "k", "changed elsewhere"))
	got, err = f.Get(t.Context(), "k")
	require.NoError(t, err)
	require.Equal(t, "changed elsewhere", got)
	require.Equal(t, 2, asked)
}

func TestFileGoesWithItsLastSecret(t *testing.T) {
	t.Parallel()
	ctx, f := t.Context(), fileIn(t.TempDir(), "pass")
	require.NoError(t, f.Set(ctx, "a", "v"))
	require.NoError(t, f.Set(ctx, "b", "v"))
	require.NoError(t, f.Delete(ctx, "a"))
	require.FileExists(t, f.Path())
	asError(t, fileAt(f, "other").Delete(ctx, "b"), ErrPassphrase)
	require.FileExists(t, f.Path())
	require.NoError(t, f.Delete(ctx, "b"))
	require.NoFileExists(t, f.Path())
	require.NoError(t, fileAt(f, "another").Set(ctx, "a", "w"), "a new one may have another passphrase")

	empty, err := seal(map[string][]byte{}, "another", cheap)
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(f.Path(), empty, 0o600))
	require.NoError(t, fileAt(f, "another").Delete(ctx, "a"))
	require.NoFileExists(t, f.Path(), "one that an earlier confer emptied")
}

func TestFilePassphrase(t *testing.T) {
	t.Parallel()
	ctx, f := t.Context(), fileIn(t.TempDir(), "pass")
	require.NoError(t, f.Set(ctx, "k", "v"))
	before, err := os.ReadFile(f.Path())
	require.NoError(t, err)
	cause := errors.New("closed")
	for name, other := range map[string]*FileStore{
		"wrong": fileAt(f, "other"), "empty": fileAt(f, ""),
		"not given": OpenFile(f.Path(), func(context.Context) (string, error) { return "", cause }),
	} {
		want := ErrNoPassphrase
		if name == "wrong" {
			want = ErrPassphrase
		}
		_, err := other.Get(ctx, "k")
		asError(t, err, want)
		require.Equal(t, name == "not given", errors.Is(err, cause))
		require.NotContains(t, err.Error(), "closed")
		asError(t, other.Set(ctx, "k", "v2"), want)
		asError(t, other.Delete(ctx, "k"), want)
	}
	after, err := os.ReadFile(f.Path())
	require.NoError(t, err)
	require.Equal(t, before, after)
	asError(t, fileIn(t.TempDir(), "").Set(ctx, "k", "v"), ErrNoPassphrase)
}

func sealText(t *testing.T, text string, r age.Recipient) []byte {
	var b bytes.Buffer
	w, err := age.Encrypt(&b, r)
	require.NoError(t, err)
	_, err = w.Write([]byte(text))
	require.NoError(t, err)
	require.NoError(t, w.Close())
	return b.Bytes()
}

func scryptRecipient(t *testing.T, factor int) *age.ScryptRecipient {
	r, err := age.NewScryptRecipient("pass")
	require.NoError(t, err)
	r.SetWorkFactor(factor)
	return r
}

type damage struct {
	sealed []byte
	want   error
}

func damages(t *testing.T) map[string]damage {
	good := sealText(t, `{"version":1,"secrets":{}}`, scryptRecipient(t, cheap))
	key, err := age.GenerateX25519Identity()
	require.NoError(t, err)
	tampered := bytes.Clone(good)
	tampered[len(tampered)-1] ^= 1
	swap := func(from, to string) []byte { return bytes.Replace(bytes.Clone(good), []byte(from), []byte(to), 1) }
	text := func(s string) []byte { return sealText(t, s, scryptRecipient(t, cheap)) }
	return map[string]damage{
		"good":            {good, ErrNotFound},
		"empty":           {nil, ErrDamaged},
		"text":            {[]byte("hello"), ErrDamaged},
		"tampered":        {tampered, ErrDamaged},
		"tampered header": {swap("scrypt ", "scrypt A"), ErrDamaged},
		"cut":             {good[:len(good)-3], ErrDamaged},
		"cut header":      {good[:40], ErrDamaged},
		"longer":          {append(bytes.Clone(good), 'x'), ErrDamaged},
		"too much work":   {swap(" 1\n", " 21\n"), ErrDamaged},
		"too large":       {make([]byte, maxFile+1), ErrDamaged},
		"for a key":       {sealText(t, "{}", key.Recipient()), ErrDamaged},
		"not JSON":        {text("hunter2"), ErrDamaged},
		"no version":      {text(`{"secrets":{}}`), ErrDamaged},
		"no secrets":      {text(`{"version":1}`), ErrDamaged},
		"not base64":      {text(`{"version":1,"secrets":{"k":"hunter2!"}}`), ErrDamaged},
		"newer":           {text(`{"version":2,"secrets":["x"]}`), ErrNewer},
	}
}

func TestFileDamaged(t *testing.T) {
	t.Parallel()
	for name, c := range damages(t) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := fileIn(t.TempDir(), "pass")
			require.NoError(t, os.Mkdir(filepath.Dir(f.Path()), 0o700))
			require.NoError(t, os.WriteFile(f.Path(), c.sealed, 0o600))
			_, err := f.Get(t.Context(), "k")
			e := asError(t, err, c.want)
			require.NotContains(t, e.Error()+e.Detail, "hunter2")
			if c.want == ErrNotFound {
				return
			}
			asError(t, f.Set(t.Context(), "k", "v"), c.want)
			asError(t, f.Delete(t.Context(), "k"), c.want)
			got, err := os.ReadFile(f.Path())
			require.NoError(t, err)
			require.True(t, bytes.Equal(c.sealed, got), "it was not left as it is")
		})
	}
}

func TestFileTooBig(t *testing.T) {
	t.Parallel()
	ctx, f := t.Context(), fileIn(t.TempDir(), "pass")
	asError(t, f.Set(ctx, "k", strings.Repeat("x", MaxSecret+1)), ErrTooBig)
	asError(t, f.Set(ctx, strings.Repeat("k", MaxKey+1), "v"), ErrTooBig)
	asError(t, f.Set(ctx, "a b", "v"), ErrKey)
	asError(t, f.Delete(ctx, ""), ErrKey)
	require.NoFileExists(t, f.Path())
}

func TestFileFull(t *testing.T) {
	t.Parallel()
	ctx, f := t.Context(), fileIn(t.TempDir(), "pass")
	const itemSize = MaxSecret/3*4 + 20 // in JSON
	many := map[string][]byte{}
	for i := range maxFile/itemSize - 1 {
		many[fmt.Sprintf("key%04d", i)] = make([]byte, MaxSecret)
	}
	sealed, err := seal(many, "pass", cheap)
	require.NoError(t, err)
	require.NoError(t, os.Mkdir(filepath.Dir(f.Path()), 0o700))
	require.NoError(t, os.WriteFile(f.Path(), sealed, 0o600))
	full := strings.Repeat("x", MaxSecret)
	for i := range 9 {
		if err = f.Set(ctx, fmt.Sprint("more", i), full); err != nil {
			asError(t, err, ErrTooBig)
			_, err = f.Get(ctx, fmt.Sprint("more", i))
			asError(t, err, ErrNotFound)
			_, err = f.Get(ctx, "key0001")
			require.NoError(t, err)
			return
		}
	}
	t.Fatal("it was never full")
}

func TestFilePassphraseChangedElsewhere(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	current := "pass"
	f := OpenFile(filepath.Join(t.TempDir(), "confer", "f"), func(context.Context) (string, error) { return current, nil }, WithWorkFactor(cheap))
	require.NoError(t, f.Set(ctx, "k", "v"))
	sealed, err := seal(map[string][]byte{"k": []byte("w")}, "changed", cheap)
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(f.Path(), sealed, 0o600))
	_, err = f.Get(ctx, "k")
	asError(t, err, ErrPassphrase)
	current = "changed"
	got, err := f.Get(ctx, "k")
	require.NoError(t, err)
	require.Equal(t, "w", got)
}

func TestFileCancelled(t *testing.T) {
	t.Parallel()
	f := fileIn(t.TempDir(), "pass")
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	err := f.Set(ctx, "k", "v")
	require.False(t, asError(t, err, ErrTimeout).Pending)
	require.ErrorIs(t, err, context.Canceled)
	require.NoFileExists(t, f.Path())

	ctx, cancel = context.WithCancel(t.Context())
	f = OpenFile(f.Path(), func(context.Context) (string, error) { cancel(); return "pass", nil }, WithWorkFactor(cheap))
	asError(t, f.Set(ctx, "k", "v"), ErrTimeout)
	require.NoFileExists(t, f.Path(), "cancelled while the passphrase was asked for")
}

func TestFileLockedByAnother(t *testing.T) {
	t.Parallel()
	f := fileIn(t.TempDir(), "pass")
	require.NoError(t, f.Set(t.Context(), "k", "v"))
	other := flock.New(f.Path() + lockSuffix)
	ok, err := other.TryLock()
	require.NoError(t, err)
	require.True(t, ok)
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		g := fileAt(f, "pass")
		asError(t, g.Set(t.Context(), "k", "w"), ErrBusy)
		require.Equal(t, CallLimit, time.Since(start))
		got, err := g.Get(t.Context(), "k")
		require.Equal(t, readsLock, errors.Is(err, ErrBusy))
		require.Equal(t, !readsLock, got == "v")
	})
	require.NoError(t, other.Unlock())
	require.NoError(t, f.Set(t.Context(), "k", "w"))
}

func TestFileManyWriters(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	stores := []*FileStore{fileIn(dir, "pass"), fileIn(dir, "pass"), fileIn(dir, "pass")}
	keys := []string{"a", "b", "c", "d"}
	var wg sync.WaitGroup
	errs := make(chan error, len(stores)*len(keys))
	for i, s := range stores {
		for _, k := range keys {
			wg.Go(func() { errs <- s.Set(t.Context(), Key(k, string(rune('0'+i))), k) })
		}
	}
	wg.Wait()
	close(errs)
	for err := range errs {
		require.NoError(t, err)
	}
	for i := range stores {
		for _, k := range keys {
			got, err := fileIn(dir, "pass").Get(t.Context(), Key(k, string(rune('0'+i))))
			require.NoError(t, err)
			require.Equal(t, k, got)
		}
	}
	left, err := filepath.Glob(filepath.Join(dir, "confer", ".*"))
	require.NoError(t, err)
	require.Empty(t, left)
}

func TestFileRemovesWhatAKilledProcessLeft(t *testing.T) {
	t.Parallel()
	f := fileIn(filepath.Join(t.TempDir(), "with [brackets]*"), "pass")
	require.NoError(t, f.Set(t.Context(), "k", "v"))
	left := filepath.Join(filepath.Dir(f.Path()), ".confer-secrets-123.tmp")
	require.NoError(t, os.WriteFile(left, []byte("half"), 0o600))
	require.NoError(t, f.Set(t.Context(), "k", "w"))
	require.NoFileExists(t, left)
}

func TestWorkFactor(t *testing.T) {
	t.Parallel()
	require.Equal(t, DefaultWorkFactor, OpenFile("x", nil).factor)
	require.Equal(t, 1, OpenFile("x", nil, WithWorkFactor(-5)).factor)
	require.Equal(t, maxWorkFactor, OpenFile("x", nil, WithWorkFactor(99)).factor)
}

// FuzzOpen reads what somebody else may have put in the file's place.
func FuzzOpen(f *testing.F) {
	good, err := seal(map[string][]byte{"k": []byte("v")}, "pass", cheap)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(good)
	f.Add(good[:len(good)/2])
	f.Add([]byte("age-encryption.org/v1\n-> scrypt AAAAAAAAAAAAAAAAAAAAAA 1\n\n--- \n"))
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, b []byte) {
		secrets, err := open(b, "pass", 3)
		if err == nil {
			require.NotNil(t, secrets)
			return
		}
		require.True(t, errors.Is(err, ErrDamaged) || errors.Is(err, ErrPassphrase) || errors.Is(err, ErrNewer), "%v", err)
	})
}

// FuzzParse reads what was encrypted.
func FuzzParse(f *testing.F) {
	f.Add([]byte(`{"version":1,"secrets":{"k":"djE="}}`))
	f.Add([]byte(`{"version":2}`))
	f.Add([]byte(`{"version":1,"secrets":{"k":null,"k":"x"}} trailing`))
	f.Fuzz(func(t *testing.T, b []byte) {
		secrets, err := parse(b)
		if err != nil {
			require.True(t, errors.Is(err, ErrDamaged) || errors.Is(err, ErrNewer), "%v", err)
			return
		}
		again, err := json.Marshal(content{fileVersion, secrets})
		require.NoError(t, err)
		same, err := parse(again)
		require.NoError(t, err)
		require.Equal(t, len(secrets), len(same))
	})
}
