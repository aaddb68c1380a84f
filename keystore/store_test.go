package keystore

import (
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	_ "confer/internal/golden" // knows -update
)

func TestKey(t *testing.T) {
	t.Parallel()
	for want, parts := range map[string][]string{
		"api-de.example.test/id/client_secret":                  {"api-de.example.test", "id", "client_secret"},
		"127.0.0.1_8080/id/ser_1/zoom_enterprise/refresh_token": {"127.0.0.1:8080", "id", "ser_1", "zoom_enterprise", "refresh_token"},
		"@5B__1@5D_80":           {"[::1]:80"},
		"a@2Fb/c":                {"a/b", "c"},
		"@C3@BC@20@0A":           {"ü \n"},
		"me@40example.test":      {"me@example.test"},
		"a@20b@7Ec@2B":           {"a b~c+"},
		"@402F":                  {"@2F"},
		"@40-x":                  {"@-x"},
		"@402f":                  {"@2f"},
		"a//b":                   {"a", "", "b"},
		strings.Repeat("a", 200): {strings.Repeat("a", 200)},
	} {
		require.Equal(t, want, Key(parts...))
	}
	long, longer := Key(strings.Repeat("a", 201)), Key(strings.Repeat("a", 202))
	require.Len(t, long, MaxKey)
	require.NotEqual(t, long, longer)
	require.NotEqual(t, long, Key(long), "no literal can take the place of a cut key")
	require.Regexp(t, safe, long)
}

// safe are the characters that every platform can store.
var safe = regexp.MustCompile(`^[A-Za-z0-9@._/-]*$`)

func upperHex(c byte) bool { return '0' <= c && c <= '9' || 'A' <= c && c <= 'F' }

// unescape is the inverse of escape but for ':', which comes out as '_'.
func unescape(s string) string {
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] != '@' || i+2 >= len(s) || !upperHex(s[i+1]) || !upperHex(s[i+2]) {
			b.WriteByte(s[i])
			continue
		}
		const digits = "0123456789ABCDEF"
		b.WriteByte(byte(strings.IndexByte(digits, s[i+1])<<4 | strings.IndexByte(digits, s[i+2])))
		i += 2
	}
	return b.String()
}

func FuzzKey(f *testing.F) {
	f.Add("api.example.test:443", "ser_1")
	f.Add("@40@-/", "\x00ü\u202e")
	f.Add(strings.Repeat("x", 300), "@A")
	f.Fuzz(func(t *testing.T, a, b string) {
		key := Key(a, b)
		require.LessOrEqual(t, len(key), MaxKey)
		require.Regexp(t, safe, key)
		if strings.Contains(key, cutMark) {
			require.Len(t, key, MaxKey)
			return
		}
		parts := strings.Split(key, "/")
		require.Len(t, parts, 2)
		require.Equal(t, strings.ReplaceAll(a, ":", "_"), unescape(parts[0]))
		require.Equal(t, strings.ReplaceAll(b, ":", "_"), unescape(parts[1]))
	})
}

func TestSession(t *testing.T) {
	t.Parallel()
	ctx, s := t.Context(), OpenSession()
	var _ = []Store{s, OpenKeyring(), OpenFile("x", nil, 0)}
	require.Equal(t, Session, s.Kind())
	_, err := s.Get(ctx, "k")
	require.Equal(t, "session get: no such secret", asError(t, err, ErrNotFound).Error())
	require.NoError(t, s.Set(ctx, "k", "v"))
	got, err := s.Get(ctx, "k")
	require.NoError(t, err)
	require.Equal(t, "v", got)
	require.NoError(t, s.Delete(ctx, "k"))
	require.NoError(t, s.Delete(ctx, "k"))
	_, err = s.Get(ctx, "k")
	asError(t, err, ErrNotFound)
	_, err = OpenSession().Get(ctx, "k")
	asError(t, err, ErrNotFound)
	require.NoError(t, s.Set(ctx, "k", strings.Repeat("x", MaxSecret+1)), "that is a keyring's limit")
}
