package profiles

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"math/rand/v2"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"confer/cronofy"
	"confer/internal/crash"
)

func subs(records []Record) []string {
	var all []string
	for _, r := range records {
		all = append(all, r.Account.Sub)
	}
	return all
}

func collect(into *[]Record) func(Record) error {
	return func(r Record) error {
		*into = append(*into, r)
		return nil
	}
}

// slowly answers after a random time, so that answers overtake each other.
func slowly(ctx context.Context, token string) (cronofy.UserInfo, error) {
	if err := cronofy.Sleep(ctx, time.Duration(rand.IntN(900))*time.Millisecond); err != nil {
		return cronofy.UserInfo{}, err
	}
	return connected(ctx, token)
}

func TestRunKeepsTheOrderAndTheBound(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		const n = 2000
		c := answering(slowly)
		var got []Record
		sum, err := Run(t.Context(), c, numbered(n), Options{Provider: cronofy.Zoom, Workers: 7}, collect(&got))
		require.NoError(t, err)
		require.Equal(t, Summary{Read: n, Connected: n}, sum)
		require.Equal(t, 7, c.most)
		for i, r := range got {
			require.Equal(t, strconv.Itoa(i), r.Account.Sub)
		}
	})
}

func TestRunUnorderedLetsTheFastPass(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c := answering(func(ctx context.Context, token string) (cronofy.UserInfo, error) {
			if token == "0" {
				time.Sleep(time.Minute)
			}
			return connected(ctx, token)
		})
		var got []Record
		sum, err := Run(t.Context(), c, numbered(1000), Options{Unordered: true}, collect(&got))
		require.NoError(t, err)
		require.Equal(t, 1000, sum.Read)
		require.Equal(t, "0", got[999].Account.Sub)
		require.Len(t, unique(subs(got)), 1000)
	})
}

func unique(s []string) map[string]bool {
	m := map[string]bool{}
	for _, x := range s {
		m[x] = true
	}
	return m
}

func TestRunOfNothing(t *testing.T) {
	t.Parallel()
	c := answering(connected)
	for _, unordered := range []bool{false, true} {
		sum, err := Run(t.Context(), c, numbered(0), Options{Unordered: unordered}, func(Record) error { t.Error("a record"); return nil })
		require.NoError(t, err)
		require.Zero(t, sum)
	}
}

func TestRunMakesARecordOfEveryFailure(t *testing.T) {
	t.Parallel()
	refused := &cronofy.Error{Op: "read userinfo", Status: 401}
	c := answering(func(ctx context.Context, token string) (cronofy.UserInfo, error) {
		switch token {
		case "refused":
			return cronofy.UserInfo{}, fmt.Errorf("wrapped: %w", refused)
		case "nameless":
			return cronofy.UserInfo{Sub: "acc_nameless"}, nil
		}
		return connected(ctx, token)
	})
	list := "email,sub,access_token,refresh_token\n" +
		"a@example.test,acc_a,good,\n" +
		"b@example.test,acc_b,refused,\n" +
		"c@example.test,acc_c,,rt3\n" +
		"d@example.test,acc_d,,\n" +
		"e@example.test,,nameless,\n"
	var mu sync.Mutex
	var errs []error
	opts := Options{Workers: 1, ErrorOf: func(err error) (string, string) {
		mu.Lock()
		defer mu.Unlock()
		errs = append(errs, err)
		return "code\n" + strconv.Itoa(len(errs)), "A sentence\x1b[2J."
	}}
	var got []Record
	sum, err := Run(t.Context(), c, ReadAccounts(strings.NewReader(list)), opts, collect(&got))
	require.NoError(t, err)
	require.Equal(t, Summary{Read: 5, Connected: 1, Missing: 1, Failed: 3}, sum)
	require.Equal(t, []State{Connected, Failed, Failed, Failed, Missing}, []State{got[0].State, got[1].State, got[2].State, got[3].State, got[4].State})
	require.Equal(t, AccountRef{Sub: "acc_b", Email: "b@example.test"}, got[1].Account)
	require.Equal(t, AccountRef{Sub: "acc_d", Email: "d@example.test"}, got[3].Account, "the line is named as well as it can be")
	require.Equal(t, AccountRef{Sub: "acc_nameless", Email: "e@example.test"}, got[4].Account, "userinfo first, then the list")
	require.NotNil(t, got[1].Profiles)
	for _, r := range got[1:4] {
		require.Equal(t, "A sentence.", r.Error.Message)
		require.Regexp(t, `^code \d$`, r.Error.Code)
	}
	joined := errors.Join(errs...)
	require.ErrorIs(t, joined, ErrOnlyRefreshToken)
	require.ErrorIs(t, joined, refused)
	var row *ListError
	require.ErrorAs(t, joined, &row)
	require.Equal(t, 5, row.Line)
	require.Zero(t, c.count(""), "a refresh token is not touched, and no empty token is sent")
}

