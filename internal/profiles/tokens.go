package profiles

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"os"
	"sync"
	"time"

	"golang.org/x/sync/singleflight"

	"confer/cronofy"
	"confer/internal/atomicfile"
)

// Errors of a TokenFile.
var (
	// ErrTokensFormat: the file holds something that is not ours to add to.
	ErrTokensFormat = errors.New("the file holds something other than JSON lines")
	// ErrTokensLost: tokens could not be written. They are not used, and no more
	// are asked for.
	ErrTokensLost = errors.New("tokens could not be written")
)

// TokenFile collects accounts' tokens: JSON lines that ReadAccounts understands,
// 0600, only ever added to, each on disk before it counts. A line names the
// refresh token that it replaces by its SHA-256, so that a list from before
// leads to the newest. One process at a time has it open; its methods may be
// called from several goroutines.
type TokenFile struct {
	unlock func()
	once   singleflight.Group // by refresh token

	mu     sync.Mutex
	file   *os.File
	size   int64
	index  map[tokenHash]place
	broken error
}

// tokenHash stands for a refresh token.
type tokenHash [sha256.Size / 2]byte

// place is where a line is.
type place struct {
	offset int64
	length int
	ours   bool // written by this process
}

// tokenLine is a line of a TokenFile: the one place where tokens become JSON.
type tokenLine struct {
	Email    string `json:"email,omitempty"`
	Sub      string `json:"sub,omitempty"`
	Access   string `json:"access_token,omitempty"`
	Refresh  string `json:"refresh_token,omitempty"`
	Replaces string `json:"replaces,omitempty"` // SHA-256 of a refresh token, in hexadecimal
}

// OpenTokens opens a file, or makes it, and keeps other processes from it until
// Close. Its error is ErrTokensFormat, atomicfile's or the system's. A last
// line that a crash cut off is taken away: nothing in it was ever used.
func OpenTokens(path string) (*TokenFile, error) {
	unlock, err := atomicfile.Lock(context.Background(), path+".lock", 0)
	if err != nil {
		return nil, err
	}
	t := &TokenFile{unlock: unlock, index: map[tokenHash]place{}}
	if t.file, err = atomicfile.OpenInPlace(path, atomicfile.Private); err == nil {
		err = t.load()
	}
	if err == nil {
		err = t.file.Truncate(t.size)
	}
	if err == nil {
		err = t.file.Sync()
	}
	if err != nil {
		t.Close()
		return nil, err
	}
	return t, nil
}

// load indexes the lines that are there.
func (t *TokenFile) load() error {
	for line, err := range eachLine(t.file) {
		if err != nil {
			return err
		}
		whole := bytes.HasSuffix(line, []byte("\n"))
		if !whole && line[0] == '{' && !json.Valid(line) {
			return nil // cut off
		}
		if !whole {
			line = append(line, '\n') // all that it lacks
		}
		if !t.add(line, false) {
			return ErrTokensFormat
		}
		if !whole {
			_, err = t.file.WriteAt(line[len(line)-1:], t.size-1)
			return err
		}
	}
	return nil
}

// add indexes a line that begins at the end of the others.
func (t *TokenFile) add(line []byte, ours bool) bool {
	p := place{t.size, len(line), ours}
	t.size += int64(len(line))
	if len(bytes.TrimSpace(line)) == 0 {
		return true
	}
	var l tokenLine
	if json.Unmarshal(line, &l) != nil {
		return false
	}
	if l.Refresh != "" {
		t.index[hashToken(l.Refresh)] = p
	}
	if h, err := hex.DecodeString(l.Replaces); err == nil && len(h) == sha256.Size {
		t.index[tokenHash(h)] = p
	}
	return true
}

func hashToken(refresh string) tokenHash {
	h := sha256.Sum256([]byte(refresh))
	return tokenHash(h[:])
}

// Close lets other processes have the file.
func (t *TokenFile) Close() error {
	t.mu.Lock()
	defer t.mu.Unlock()
	var err error
	if t.file != nil {
		err = t.file.Close()
	}
	t.unlock()
	return err
}

// Append writes an account's tokens to the disk. replaced is the refresh token
// whose place they take; empty: none's. After an error, which wraps
// ErrTokensLost, the file takes nothing more.
func (t *TokenFile) Append(a Account, replaced cronofy.Secret) error {
	l := tokenLine{Email: a.Email, Sub: a.Sub, Access: a.AccessToken.Reveal(), Refresh: a.RefreshToken.Reveal()}
	if !replaced.Empty() {
		h := sha256.Sum256([]byte(replaced.Reveal()))
		l.Replaces = hex.EncodeToString(h[:])
	}
	line, _ := json.Marshal(l) // texts alone, which cannot fail
	line = append(line, '\n')
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.broken != nil {
		return t.broken
	}
	_, err := t.file.WriteAt(line, t.size)
	if err == nil {
		err = t.file.Sync()
	}
	if err != nil {
		t.broken = fmt.Errorf("%w: %w", ErrTokensLost, err)
		return t.broken
	}
	t.add(line, true)
	return nil
}

