package cronofy

import (
	"errors"
	"fmt"
	"log/slog"
	"strings"
)

const redacted = "[redacted]"

// Secret is the only type in which a client secret, token, authorization code
// or link token may live. The string sits behind a pointer because fmt and slog
// print the content of an unexported string field whatever methods its type has.
// The zero Secret is the empty one. Secrets are compared by Equal, not by ==.
type Secret struct{ p *string }

// NewSecret wraps s.
func NewSecret(s string) Secret {
	if s == "" {
		return Secret{}
	}
	return Secret{&s}
}

// Reveal gives the text. It is called only where a secret crosses a border that
// exists for it: a request to Cronofy, the keystore, a file the operator named.
func (s Secret) Reveal() string {
	if s.p == nil {
		return ""
	}
	return *s.p
}

// Empty tells whether there is no secret.
func (s Secret) Empty() bool { return s.p == nil }

// Sendable tells whether a header can carry it: visible ASCII alone (RFC 6749
// appendix A.12 and A.17), and no space, which no bearer header can carry.
func (s Secret) Sendable() bool {
	return !strings.ContainsFunc(s.Reveal(), func(r rune) bool { return r <= ' ' || r > '~' })
}

// Equal compares the texts. It is not constant-time: both sides are ours.
func (s Secret) Equal(o Secret) bool { return s.Reveal() == o.Reveal() }

// String gives a fixed mask.
func (Secret) String() string { return redacted }

// Format writes a fixed mask for every verb.
func (Secret) Format(f fmt.State, _ rune) { fmt.Fprint(f, redacted) }

// LogValue gives slog a fixed mask.
func (Secret) LogValue() slog.Value { return slog.StringValue(redacted) }

// MarshalText fails, and JSON with it: a secret that reaches an encoder is a mistake to
// hear of.
func (Secret) MarshalText() ([]byte, error) {
	return nil, errors.New("a secret does not go into text")
}
