package manage

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"path/filepath"
	"time"

	"github.com/gofrs/flock"

	"confer/internal/links"
)

const (
	// lockLimit is longer than a refresh with what is read and stored around it, the
	// longest that anybody holds a lock (see unbroken).
	lockLimit = 2 * time.Minute
	lockRetry = 20 * time.Millisecond
)

// lock keeps other processes, and other goroutines of this one, from working on
// the tokens of a link.
func (m *Manager) lock(ctx context.Context, l links.Link) (unlock func(), err error) {
	return m.lockToken(ctx, tokenKey(l))
}

// lockToken is lock by the name that a refresh token has in every store. Its file stays: taking it away would let two processes
// hold two files of the same name. The name tells nothing of the link.
func (m *Manager) lockToken(ctx context.Context, key string) (unlock func(), err error) {
	if m.Links == nil {
		return func() {}, nil
	}
	sum := sha256.Sum256([]byte(key))
	path := filepath.Join(filepath.Dir(m.Links.Path()), "token-"+hex.EncodeToString(sum[:4])+".lock")
	f := flock.New(path, flock.SetFlag(lockFlags), flock.SetPermissions(0o600))
	limited, cancel := context.WithTimeout(ctx, lockLimit)
	defer cancel()
	_, err = f.TryLockContext(limited, lockRetry)
	switch {
	case err == nil:
		return func() { _ = f.Close() }, nil
	case ctx.Err() != nil:
		return nil, fmt.Errorf("lock link: %w", ctx.Err())
	case limited.Err() != nil:
		return nil, fmt.Errorf("lock link: %w", ErrBusy)
	}
	return nil, fmt.Errorf("lock link: %w", err)
}
