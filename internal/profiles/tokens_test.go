package profiles

import (
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"confer/cronofy"
	"confer/internal/atomicfile"
)

func openTokens(t *testing.T, path string) *TokenFile {
	t.Helper()
	f, err := OpenTokens(path)
	require.NoError(t, err)
	t.Cleanup(func() { _ = f.Close() })
	return f
}

func holder(email, access, refresh string) Account {
	return Account{Email: email, AccessToken: cronofy.NewSecret(access), RefreshToken: cronofy.NewSecret(refresh)}
}

func TestTokenFileIsAListOfAccounts(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "tokens.jsonl")
	f := openTokens(t, path)
	require.NoError(t, f.Append(holder("amara@example.test", "a1", "r1"), cronofy.NewSecret("r0")))
	require.NoError(t, f.Append(holder("room-4@example.test", "b1", ""), cronofy.Secret{}))
	info, err := os.Stat(path)
	require.NoError(t, err)
	if runtime.GOOS != "windows" {
		require.Equal(t, os.FileMode(0o600), info.Mode().Perm())
	}
	in, err := os.Open(path)
	require.NoError(t, err)
	defer in.Close()
	var got []string
	for a, err := range ReadAccounts(in) {
		require.NoError(t, err)
		got = append(got, a.Email+" "+a.AccessToken.Reveal()+" "+a.RefreshToken.Reveal())
	}
	require.Equal(t, []string{"amara@example.test a1 r1", "room-4@example.test b1 "}, got)
	text, err := os.ReadFile(path)
	require.NoError(t, err)
	require.NotContains(t, string(text), `"r0"`, "a replaced token is named by its hash")
}

// TestReplacementsAreFollowed over several runs, from any token of an account.
func TestReplacementsAreFollowed(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "tokens.jsonl")
	f := openTokens(t, path)
	require.NoError(t, f.Append(holder("amara@example.test", "a1", "r1"), cronofy.NewSecret("r0")))
	require.NoError(t, f.Append(holder("bjorn@example.test", "b1", "s0"), cronofy.NewSecret("s0"))) // not rotated
	require.NoError(t, f.Close())
	f = openTokens(t, path)
	require.NoError(t, f.Append(holder("amara@example.test", "a2", "r2"), cronofy.NewSecret("r1")))
	for _, old := range []string{"r0", "r1", "r2"} {
		a, ours, known := f.newest(cronofy.NewSecret(old))
		require.True(t, known && ours, old)
		require.Equal(t, "a2 r2", a.AccessToken.Reveal()+" "+a.RefreshToken.Reveal(), old)
	}
	a, ours, known := f.newest(cronofy.NewSecret("s0"))
	require.True(t, known && !ours)
	require.Equal(t, "b1 s0", a.AccessToken.Reveal()+" "+a.RefreshToken.Reveal())
	_, _, known = f.newest(cronofy.NewSecret("another"))
	require.False(t, known)

	in, err := os.Open(path)
	require.NoError(t, err)
	defer in.Close()
	var newest []string
	s := newSeen()
	for a, err := range f.Newest(ReadAccounts(in)) {
		require.NoError(t, err)
		if !s(a) {
			newest = append(newest, a.RefreshToken.Reveal())
		}
	}
	require.Equal(t, []string{"r2", "s0"}, newest, "the file itself is a list with one line an account")
}

func TestCirclesAreLeft(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "tokens.jsonl")
	f := openTokens(t, path)
	require.NoError(t, f.Append(holder("", "a1", "r1"), cronofy.NewSecret("r2")))
	require.NoError(t, f.Append(holder("", "a2", "r2"), cronofy.NewSecret("r1")))
	_, _, known := f.newest(cronofy.NewSecret("r1"))
	require.True(t, known)
}

func TestSecondProcessIsTold(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "tokens.jsonl")
	f := openTokens(t, path)
	_, err := OpenTokens(path)
	require.ErrorIs(t, err, atomicfile.ErrLocked)
	require.NoError(t, f.Close())
	openTokens(t, path)
}

