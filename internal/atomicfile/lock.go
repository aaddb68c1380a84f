package atomicfile

import (
	"context"
	"errors"
	"os"
	"time"
)

// ErrLocked: another process, or another part of this one, has the lock.
var ErrLocked = errors.New("locked by another process")

// lockRetry is how long a Lock that waits sleeps between two tries.
const lockRetry = 20 * time.Millisecond

// Lock waits until nobody else has the file at path locked, at most for limit, and
// locks it: zero is one try. Its error is ErrLocked, the end of ctx, an
// *UnsafeError or the system's. The lock ends with the process, however that
// ends. The file is empty, 0600, and goes with unlock.
func Lock(ctx context.Context, path string, limit time.Duration) (unlock func(), err error) {
	deadline := time.Now().Add(limit)
	for {
		unlock, err := tryLock(path)
		if !errors.Is(err, ErrLocked) {
			return unlock, err
		}
		if !time.Now().Before(deadline) {
			return nil, ErrLocked
		}
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-time.After(lockRetry):
		}
	}
}

func tryLock(path string) (unlock func(), err error) {
	if _, err := regular(path); err != nil && !errors.Is(err, os.ErrNotExist) {
		return nil, err
	}
	f, err := openLock(path)
	if err != nil {
		return nil, err
	}
	if err := lockNamed(f, path); err != nil {
		_ = f.Close()
		return nil, err
	}
	return func() { unlockFile(f, path) }, nil
}

// lockNamed gives ErrLocked also where the name went while the file was opened:
// whoever had it locked removed it, and a lock on it would be one on another file
// than the next process finds.
func lockNamed(f *os.File, path string) error {
	err := lockFile(f)
	if err == nil && !stillNamed(f, path) {
		err = ErrLocked
	}
	return err
}
