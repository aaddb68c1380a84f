package sandbox

import (
	"crypto/hmac"
	cryptorand "crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"io"
	"math/rand/v2"
	"strings"
	"sync"
)

const alphabet = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"

// random makes everything that must not be guessed, or must be the same again
// with the same seed.
type random struct {
	mu  sync.Mutex
	src *rand.ChaCha8
	key [32]byte
}

func newRandom(r io.Reader, seed uint64) (*random, error) {
	var from [32]byte
	switch {
	case r != nil:
		if _, err := io.ReadFull(r, from[:]); err != nil {
			return nil, fmt.Errorf("read random bytes: %w", err)
		}
	case seed != 0:
		from = sha256.Sum256(binary.BigEndian.AppendUint64(nil, seed))
	default:
		if _, err := io.ReadFull(cryptorand.Reader, from[:]); err != nil {
			return nil, fmt.Errorf("read random bytes: %w", err)
		}
	}
	return &random{src: rand.NewChaCha8(from), key: sha256.Sum256(from[:])}, nil
}

// text gives n characters of the alphabet, each equally likely.
func (r *random) text(n int) string {
	const fair = 256 / len(alphabet) * len(alphabet)
	r.mu.Lock()
	defer r.mu.Unlock()
	out := make([]byte, 0, n)
	var buf [64]byte
	for len(out) < n {
		r.src.Read(buf[:]) // never fails
		for _, b := range buf {
			if int(b) < fair && len(out) < n {
				out = append(out, alphabet[int(b)%len(alphabet)])
			}
		}
	}
	return string(out)
}

// derive gives the same n (at most 32) characters for the same label and number.
func (r *random) derive(label string, i, n int) string {
	mac := hmac.New(sha256.New, r.key[:])
	mac.Write([]byte(label))
	mac.Write(binary.BigEndian.AppendUint64(nil, uint64(i)))
	sum := mac.Sum(nil)
	var b strings.Builder
	b.Grow(n)
	for _, c := range sum[:n] {
		b.WriteByte(alphabet[int(c)%len(alphabet)])
	}
	return b.String()
}