func TestWhatACrashLeft(t *testing.T) {
	t.Parallel()
	const whole = `{"email":"a@example.test","refresh_token":"r1"}`
	for name, tc := range map[string]struct{ before, after string }{
		"nothing":    {"", ""},
		"whole":      {whole + "\n", whole + "\n"},
		"no end":     {whole, whole + "\n"},
		"cut off":    {whole + "\n" + whole[:20], whole + "\n"},
		"blank line": {whole + "\n\n", whole + "\n\n"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			path := filepath.Join(t.TempDir(), "tokens.jsonl")
			require.NoError(t, os.WriteFile(path, []byte(tc.before), 0o644))
			f := openTokens(t, path)
			text, err := os.ReadFile(path)
			require.NoError(t, err)
			require.Equal(t, tc.after, string(text))
			require.NoError(t, f.Append(holder("b@example.test", "b1", "s1"), cronofy.Secret{}))
			text, err = os.ReadFile(path)
			require.NoError(t, err)
			require.Equal(t, tc.after+`{"email":"b@example.test","access_token":"b1","refresh_token":"s1"}`+"\n", string(text))
			_, _, known := f.newest(cronofy.NewSecret("s1"))
			require.True(t, known)
		})
	}
}

func TestOtherFilesAreLeftAlone(t *testing.T) {
	t.Parallel()
	for _, text := range []string{"email,access_token\na@example.test,x\n", "hello", "[]\n", "{\n"} {
		path := filepath.Join(t.TempDir(), "tokens.jsonl")
		require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
		_, err := OpenTokens(path)
		require.ErrorIs(t, err, ErrTokensFormat, "%q", text)
		after, err := os.ReadFile(path)
		require.NoError(t, err)
		require.Equal(t, text, string(after))
	}
	_, err := OpenTokens(t.TempDir())
	require.Error(t, err)
}

func TestTokensThatCannotBeWritten(t *testing.T) {
	t.Parallel()
	f := openTokens(t, filepath.Join(t.TempDir(), "tokens.jsonl"))
	require.NoError(t, f.file.Close())
	err := f.Append(holder("a@example.test", "a1", "r1"), cronofy.NewSecret("r0"))
	require.ErrorIs(t, err, ErrTokensLost)
	require.NotContains(t, err.Error(), "r1")
	require.Equal(t, err, f.Broken())
	require.Equal(t, err, f.Append(holder("b@example.test", "b1", "s1"), cronofy.Secret{}))
}

func FuzzOpenTokens(f *testing.F) {
	f.Add(`{"email":"a@example.test","refresh_token":"r1","replaces":"` + strings.Repeat("0", 64) + `"}` + "\n{")
	f.Add("{}\n\n{\"refresh_token\":1}\n")
	f.Add("email,access_token\n")
	f.Fuzz(func(t *testing.T, text string) {
		path := filepath.Join(t.TempDir(), "tokens.jsonl")
		require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
		tokens, err := OpenTokens(path)
		if err != nil {
			after, err := os.ReadFile(path)
			require.NoError(t, err)
			require.Equal(t, text, string(after))
			return
		}
		defer tokens.Close()
		require.NoError(t, tokens.Append(holder("b@example.test", "b1", "s1"), cronofy.NewSecret("s0")))
		after, err := os.ReadFile(path)
		require.NoError(t, err)
		lines := strings.Split(strings.TrimSuffix(string(after), "\n"), "\n")
		require.True(t, slices.ContainsFunc(lines, func(l string) bool { return strings.HasPrefix(l, `{"email":"b@example.test"`) }))
		require.True(t, strings.HasPrefix(text, string(after[:min(len(after), len(text))])) || strings.HasPrefix(string(after), text[:strings.LastIndexByte(text, '\n')+1]))
	})
}
