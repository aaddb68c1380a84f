package command

import (
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unicode/utf16"

	"github.com/stretchr/testify/require"

	"confer/cronofy"
)

func inUTF16(s string, big bool) string {
	var b strings.Builder
	for _, u := range utf16.Encode([]rune("\ufeff" + s)) {
		low, high := byte(u), byte(u>>8)
		if big {
			low, high = high, low
		}
		b.WriteByte(low)
		b.WriteByte(high)
	}
	return b.String()
}

// TestFilesOfSecrets: what other programs write around a secret is taken off where
// it is certain, and refused by its name where it is not. It is never the secret.
func TestFilesOfSecrets(t *testing.T) {
	t.Parallel()
	const secret = "CRN_aB3-x_9="
	for _, c := range []struct {
		name, content string
		want          string // of --client-secret-file and the token; "" with no problem: refused
		problem       string
		passphrase    string // "=": what the file has, without its end; otherwise its problem
	}{
		{"bare", secret, secret, "", "="},
		{"ends of lines", "\r\n " + secret + " \r\n\n", secret, "", "="},
		{"UTF-8 with a mark", "\ufeff" + secret + "\r\n", secret, "", secret},
		{"UTF-16 of PowerShell", inUTF16(secret+"\r\n", false), secret, "", secret},
		{"UTF-16, the other way round", inUTF16(secret, true), secret, "", secret},
		{"Latin-1", "caf\xe9", "", "it is not text in UTF-8 or UTF-16", "it is not text in UTF-8 or UTF-16"},
		{"UTF-16 without a mark", "C\x00R\x00N\x00", "", "it is not text in UTF-8 or UTF-16", "it is not text in UTF-8 or UTF-16"},
		{"in quotes", `"` + secret + `"`, "", "it is in quotes", "it is in quotes"},
		{"in single quotes", "'" + secret + "'\n", "", "it is in quotes", "it is in quotes"},
		{"environment file", "CRONOFY_CLIENT_SECRET=" + secret + "\n", "", "it is NAME=value", "it is NAME=value"},
		{"shell", "export SECRET='" + secret + "'\n", "", "it is NAME=value", "it is NAME=value"},
		{"PowerShell", "$env:SECRET = '" + secret + "'\n", "", "it is NAME=value", "it is NAME=value"},
		{"YAML", "client_secret: " + secret + "\n", "", "it is NAME=value", "="},
		{"JSON", `{"client_secret": "` + secret + `"}`, "", "it is JSON", "it is JSON"},
		{"several lines", secret + "\n" + secret, "", "a character in it that secrets do not have: '\\n'", "="},
		{"two words", "the secret", "", "a character in it that secrets do not have: ' '", "="},
		{"invisible", secret + "\u200b", "", "a character in it that secrets do not have: '\\u200b'", "="},
		{"empty", "\r\n", "", "there is nothing in it", "there is nothing in it"},
		{"a mark alone", "\ufeff", "", "there is nothing in it", "there is nothing in it"},
		{"PDF", "%PDF-1.7\n", "", "it is a PDF", "it is a PDF"},
		{"gzip", "\x1f\x8b\x08\x00", "", "it is a compressed file", "it is a compressed file"},
		{"PEM", "-----BEGIN PRIVATE KEY-----\nMII\n", "", "it is a key or a certificate (PEM)", "it is a key or a certificate (PEM)"},
		{"HTML", "<!DOCTYPE html><p>no", "", "it is an HTML page", "it is an HTML page"},
		{"a sum as a passphrase", "x=y+2 and some more words", "", "it is NAME=value", "="},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			path := filepath.Join(t.TempDir(), "secret")
			require.NoError(t, os.WriteFile(path, []byte(c.content), 0o600))
			s := streams{strings.NewReader(""), io.Discard, io.Discard}
			check := func(got cronofy.Secret, err error, want, problem string) {
				t.Helper()
				if problem == "" {
					require.NoError(t, err)
					require.Equal(t, want, got.Reveal())
					return
				}
				require.ErrorContains(t, err, problem)
				require.True(t, got.Empty())
				require.NotContains(t, err.Error(), "CRN_")
			}
			got, err := (&settings{secretFile: path}).secret(t.Context(), environment{}, s)
			check(got, err, c.want, c.problem)
			file, err := os.Open(path)
			require.NoError(t, err)
			defer file.Close()
			got, err = readPassphrase(t.Context(), file)
			if c.passphrase == "=" {
				c.passphrase = strings.TrimSuffix(strings.TrimSuffix(c.content, "\n"), "\r")
			}
			if strings.HasPrefix(c.passphrase, "it is") || strings.HasPrefix(c.passphrase, "there is nothing") {
				check(got, err, "", c.passphrase)
			} else {
				check(got, err, c.passphrase, "")
			}
		})
	}
}
