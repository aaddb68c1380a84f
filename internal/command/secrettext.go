package command

import (
	"bytes"
	"errors"
	"strings"
	"unicode/utf8"

	textunicode "golang.org/x/text/encoding/unicode"
	"golang.org/x/text/transform"

	"confer/flow"
)

// decodeText gives a file of an editor or a shell as UTF-8 without a byte order
// mark: PowerShell's > writes UTF-16. What is no text is an error.
func decodeText(b []byte) (string, error) {
	text, _, err := transform.String(textunicode.BOMOverride(transform.Nop), string(b))
	switch {
	case bytes.HasPrefix(b, []byte("%PDF-")):
		return "", errors.New("it is a PDF")
	case bytes.HasPrefix(b, []byte("\x1f\x8b")), bytes.HasPrefix(b, []byte("PK\x03\x04")):
		return "", errors.New("it is a compressed file")
	case err != nil, strings.ContainsRune(text, 0), strings.ContainsRune(text, utf8.RuneError):
		return "", errors.New("it is no text in UTF-8 or UTF-16")
	}
	return text, nil
}

// bareSecret is the client secret or the token that a file holds alone.
func bareSecret(text string) (string, error) {
	if text = strings.TrimSpace(text); text == "" {
		return "", errors.New("there is nothing in it")
	}
	return text, flow.NotBare(text, false)
}
