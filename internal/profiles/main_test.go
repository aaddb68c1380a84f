package profiles

import (
	"context"
	"fmt"
	"iter"
	"strconv"
	"sync"
	"testing"

	"go.uber.org/goleak"

	"confer/cronofy"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// client answers with the function; it notes how many calls were under way at
// once.
type client struct {
	answer func(ctx context.Context, token string) (cronofy.UserInfo, error)

	mu      sync.Mutex
	running int
	most    int
	calls   map[string]int // by token
}

func answering(answer func(ctx context.Context, token string) (cronofy.UserInfo, error)) *client {
	return &client{answer: answer, calls: map[string]int{}}
}

func (c *client) UserInfo(ctx context.Context, token cronofy.Secret) (cronofy.UserInfo, error) {
	c.mu.Lock()
	c.running++
	c.most = max(c.most, c.running)
	c.calls[token.Reveal()]++
	c.mu.Unlock()
	defer func() {
		c.mu.Lock()
		c.running--
		c.mu.Unlock()
	}()
	return c.answer(ctx, token.Reveal())
}

func (c *client) count(token string) int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.calls[token]
}

// numbered gives n accounts with tokens "0", "1", ...
func numbered(n int) iter.Seq2[Account, error] {
	return func(yield func(Account, error) bool) {
		for i := range n {
			if !yield(Account{AccessToken: cronofy.NewSecret(strconv.Itoa(i)), Row: i + 1}, nil) {
				return
			}
		}
	}
}

// connected is the userinfo of a connected account whose sub is its token.
func connected(_ context.Context, token string) (cronofy.UserInfo, error) {
	return cronofy.UserInfo{Sub: token, Email: fmt.Sprintf("person-%s@example.test", token),
		ConferencingProfiles: []cronofy.ConferencingProfile{profile("zoom", true)}}, nil
}
