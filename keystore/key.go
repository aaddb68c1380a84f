package keystore

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strings"
)

// cutMark starts the hash of a key that was too long. No other key contains it.
const cutMark = "@-"

// Key joins parts with "/" to the key of a secret: at most MaxKey bytes of ASCII
// letters, digits and @._/- only.
//
// A ':' is written '_' (a host with its port). Every other byte outside those
// characters is written @XX, in hexadecimal, and so is a "/" within a part; an
// '@' is written so only where it could be taken for such an escape. Different
// parts give different keys, except for a ':' and a '_' in the same place. A key
// that would be longer is cut and ends in "@-" and the SHA-256 of the whole.
func Key(parts ...string) string {
	out := make([]string, len(parts))
	for i, p := range parts {
		out[i] = escape(p)
	}
	key := strings.Join(out, "/")
	if len(key) <= MaxKey {
		return key
	}
	sum := sha256.Sum256([]byte(key))
	hash := cutMark + hex.EncodeToString(sum[:])
	return key[:MaxKey-len(hash)] + hash
}

func escape(part string) string {
	var b strings.Builder
	for i := range len(part) {
		switch c := part[i]; {
		case c == ':':
			b.WriteByte('_')
		case c == '/' || !safe(c) || c == '@' && ambiguous(part[i+1:]):
			fmt.Fprintf(&b, "@%02X", c)
		default:
			b.WriteByte(c)
		}
	}
	return b.String()
}

// ambiguous tells whether an '@' before rest would read as an escape or a cut.
func ambiguous(rest string) bool {
	return strings.HasPrefix(rest, "-") || len(rest) > 1 && upperHex(rest[0]) && upperHex(rest[1])
}

func upperHex(c byte) bool { return '0' <= c && c <= '9' || 'A' <= c && c <= 'F' }

func safe(c byte) bool {
	return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' ||
		strings.IndexByte("@._/-", c) >= 0
}
