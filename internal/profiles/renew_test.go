package profiles

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"confer/cronofy"
)

// rotating is a Cronofy whose refresh tokens work once. An access token is
// "a-N-G" and a refresh token "r-N-G", of account N and generation G.
type rotating struct {
	t    *testing.T
	path string // of the token file: what is used must be in it

	mu        sync.Mutex
	spent     map[string]bool
	refreshes int
	keeps     bool // refresh tokens stay
}

func (r *rotating) Refresh(_ context.Context, token cronofy.Secret) (cronofy.Token, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.refreshes++
	old := token.Reveal()
	part := strings.Split(old, "-")
	if len(part) != 3 || r.spent[old] {
		return cronofy.Token{}, &cronofy.Error{Op: "refresh token", Status: 400, Code: "invalid_grant"}
	}
	g, _ := strconv.Atoi(part[2])
	if r.keeps {
		return cronofy.Token{AccessToken: cronofy.NewSecret("a-" + part[1] + "-" + strconv.Itoa(g+1))}, nil
	}
	r.spent[old] = true
	next := part[1] + "-" + strconv.Itoa(g+1)
	return cronofy.Token{AccessToken: cronofy.NewSecret("a-" + next), RefreshToken: cronofy.NewSecret("r-" + next)}, nil
}

// UserInfo refuses the access tokens of generation 0.
func (r *rotating) UserInfo(ctx context.Context, token cronofy.Secret) (cronofy.UserInfo, error) {
	access := token.Reveal()
	if strings.HasSuffix(access, "-0") {
		return cronofy.UserInfo{}, &cronofy.Error{Op: "read userinfo", Status: 401}
	}
	if text, err := os.ReadFile(r.path); err != nil || !strings.Contains(string(text), `"`+access+`"`) {
		r.t.Errorf("%s was used before it was kept", access)
	}
	return connected(ctx, access)
}

func newRotating(t *testing.T) *rotating {
	return &rotating{t: t, path: filepath.Join(t.TempDir(), "tokens.jsonl"), spent: map[string]bool{}}
}

func renewing(client Refresher, tokens *TokenFile) func(context.Context, Account, cronofy.Secret) (cronofy.Secret, error) {
	return func(ctx context.Context, a Account, refused cronofy.Secret) (cronofy.Secret, error) {
		return tokens.Renew(ctx, client, a, refused)
	}
}

func renewAll(t *testing.T, r *rotating, list string, opts Options) ([]Record, Summary) {
	t.Helper()
	tokens, err := OpenTokens(r.path)
	require.NoError(t, err)
	defer tokens.Close()
	opts.Renew = renewing(r, tokens)
	var got []Record
	sum, err := Run(t.Context(), r, tokens.Newest(ReadAccounts(strings.NewReader(list))), opts, collect(&got))
	require.NoError(t, err)
	return got, sum
}

func TestRefreshOnceAndRepeatOnce(t *testing.T) {
	t.Parallel()
	r := newRotating(t)
	const list = "email,access_token,refresh_token\n" +
		"refused@example.test,a-1-0,r-1-0\n" +
		"missing@example.test,,r-2-0\n" +
		"hopeless@example.test,a-3-0,\n" +
		"spent@example.test,a-4-0,nothing\n"
	got, sum := renewAll(t, r, list, Options{ErrorOf: func(err error) (string, string) { return strconv.Itoa(cronofy.StatusOf(err)), err.Error() }})
	require.Equal(t, Summary{Read: 4, Connected: 2, Failed: 2}, sum)
	require.Equal(t, []string{"a-1-1", "a-2-1", "", ""}, subs(got))
	require.Equal(t, "401", got[2].Error.Code, "without a refresh token the first refusal stands")
	require.Equal(t, RecordError{"400", "renew access token: refresh token: 400 invalid_grant"}, *got[3].Error)
	require.Equal(t, 3, r.refreshes)

	// the same list again: what the file knows is used, nothing is refreshed
	got, sum = renewAll(t, r, list, Options{})
	require.Equal(t, 2, sum.Connected)
	require.Equal(t, []string{"a-1-1", "a-2-1"}, subs(got)[:2])
	require.Equal(t, 4, r.refreshes, "only the hopeless one was tried again")

	// the file as the list
	text, err := os.ReadFile(r.path)
	require.NoError(t, err)
	_, sum = renewAll(t, r, string(text), Options{})
	require.Equal(t, Summary{Read: 2, Connected: 2}, sum)
	require.Equal(t, 4, r.refreshes)
}

// TestWhatIsInTheFileMayBeOldToo: a token that an earlier run kept is refused,
// and then refreshed once.
func TestWhatIsInTheFileMayBeOldToo(t *testing.T) {
	t.Parallel()
	r := newRotating(t)
	tokens, err := OpenTokens(r.path)
	require.NoError(t, err)
	require.NoError(t, tokens.Append(holder("amara@example.test", "a-9-0", "r-1-5"), cronofy.NewSecret("r-1-0")))
	require.NoError(t, tokens.Close())
	got, _ := renewAll(t, r, "email,refresh_token\namara@example.test,r-1-0\n", Options{})
	require.Equal(t, []string{"a-1-6"}, subs(got))
	require.Equal(t, 1, r.refreshes)
}