func TestRunSkipsATokenThatCameBefore(t *testing.T) {
	t.Parallel()
	c := answering(connected)
	list := "email,access_token\na@example.test,t1\nb@example.test,t2\na@example.test,t1\nc@example.test,t2\n"
	var got []Record
	sum, err := Run(t.Context(), c, ReadAccounts(strings.NewReader(list)), Options{}, collect(&got))
	require.NoError(t, err)
	require.Equal(t, Summary{Read: 2, Connected: 2}, sum)
	require.Equal(t, []string{"t1", "t2"}, subs(got))
	require.Equal(t, 1, c.count("t1"))
}

func TestRunStopsWhereTheListBreaks(t *testing.T) {
	t.Parallel()
	boom := errors.New("boom")
	list := func(yield func(Account, error) bool) {
		for a, err := range numbered(40) {
			if !yield(a, err) {
				return
			}
		}
		yield(Account{}, boom)
	}
	var got []Record
	sum, err := Run(t.Context(), answering(connected), list, Options{}, collect(&got))
	require.ErrorIs(t, err, boom)
	require.Equal(t, 40, sum.Read, "what came before is given out")
	require.Len(t, got, 40)
}

func TestRunStopsWhenItsOutputDoes(t *testing.T) {
	t.Parallel()
	for _, unordered := range []bool{false, true} {
		boom := errors.New("broken pipe")
		n := 0
		taken := 0
		list := func(yield func(Account, error) bool) {
			for a, err := range numbered(1 << 30) {
				taken++
				if !yield(a, err) {
					return
				}
			}
		}
		_, err := Run(t.Context(), answering(connected), list, Options{Unordered: unordered}, func(Record) error {
			n++
			if n == 5 {
				return boom
			}
			return nil
		})
		require.ErrorIs(t, err, boom)
		require.Equal(t, 5, n, "nothing is given out after the error")
		require.LessOrEqual(t, taken, 2*Options{}.window()+maxWaiting)
	}
}

// TestRunPanicsWhereItsOwnerIs: a panic in another goroutine would end the
// program with the terminal as it is.
func TestRunPanicsWhereItsOwnerIs(t *testing.T) {
	t.Parallel()
	for _, unordered := range []bool{false, true} {
		mistake := answering(func(context.Context, string) (cronofy.UserInfo, error) { panic("a value that may hold a secret") })
		list := func(yield func(Account, error) bool) {
			for a, err := range numbered(3) {
				yield(a, err)
			}
			panic("a value that may hold a secret")
		}
		for client, accounts := range map[Client]iter.Seq2[Account, error]{mistake: numbered(3), answering(connected): list} {
			var caught *crash.Error
			func() {
				defer func() { caught = crash.Caught(recover()) }()
				_, _ = Run(t.Context(), client, accounts, Options{Unordered: unordered}, func(Record) error { return nil })
			}()
			require.NotNil(t, caught)
			require.Equal(t, "crashed: string", caught.Error())
			require.Contains(t, string(caught.Stack), "TestRunPanicsWhereItsOwnerIs", "the stack is that of the mistake")
		}
	}
}

// The list is not read on while the output does not move.
func TestRunHoldsBack(t *testing.T) {
	t.Parallel()
	for _, unordered := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			taken := 0
			list := func(yield func(Account, error) bool) {
				for a, err := range numbered(100_000) {
					taken++
					if !yield(a, err) {
						return
					}
				}
			}
			ctx, cancel := context.WithCancel(t.Context())
			first := make(chan struct{})
			release := make(chan struct{})
			ended := make(chan error)
			go func() {
				once := false
				_, err := Run(ctx, answering(connected), list, Options{Unordered: unordered}, func(Record) error {
					if !once {
						once = true
						close(first)
						<-release
					}
					return nil
				})
				ended <- err
			}()
			<-first
			synctest.Wait()
			most := Options{}.window() + 2
			if !unordered { // others may have waited for the first
				most += maxWaiting
			}
			require.LessOrEqual(t, taken, most)
			cancel()
			close(release)
			require.ErrorIs(t, <-ended, context.Canceled)
		})
	}
}

// TestOneLateAccountHoldsUpNobody, nor does it lose what was read meanwhile.
func TestOneLateAccountHoldsUpNobody(t *testing.T) {
	t.Parallel()
	for n, want := range map[int]string{130: "cancelled", 2 * maxWaiting: "passed over"} {
		synctest.Test(t, func(t *testing.T) {
			c := answering(func(ctx context.Context, token string) (cronofy.UserInfo, error) {
				if token == "0" {
					<-ctx.Done()
					return cronofy.UserInfo{}, ctx.Err()
				}
				return connected(ctx, token)
			})
			ctx, cancel := context.WithCancel(t.Context())
			var got []Record
			ended := make(chan error)
			go func() {
				_, err := Run(ctx, c, numbered(n), Options{}, collect(&got))
				ended <- err
			}()
			synctest.Wait()
			if want == "passed over" {
				require.GreaterOrEqual(t, len(got), n-1-maxWaiting, "at most those wait")
			}
			cancel()
			require.ErrorIs(t, <-ended, context.Canceled)
			require.Len(t, unique(subs(got)), n-1)
			for i, r := range got {
				if want == "cancelled" {
					require.Equal(t, strconv.Itoa(i+1), r.Account.Sub, "in their order")
				}
			}
		})
	}
}