// Broken is the error of the first Append that failed, nil if none did.
func (t *TokenFile) Broken() error {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.broken
}

// newest follows the replacements of a refresh token to their end, and gives the tokens
// there. ours: this process wrote them.
func (t *TokenFile) newest(refresh cronofy.Secret) (a Account, ours, known bool) {
	if refresh.Empty() {
		return a, false, false
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	h := hashToken(refresh.Reveal())
	for range len(t.index) { // a file that was tampered with may lead in a circle
		p, ok := t.index[h]
		if !ok {
			break
		}
		var l tokenLine
		line := make([]byte, p.length)
		if _, err := t.file.ReadAt(line, p.offset); err != nil || json.Unmarshal(line, &l) != nil || l.Refresh == "" {
			break
		}
		a = Account{AccessToken: cronofy.NewSecret(l.Access), RefreshToken: cronofy.NewSecret(l.Refresh)}
		ours, known = p.ours, true
		next := hashToken(l.Refresh)
		if next == h || t.index[next] == p {
			break
		}
		h = next
	}
	return a, ours, known
}

// Refresher is what of *cronofy.Client is needed to renew tokens.
type Refresher interface {
	Refresh(ctx context.Context, refreshToken cronofy.Secret) (cronofy.Token, error)
}

// grace is what a refresh under way is left to finish when ctx ends: its answer
// may hold the only token that works.
const grace = 5 * time.Second

// Renew gets an account another access token with its refresh token; it is for
// Options.Renew. What comes back is in the file before it is used: a refresh may rotate
// the refresh token, and then the old one, which the operator's application has, works
// no more. It refreshes an account's token once, whatever number of lines of the list
// have it; before that it tries the access token that an earlier run left in the file.
// Lines that ask at the same moment share what comes of it, its failure and the end of
// ctx too: they are of one run.
// https://docs.cronofy.com/developers/faqs/access-token-expiry/
func (t *TokenFile) Renew(ctx context.Context, client Refresher, a Account, refused cronofy.Secret) (cronofy.Secret, error) {
	if a.RefreshToken.Empty() {
		return cronofy.Secret{}, nil
	}
	h := hashToken(a.RefreshToken.Reveal())
	fresh, err, _ := t.once.Do(string(h[:]), func() (any, error) {
		last, ours, known := t.newest(a.RefreshToken)
		switch {
		case !known:
			last = a
		case !last.AccessToken.Empty() && !last.AccessToken.Equal(refused):
			return last.AccessToken, nil
		case ours: // just made, and refused already
			return cronofy.Secret{}, nil
		}
		return t.refresh(ctx, client, a, last.RefreshToken)
	})
	return fresh.(cronofy.Secret), err
}

func (t *TokenFile) refresh(ctx context.Context, client Refresher, a Account, old cronofy.Secret) (cronofy.Secret, error) {
	if err := t.Broken(); err != nil {
		return cronofy.Secret{}, err // a token that cannot be kept must not be made
	}
	longer, cancel := context.WithCancel(context.WithoutCancel(ctx))
	defer cancel()
	defer context.AfterFunc(ctx, func() { time.AfterFunc(grace, cancel) })()
	fresh, err := client.Refresh(longer, old)
	if err != nil {
		return cronofy.Secret{}, err
	}
	a.AccessToken, a.RefreshToken = fresh.AccessToken, fresh.RefreshToken
	if a.RefreshToken.Empty() {
		a.RefreshToken = old // it stays valid
	}
	if err := t.Append(a, old); err != nil {
		return cronofy.Secret{}, err
	}
	return a.AccessToken, nil
}

// Newest puts the newest refresh tokens that the file knows in the place of
// those of a list, so that a list from before a rotation still works, and so
// does the file itself as a list.
func (t *TokenFile) Newest(accounts iter.Seq2[Account, error]) iter.Seq2[Account, error] {
	return func(yield func(Account, error) bool) {
		for a, err := range accounts {
			if err == nil {
				if last, _, known := t.newest(a.RefreshToken); known {
					a.RefreshToken = last.RefreshToken
				}
			}
			if !yield(a, err) {
				return
			}
		}
	}
}
