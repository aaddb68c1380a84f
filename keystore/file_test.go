package keystore

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"filippo.io/age"
	"github.com/stretchr/testify/require"

	"confer/internal/atomicfile"
)

const cheap = 1 // work factor

// sealed is a file of its own.
func sealed(t testing.TB, secrets map[string][]byte, passphrase string) []byte {
	key, err := newKey(passphrase, cheap)
	require.NoError(t, err)
	b, err := key.seal(secrets)
	require.NoError(t, err)
	return b
}

func phrase(s string) func(context.Context) (string, error) {
	return func(context.Context) (string, error) { return s, nil }
}

func fileIn(dir, passphrase string) *FileStore {
	return OpenFile(filepath.Join(dir, "confer", "secrets.age"), phrase(passphrase), cheap)
}

func TestFileSetGetDelete(t *testing.T) {
	t.Parallel()
	ctx, f := t.Context(), fileIn(t.TempDir(), "pass")
	require.Equal(t, File, f.Kind())
	require.Empty(t, Existing(f))
	_, err := f.Get(ctx, "k")
	asError(t, err, ErrNotFound)
	require.NoError(t, f.Delete(ctx, "k"))
	require.NoFileExists(t, f.path, "deleting nothing writes nothing")

	secrets := map[string]string{"a": "s3cret\n", "b": "", "c": "\x00\xff", "d": strings.Repeat("x", MaxSecret)}
	for k, v := range secrets {
		require.NoError(t, f.Set(ctx, k, v))
	}
	require.Equal(t, f.path, Existing(f))
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
	written, err := os.ReadFile(f.path)
	require.NoError(t, err)
	require.True(t, bytes.HasPrefix(written, []byte("age-encryption.org/v1\n-> scrypt ")))
	require.NotContains(t, string(written), "s3cret")
}

// fileAt is another store on the same file, as another process has.
func fileAt(f *FileStore, passphrase string) *FileStore {
	return OpenFile(f.path, phrase(passphrase), cheap)
}

func TestFileAsksOnce(t *testing.T) {
	t.Parallel()
	asked := 0
	answers := []string{"wrong", "pass"}
	first := fileIn(t.TempDir(), "pass")
	require.NoError(t, first.Set(t.Context(), "k", "v"))
	f := OpenFile(first.path, func(context.Context) (string, error) { asked++; return answers[asked-1], nil }, cheap)
	asError(t, f.Unlock(t.Context()), ErrPassphrase)
	require.NoError(t, f.Unlock(t.Context()), "a wrong one is forgotten")
	got, err := f.Get(t.Context(), "k")
	require.NoError(t, err)
	require.Equal(t, "v", got)
	require.NoError(t, f.Set(t.Context(), "k", "w"))
	require.Equal(t, 2, asked)

	require.NoError(t, first.Set(t.Context(), "k", "changed by another"))
	got, err = f.Get(t.Context(), "k")
	require.NoError(t, err)
	require.Equal(t, "changed by another", got)
	require.Equal(t, 2, asked)
}

func TestFileGoesWithItsLastSecret(t *testing.T) {
	t.Parallel()
	ctx, f := t.Context(), fileIn(t.TempDir(), "pass")
	require.NoError(t, f.Set(ctx, "a", "v"))
	require.NoError(t, f.Set(ctx, "b", "v"))
	require.NoError(t, f.Delete(ctx, "a"))
	require.FileExists(t, f.path)
	asError(t, fileAt(f, "other").Delete(ctx, "b"), ErrPassphrase)
	require.FileExists(t, f.path)
	require.NoError(t, f.Delete(ctx, "b"))
	require.NoFileExists(t, f.path)
	require.NoError(t, fileAt(f, "another").Set(ctx, "a", "w"), "a new one may have another passphrase")

	require.NoError(t, os.WriteFile(f.path, sealed(t, map[string][]byte{}, "another"), 0o600))
	require.NoError(t, fileAt(f, "another").Delete(ctx, "a"))
	require.NoFileExists(t, f.path, "one that an earlier confer emptied")
}