// TestPatience: what a kill would take is written after a while.
func TestPatience(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c := answering(func(ctx context.Context, token string) (cronofy.UserInfo, error) {
			if token == "7" {
				time.Sleep(time.Minute)
			}
			return connected(ctx, token)
		})
		began, written := time.Now(), 0
		var last string
		_, err := Run(t.Context(), c, numbered(20), Options{Patience: 2 * time.Second}, func(r Record) error {
			written++
			last = r.Account.Sub
			switch after := time.Since(began); {
			case written <= 7:
				require.Zero(t, after)
			case written < 20:
				require.Equal(t, 2*time.Second, after)
			}
			return nil
		})
		require.NoError(t, err)
		require.Equal(t, "7", last)
	})
}

func TestALateAccountComesInTheEnd(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		const n = maxWaiting + 10
		c := answering(func(ctx context.Context, token string) (cronofy.UserInfo, error) {
			if token == "0" {
				time.Sleep(time.Minute)
			}
			return connected(ctx, token)
		})
		var got []Record
		_, err := Run(t.Context(), c, numbered(n), Options{}, collect(&got))
		require.NoError(t, err)
		require.Len(t, unique(subs(got)), n)
		require.Equal(t, "0", got[n-1].Account.Sub)
	})
}

func TestRunCancelledGivesWhatWasRead(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		defer cancel()
		var finished atomic.Int64
		c := answering(func(ctx context.Context, token string) (cronofy.UserInfo, error) {
			info, err := slowly(ctx, token)
			if err == nil {
				finished.Add(1)
			}
			return info, err
		})
		var got []Record
		sum, err := Run(ctx, c, numbered(5000), Options{}, collect(&got))
		require.ErrorIs(t, err, context.DeadlineExceeded)
		require.NotEmpty(t, got)
		require.EqualValues(t, finished.Load(), len(got))
		require.Equal(t, len(got), sum.Read)
		require.Zero(t, sum.Failed, "an account that was given up is no failure")
		last := -1
		for _, r := range got {
			n, err := strconv.Atoi(r.Account.Sub)
			require.NoError(t, err)
			require.Greater(t, n, last)
			last = n
		}
	})
}

func TestRunUnorderedCancelledGivesNothingTwice(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		defer cancel()
		var got []Record
		_, err := Run(ctx, answering(slowly), numbered(5000), Options{Unordered: true}, collect(&got))
		require.ErrorIs(t, err, context.DeadlineExceeded)
		require.NotEmpty(t, got)
		require.Len(t, unique(subs(got)), len(got))
	})
}

func TestRunCancelledBeforeItBegan(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	for _, unordered := range []bool{false, true} {
		sum, err := Run(ctx, answering(func(ctx context.Context, _ string) (cronofy.UserInfo, error) { return cronofy.UserInfo{}, ctx.Err() }),
			numbered(5), Options{Unordered: unordered}, func(Record) error { return nil })
		require.ErrorIs(t, err, context.Canceled)
		require.Zero(t, sum.Read)
	}
}

func TestSeenIsBounded(t *testing.T) {
	t.Parallel()
	s := newSeen()
	n := 0
	for a := range numbered(maxSeen + 1000) {
		if !s(a) {
			n++
		}
	}
	require.Equal(t, maxSeen+1000, n, "different tokens are different")
	require.True(t, s(Account{AccessToken: cronofy.NewSecret("0")}))
	require.True(t, s(Account{RefreshToken: cronofy.NewSecret(strconv.Itoa(maxSeen - 1))}))
	require.False(t, s(Account{AccessToken: cronofy.NewSecret(strconv.Itoa(maxSeen))}), "too late to be remembered")
}

func TestRunReturnsWhenAllItBeganHasEnded(t *testing.T) {
	t.Parallel()
	for _, unordered := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			c := answering(func(ctx context.Context, token string) (cronofy.UserInfo, error) {
				if token != "0" {
					time.Sleep(time.Minute) // slow to notice that it is over
				}
				return connected(ctx, token)
			})
			boom := errors.New("broken pipe")
			_, err := Run(t.Context(), c, numbered(100), Options{Unordered: unordered}, func(Record) error { return boom })
			require.ErrorIs(t, err, boom)
			c.mu.Lock()
			defer c.mu.Unlock()
			require.Zero(t, c.running)
		})
	}
}

// A list that ends because ctx did is not a list that was read to its end.
func TestRunCancelledBetweenTwoAccounts(t *testing.T) {
	t.Parallel()
	for _, unordered := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			ctx, cancel := context.WithCancel(t.Context())
			n := 0
			_, err := Run(ctx, answering(connected), numbered(2*maxWaiting), Options{Unordered: unordered}, func(Record) error {
				if n++; n == 1 {
					synctest.Wait() // the window is full and done
					cancel()
					synctest.Wait()
				}
				return nil
			})
			require.ErrorIs(t, err, context.Canceled)
			require.Greater(t, n, Options{}.window()/2, "what had been read is given out")
		})
	}
}