// TestARefusedFreshTokenIsNotRefreshedAgain: that would never end.
func TestARefusedFreshTokenIsNotRefreshedAgain(t *testing.T) {
	t.Parallel()
	r := newRotating(t)
	tokens := openTokens(t, r.path)
	c := answering(func(context.Context, string) (cronofy.UserInfo, error) {
		return cronofy.UserInfo{}, &cronofy.Error{Op: "read userinfo", Status: 401}
	})
	var got []Record
	_, err := Run(t.Context(), c, ReadAccounts(strings.NewReader("access_token,refresh_token\na-1-0,r-1-0\n")),
		Options{Renew: renewing(r, tokens)}, collect(&got))
	require.NoError(t, err)
	require.Equal(t, "read userinfo: 401", got[0].Error.Message)
	require.Equal(t, 1, r.refreshes)
	require.Equal(t, map[string]int{"a-1-0": 1, "a-1-1": 1}, c.calls)
}

func TestTokensThatStay(t *testing.T) {
	t.Parallel()
	r := newRotating(t)
	r.keeps = true
	got, _ := renewAll(t, r, "email,refresh_token\namara@example.test,r-1-0\n", Options{})
	require.Equal(t, []string{"a-1-1"}, subs(got))
	text, err := os.ReadFile(r.path)
	require.NoError(t, err)
	require.Contains(t, string(text), `"refresh_token":"r-1-0"`)
}

// TestManyAtOnce: each account is refreshed once, however many ask.
func TestManyAtOnce(t *testing.T) {
	t.Parallel()
	r := newRotating(t)
	tokens := openTokens(t, r.path)
	var wg sync.WaitGroup
	for i := range 400 {
		wg.Go(func() {
			n := strconv.Itoa(i % 50)
			fresh, err := tokens.Renew(t.Context(), r, holder("", "a-"+n+"-0", "r-"+n+"-0"), cronofy.NewSecret("a-"+n+"-0"))
			if err != nil || fresh.Reveal() != "a-"+n+"-1" {
				t.Errorf("account %s: %v", n, err)
			}
		})
	}
	wg.Wait()
	require.Equal(t, 50, r.refreshes)
}

func TestWithoutRenewNoRefreshTokenIsTouched(t *testing.T) {
	t.Parallel()
	r := newRotating(t)
	var got []Record
	_, err := Run(t.Context(), r, ReadAccounts(strings.NewReader("access_token,refresh_token\na-1-0,r-1-0\n,r-2-0\n")), Options{}, collect(&got))
	require.NoError(t, err)
	require.Equal(t, Failed, got[0].State)
	require.Equal(t, ErrOnlyRefreshToken.Error(), got[1].Error.Message)
	require.Zero(t, r.refreshes)
}

func TestTokensThatAreLostEndTheRenewing(t *testing.T) {
	t.Parallel()
	r := newRotating(t)
	tokens := openTokens(t, r.path)
	require.NoError(t, tokens.file.Close())
	_, err := tokens.Renew(t.Context(), r, holder("", "", "r-1-0"), cronofy.Secret{})
	require.ErrorIs(t, err, ErrTokensLost)
	_, err = tokens.Renew(t.Context(), r, holder("", "", "r-2-0"), cronofy.Secret{})
	require.ErrorIs(t, err, ErrTokensLost)
	require.Equal(t, 1, r.refreshes, "no more are made")
}

// slowRefresh answers after a while, or when its context ends.
type slowRefresh struct{ takes time.Duration }

func (s slowRefresh) Refresh(ctx context.Context, _ cronofy.Secret) (cronofy.Token, error) {
	if err := cronofy.Sleep(ctx, s.takes); err != nil {
		return cronofy.Token{}, err
	}
	return cronofy.Token{AccessToken: cronofy.NewSecret("a1"), RefreshToken: cronofy.NewSecret("r1")}, nil
}

// TestCancellingLetsARefreshFinish, but not for ever.
func TestCancellingLetsARefreshFinish(t *testing.T) {
	t.Parallel()
	for takes, kept := range map[time.Duration]bool{2 * time.Second: true, time.Minute: false} {
		synctest.Test(t, func(t *testing.T) {
			tokens := openTokens(t, filepath.Join(t.TempDir(), "tokens.jsonl"))
			ctx, cancel := context.WithCancel(t.Context())
			began := time.Now()
			time.AfterFunc(time.Second, cancel)
			_, err := tokens.Renew(ctx, slowRefresh{takes}, holder("", "", "r0"), cronofy.Secret{})
			require.Equal(t, kept, err == nil)
			require.Equal(t, !kept, errors.Is(err, context.Canceled))
			require.LessOrEqual(t, time.Since(began), time.Second+grace)
			_, _, known := tokens.newest(cronofy.NewSecret("r0"))
			require.Equal(t, kept, known)
		})
	}
}

func TestWatchKeepsWhatWasRenewed(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		calls := 0
		var opts Options
		opts.Renew = func(context.Context, Account, cronofy.Secret) (cronofy.Secret, error) {
			calls++
			return cronofy.NewSecret("fresh"), nil
		}
		c := answering(func(_ context.Context, token string) (cronofy.UserInfo, error) {
			if token != "fresh" {
				return cronofy.UserInfo{}, &cronofy.Error{Status: 401}
			}
			return cronofy.UserInfo{Sub: token}, nil // missing: it looks again
		})
		given := []Account{holder("a@example.test", "old", "r")}
		require.NoError(t, Watch(t.Context(), c, given, opts, func([]Row, Summary) {}))
		require.Equal(t, 1, calls)
		require.Equal(t, 1, c.count("old"))
		require.Greater(t, c.count("fresh"), 2)
		require.Equal(t, "old", given[0].AccessToken.Reveal(), "the caller's list is the caller's")
	})
}