func TestFilePassphrase(t *testing.T) {
	t.Parallel()
	ctx, f := t.Context(), fileIn(t.TempDir(), "pass")
	require.NoError(t, f.Set(ctx, "k", "v"))
	before, err := os.ReadFile(f.path)
	require.NoError(t, err)
	cause := errors.New("closed")
	for name, other := range map[string]*FileStore{
		"wrong": fileAt(f, "other"), "empty": fileAt(f, ""),
		"not given": OpenFile(f.path, func(context.Context) (string, error) { return "", cause }, 0),
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
	after, err := os.ReadFile(f.path)
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
			require.NoError(t, os.Mkdir(filepath.Dir(f.path), 0o700))
			require.NoError(t, os.WriteFile(f.path, c.sealed, 0o600))
			_, err := f.Get(t.Context(), "k")
			e := asError(t, err, c.want)
			require.NotContains(t, e.Error()+e.Detail, "hunter2")
			if c.want == ErrNotFound {
				return
			}
			asError(t, f.Set(t.Context(), "k", "v"), c.want)
			asError(t, f.Delete(t.Context(), "k"), c.want)
			got, err := os.ReadFile(f.path)
			require.NoError(t, err)
			require.True(t, bytes.Equal(c.sealed, got), "it was not left as it is")
		})
	}
}

// TestFileTakesWhatAKeyringDoesNot: whoever has a secret too long for a keyring is sent to the file.
func TestFileTakesWhatAKeyringDoesNot(t *testing.T) {
	t.Parallel()
	ctx, f := t.Context(), fileIn(t.TempDir(), "pass")
	long := strings.Repeat("x", MaxSecret+1)
	require.NoError(t, f.Set(ctx, "k", long))
	got, err := f.Get(ctx, "k")
	require.NoError(t, err)
	require.Equal(t, long, got)
	asError(t, f.Set(ctx, "l", strings.Repeat("x", maxFile)), ErrTooBig)
}

