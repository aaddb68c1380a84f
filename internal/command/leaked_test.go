package command

import (
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"net/url"
	"strings"
	"testing"

	"github.com/charmbracelet/x/ansi"
	"github.com/stretchr/testify/require"
)

// leaked gives the secrets that a text holds, in any of the forms that they take
// on their way through a program.
func leaked(text string, secrets []string) []string {
	squeeze := func(s string) string { return strings.Join(strings.Fields(s), "") }
	plain := text + "\n" + squeeze(ansi.Strip(text)) // a terminal wraps, and moves in between
	var out []string
	for _, s := range secrets {
		quoted, _ := json.Marshal(s)
		for _, form := range []string{s, squeeze(s), url.QueryEscape(s), url.PathEscape(s), string(quoted[1 : len(quoted)-1]), hex.EncodeToString([]byte(s)),
			base64.StdEncoding.EncodeToString([]byte(s)), base64.RawURLEncoding.EncodeToString([]byte(s))} {
			if strings.Contains(plain, form) {
				out = append(out, s)
				break
			}
		}
	}
	return out
}

func TestLeakedFindsEachForm(t *testing.T) {
	t.Parallel()
	const secret = "CRN_a+b/c d\"e\u00e9"
	quoted, err := json.Marshal(secret)
	require.NoError(t, err)
	for _, text := range []string{secret, url.QueryEscape(secret), string(quoted), hex.EncodeToString([]byte(secret)), base64.StdEncoding.EncodeToString([]byte(secret)),
		"CRN_a+\x1b[31mb/\r\n\x1b[3Cc d\"e\u00e9"} {
		require.Equal(t, []string{secret}, leaked("before "+text+" after", []string{"another", secret}), "%q", text)
	}
	require.Empty(t, leaked("CRN_a+b/c", []string{secret}))
}