func TestFileFull(t *testing.T) {
	t.Parallel()
	ctx, f := t.Context(), fileIn(t.TempDir(), "pass")
	const itemSize = MaxSecret/3*4 + 20 // in JSON
	many := map[string][]byte{}
	for i := range maxFile/itemSize - 1 {
		many[fmt.Sprintf("key%04d", i)] = make([]byte, MaxSecret)
	}
	require.NoError(t, os.Mkdir(filepath.Dir(f.path), 0o700))
	require.NoError(t, os.WriteFile(f.path, sealed(t, many, "pass"), 0o600))
	full := strings.Repeat("x", MaxSecret)
	for i := range 9 {
		if err := f.Set(ctx, fmt.Sprint("more", i), full); err != nil {
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

func TestFilePassphraseChangedByAnother(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	current := "pass"
	f := OpenFile(filepath.Join(t.TempDir(), "confer", "f"), func(context.Context) (string, error) { return current, nil }, cheap)
	require.NoError(t, f.Set(ctx, "k", "v"))
	require.NoError(t, os.WriteFile(f.path, sealed(t, map[string][]byte{"k": []byte("w")}, "changed"), 0o600))
	_, err := f.Get(ctx, "k")
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
	require.NoFileExists(t, f.path)

	ctx, cancel = context.WithCancel(t.Context())
	f = OpenFile(f.path, func(context.Context) (string, error) { cancel(); return "pass", nil }, cheap)
	asError(t, f.Set(ctx, "k", "v"), ErrTimeout)
	require.NoFileExists(t, f.path, "cancelled while the passphrase was asked for")
}

// TestFileLockedByAnother: who waits is told for whom, and what cannot be had
// twice waits longer.
func TestFileLockedByAnother(t *testing.T) {
	t.Parallel()
	f := fileIn(t.TempDir(), "pass")
	require.NoError(t, f.Set(t.Context(), "k", "v"))
	unlock, err := atomicfile.Lock(t.Context(), f.path+lockSuffix, 0)
	require.NoError(t, err)
	if runtime.GOOS != "windows" {
		require.NoError(t, os.WriteFile(f.path+lockSuffix, []byte("4711"), 0o600))
	}
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		g := fileAt(f, "pass")
		var told []Wait
		ctx := OnWait(t.Context(), func(w Wait) { told = append(told, w) })
		e := asError(t, g.Set(ctx, "k", "w"), ErrBusy)
		require.GreaterOrEqual(t, time.Since(start), 30*time.Second)
		require.Less(t, time.Since(start), LockLimit+time.Second)
		want := Wait{Store: File, Until: start.Add(LockLimit)}
		if runtime.GOOS != "windows" {
			want.Who = "process 4711"
			require.Equal(t, want.Who, e.Holder)
		}
		over := want
		over.Over = true
		require.Equal(t, []Wait{want, over}, told)
		got, err := g.Get(t.Context(), "k")
		require.NoError(t, err, "reading waits for nobody")
		require.Equal(t, "v", got)

		if runtime.GOOS != "windows" { // of many, each has its half minute
			go func() {
				for pid := range 5 {
					time.Sleep(LockLimit - 2*time.Second)
					_ = os.WriteFile(f.path+lockSuffix, []byte(strconv.Itoa(1000+pid)), 0o600)
				}
			}()
			asError(t, g.Set(t.Context(), "k", "w"), ErrBusy)
			require.Greater(t, time.Since(start), 5*LockLimit)
		}
		time.AfterFunc(10*LockLimit, unlock)
		told = nil
		patient, cancel := context.WithTimeout(ctx, 20*LockLimit)
		defer cancel()
		until, _ := patient.Deadline()
		require.NoError(t, g.Set(patient, "k", "w"))
		require.Equal(t, until, told[0].Until, "until the deadline of the context")
	})
	require.NoError(t, f.Set(t.Context(), "k", "x"))
	require.NoFileExists(t, f.path+lockSuffix)
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
	name := "with [brackets]"
	if runtime.GOOS != "windows" { // where no file can be called so
		name += "*"
	}
	f := fileIn(filepath.Join(t.TempDir(), name), "pass")
	require.NoError(t, f.Set(t.Context(), "k", "v"))
	left := filepath.Join(filepath.Dir(f.path), ".secrets.age.123.tmp")
	require.NoError(t, os.WriteFile(left, []byte("half"), 0o600))
	require.NoError(t, f.Set(t.Context(), "k", "w"))
	require.NoFileExists(t, left)
}

// TestFileDerivesOnce: the key stays while any number of confers write the file.
func TestFileDerivesOnce(t *testing.T) {
	t.Parallel()
	header := func(f *FileStore) string {
		b, err := os.ReadFile(f.path)
		require.NoError(t, err)
		h, err := age.ExtractHeader(bytes.NewReader(b))
		require.NoError(t, err)
		return string(h)
	}
	f := fileIn(t.TempDir(), "pass")
	require.NoError(t, f.Set(t.Context(), "k", "v"))
	first, sealedOnce := header(f), map[string]bool{}
	for i := range 3 {
		g := fileAt(f, "pass")
		require.NoError(t, g.Set(t.Context(), "k", "v"+strconv.Itoa(i)))
		require.NoError(t, f.Set(t.Context(), "k", "w"+strconv.Itoa(i)))
		require.Equal(t, first, header(f))
		b, err := os.ReadFile(f.path)
		require.NoError(t, err)
		nonce := string(b[len(first) : len(first)+16])
		require.False(t, sealedOnce[nonce], "a nonce was used twice")
		sealedOnce[nonce] = true
	}
}

// TestFileIsAges: what is written by hand here is opened by age, at the sizes at
// which its chunks end.
func TestFileIsAges(t *testing.T) {
	t.Parallel()
	const chunk = 64 << 10
	key, err := newKey("pass", cheap)
	require.NoError(t, err)
	empty, err := json.Marshal(content{fileVersion, map[string][]byte{"": {}}})
	require.NoError(t, err)
	sizes := map[int]bool{}
	for want := chunk - 4; want <= chunk+4; want++ {
		secrets := map[string][]byte{strings.Repeat("k", want-len(empty)): {}}
		b, err := key.seal(secrets)
		require.NoError(t, err)
		identity, err := age.NewScryptIdentity("pass")
		require.NoError(t, err)
		r, err := age.Decrypt(bytes.NewReader(b), identity)
		require.NoError(t, err)
		plain, err := io.ReadAll(r)
		require.NoError(t, err)
		sizes[len(plain)] = true
		got, err := parse(plain)
		require.NoError(t, err)
		require.Equal(t, secrets, got)
	}
	require.True(t, sizes[chunk-1] && sizes[chunk] && sizes[chunk+1])
}

// TestFileIsReadBack: a disk that says yes and holds something else.
func TestFileIsReadBack(t *testing.T) {
	t.Parallel()
	f := fileIn(t.TempDir(), "pass")
	require.NoError(t, f.Set(t.Context(), "k", "v"))
	for name, lie := range map[string]func(b []byte) []byte{
		"nothing": func([]byte) []byte { return nil }, "half": func(b []byte) []byte { return b[:len(b)/2] },
		"another": func([]byte) []byte { return sealed(t, map[string][]byte{"k": []byte("old")}, "pass") },
	} {
		g := fileAt(f, "pass")
		_, err := g.Get(t.Context(), "k")
		require.NoError(t, err)
		before, err := os.ReadFile(f.path)
		require.NoError(t, err)
		g.write = func(path string, b []byte) error { return os.WriteFile(path, lie(b), 0o600) }
		asError(t, g.Set(t.Context(), "k", "w"), ErrReadBack)
		require.NoError(t, os.WriteFile(f.path, before, 0o600), name)
	}
}

// TestFilePassphraseIsComposed: the same passphrase, typed on two keyboards.
func TestFilePassphraseIsComposed(t *testing.T) {
	t.Parallel()
	const composed, apart = "caf\u00e9", "cafe\u0301"
	f := fileIn(t.TempDir(), apart)
	require.NoError(t, f.Set(t.Context(), "k", "v"))
	for _, p := range []string{composed, apart} {
		got, err := fileAt(f, p).Get(t.Context(), "k")
		require.NoError(t, err)
		require.Equal(t, "v", got)
	}
}

func TestWeakPassphrase(t *testing.T) {
	t.Parallel()
	for phrase, weak := range map[string]bool{
		"": true, "abc": true, "aaaaaaaaaaaaaaaa": true, "abcabcabcabc": true, "hunter2hunt": true,
		"correct horse battery": false, "Tr0ub4dor&3x": false, "日本語のパスフレーズは長い": false,
	} {
		require.Equal(t, weak, WeakPassphrase(phrase), phrase)
	}
}

func TestFileTestWrite(t *testing.T) {
	t.Parallel()
	f := fileIn(t.TempDir(), "pass")
	left, err := TestWrite(t.Context(), f)
	require.NoError(t, errors.Join(left, err))
	require.NoFileExists(t, f.path, "nothing is left of it")
	require.NoError(t, f.Set(t.Context(), "k", "v"))
	f.write = func(string, []byte) error { return os.ErrPermission }
	_, err = TestWrite(t.Context(), f)
	asError(t, err, ErrRefused)
	got, err := f.Get(t.Context(), "k")
	require.NoError(t, err)
	require.Equal(t, "v", got)
}

func TestWorkFactor(t *testing.T) {
	t.Parallel()
	f := OpenFile(filepath.Join(t.TempDir(), "confer", "secrets.age"), phrase("pass"), 0)
	require.NoError(t, f.Set(t.Context(), "k", "v"))
	written, err := os.ReadFile(f.path)
	require.NoError(t, err)
	require.Regexp(t, `^age-encryption.org/v1\n-> scrypt \S+ 18\n`, string(written[:100]))
}

// FuzzOpen reads what somebody else may have put in the file's place.
func FuzzOpen(f *testing.F) {
	good := sealed(f, map[string][]byte{"k": []byte("v")}, "pass")
	f.Add(good)
	f.Add(good[:len(good)/2])
	f.Add([]byte("age-encryption.org/v1\n-> scrypt AAAAAAAAAAAAAAAAAAAAAA 1\n\n--- \n"))
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, b []byte) {
		key, err := deriveKey(b, "pass", 3)
		var secrets map[string][]byte
		if err == nil {
			secrets, err = key.open(b)
		}
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
