package delegated

import (
	"context"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"confer/cronofy"
)

// answerAll posts a code, named after its address, for each account asked for.
func answerAll(d *Receiver, f *fake, n int) {
	for range n {
		r := <-f.asked
		b := codeBody("code-" + r.Email)
		post(d, r.CallbackURL, b, sign(secret, b))
	}
}

func TestAccountsAreAskedForInCollections(t *testing.T) {
	t.Parallel()
	f := newFake()
	var exchanged sync.Map
	f.exchange = func(code, uri string) (cronofy.Token, error) {
		exchanged.Store(code, uri)
		return cronofy.Token{AccessToken: cronofy.NewSecret("at-" + code)}, nil
	}
	d := open(t, config(f), people(121)...)
	results := access(t.Context(), d)
	answerAll(d, f, 121)
	urls := map[string]string{}
	for i, r := range results() {
		require.NoError(t, r.err)
		require.Equal(t, "at-code-"+people(121)[i], r.token)
	}
	var sizes []int
	for _, c := range f.calls() {
		sizes = append(sizes, len(c))
		for _, r := range c {
			require.Regexp(t, `^https://hooks\.example\.test/cronofy/[A-Z2-7]{26}$`, r.CallbackURL)
			require.Equal(t, "read_write", r.Scope)
			require.NotContains(t, urls, r.CallbackURL, "each has a URL of its own")
			urls[r.CallbackURL] = r.Email
			uri, _ := exchanged.Load("code-" + r.Email)
			require.Equal(t, r.CallbackURL, uri, "the redirect_uri is the exact callback URL")
		}
	}
	require.ElementsMatch(t, []int{50, 50, 21}, sizes)
	require.Empty(t, d.rows, "nothing is kept of accounts that were fetched")
	d.Close()
	require.Empty(t, d.live)
	_, err := d.Access(t.Context(), 0)
	require.ErrorIs(t, err, ErrClosed, "a token is given once")
}

func TestDeniedAccountsTellWhy(t *testing.T) {
	t.Parallel()
	f := newFake()
	d := open(t, config(f), "amara@example.test")
	results := access(t.Context(), d)
	r := <-f.asked
	b := `{"authorization":{"error":"access_denied","error_key":"errors.example","error_description":"Access to the mailbox\u001b[31m was refused"}}`
	require.Equal(t, 200, post(d, r.CallbackURL, b, sign(secret, b)))
	var denied *DeniedError
	require.ErrorAs(t, results()[0].err, &denied)
	require.Equal(t, DeniedError{"access_denied", "Access to the mailbox was refused"}, *denied)
	require.EqualError(t, denied, "delegated access denied: access_denied: Access to the mailbox was refused")
}

func TestTimeoutIsOfEachAccount(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := newFake()
		cfg := config(f)
		cfg.Timeout = time.Minute
		d := open(t, cfg, people(3)...)
		began := time.Now()
		results := access(t.Context(), d)
		synctest.Wait()
		r := <-f.asked
		b := codeBody("c")
		require.Equal(t, 200, post(d, r.CallbackURL, b, sign(secret, b)))
		rest := <-f.asked
		all := results()
		require.Equal(t, time.Minute, time.Since(began))
		require.NoError(t, all[0].err)
		require.Equal(t, &NoAnswerError{}, all[1].err)
		require.Equal(t, &NoAnswerError{}, all[2].err)
		require.Equal(t, 404, post(d, rest.CallbackURL, b, sign(secret, b)), "too late")
	})
}

func TestLostAnswersAreWaitedFor(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := newFake()
		lost := &cronofy.NetworkError{Op: "request delegated access", Kind: cronofy.NetworkReset, Sent: true}
		f.request = func(_ string, reqs []cronofy.DelegatedAccess) error {
			for _, r := range reqs {
				f.asked <- r
			}
			return lost
		}
		cfg := config(f)
		d := open(t, cfg, people(2)...)
		results := access(t.Context(), d)
		answerAll(d, f, 1)
		all := results()
		require.NoError(t, all[0].err, "Cronofy had understood")
		require.ErrorIs(t, all[1].err, lost)
		require.Equal(t, 2, d.Progress().Asked)
		require.NoError(t, fatal(d))
	})
}

// TestOneBadAddressDoesNotSpoilTheOthers: which of a collection is at fault is
// not documented, so it is searched for.
func TestOneBadAddressDoesNotSpoilTheOthers(t *testing.T) {
	t.Parallel()
	f := newFake()
	f.request = func(_ string, reqs []cronofy.DelegatedAccess) error {
		for _, r := range reqs {
			if strings.HasPrefix(r.Email, "bad") {
				return apiError(http.StatusUnprocessableEntity, "service_account_authorizations[3].email")
			}
		}
		return nil
	}
	emails := people(50)
	emails[3], emails[40] = "bad-1@example.test", "bad-2@example.test"
	d := open(t, config(f), emails...)
	results := access(t.Context(), d)
	answerAll(d, f, 48)
	for i, r := range results() {
		if i == 3 || i == 40 {
			require.Equal(t, http.StatusUnprocessableEntity, cronofy.StatusOf(r.err))
			continue
		}
		require.NoError(t, r.err)
	}
	require.NoError(t, fatal(d))
	require.Less(t, len(f.calls()), 25)
}

func TestWhatIsWrongForAllEndsTheAsking(t *testing.T) {
	t.Parallel()
	for name, err := range map[string]error{
		"forbidden": apiError(http.StatusForbidden),
		"scope":     apiError(http.StatusUnprocessableEntity, "service_account_authorizations[0].scope"),
		"each":      apiError(http.StatusUnprocessableEntity),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFake()
			f.request = func(string, []cronofy.DelegatedAccess) error { return err }
			d := open(t, config(f), people(500)...)
			for _, r := range access(t.Context(), d)() {
				require.ErrorIs(t, r.err, err)
			}
			require.ErrorIs(t, fatal(d), err)
			require.Less(t, len(f.calls()), 100, "the other batches were not asked for")
			d.Close()
			require.Empty(t, d.live)
		})
	}
}

func TestServiceTokenIsRenewedOnce(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		second string
		ok     bool
		calls  int
	}{"another": {"st-2", true, 2}, "refused too": {"st-3", false, 2}, "the same": {"st", false, 1}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFake()
			f.request = func(token string, _ []cronofy.DelegatedAccess) error {
				if token != "st-2" {
					return apiError(http.StatusUnauthorized)
				}
				return nil
			}
			cfg := config(f)
			cfg.ServiceToken = NewServiceToken(cronofy.NewSecret("st"), func(context.Context) (cronofy.Secret, error) {
				return cronofy.NewSecret(tc.second), nil
			})
			d := open(t, cfg, "amara@example.test")
			results := access(t.Context(), d)
			if tc.ok {
				answerAll(d, f, 1)
				require.NoError(t, results()[0].err)
				return
			}
			require.Equal(t, http.StatusUnauthorized, cronofy.StatusOf(results()[0].err))
			require.Error(t, fatal(d))
			require.Len(t, f.calls(), tc.calls)
		})
	}
}

func TestTokensAreKeptBeforeTheyAreUsed(t *testing.T) {
	t.Parallel()
	f := newFake()
	cfg := config(f)
	kept := map[string]string{}
	var mu sync.Mutex
	cfg.Save = func(email string, tok cronofy.Token) error {
		mu.Lock()
		defer mu.Unlock()
		kept[email] = tok.AccessToken.Reveal()
		if email == "person-1@example.test" {
			return errTest
		}
		return nil
	}
	d := open(t, cfg, people(2)...)
	results := access(t.Context(), d)
	answerAll(d, f, 2)
	all := results()
	require.Equal(t, result{token: "at-code-person-0@example.test"}, all[0])
	require.Equal(t, result{err: errTest}, all[1], "a token that is not kept is not used")
	require.Len(t, kept, 2)
}

func TestCloseEndsEverything(t *testing.T) {
	t.Parallel()
	f := newFake()
	d := open(t, config(f), people(200)...)
	results := access(context.Background(), d)
	<-f.asked
	d.Close()
	d.Close()
	for _, r := range results() {
		require.ErrorIs(t, r.err, ErrClosed)
	}
	require.NoError(t, fatal(d), "an end is no failure")
}

func TestAccessEndsWithItsContext(t *testing.T) {
	t.Parallel()
	f := newFake()
	d := open(t, config(f), people(1)...)
	ctx, cancel := context.WithCancel(t.Context())
	results := access(ctx, d)
	<-f.asked
	cancel()
	require.ErrorIs(t, results()[0].err, context.Canceled)
}

func TestCallbackURLs(t *testing.T) {
	t.Parallel()
	for _, good := range []string{base, "https://hooks.example.test", "https://hooks.example.test/a/?key=1", "http://127.0.0.1:8080/x", "http://localhost"} {
		_, err := CallbackURL(good)
		require.NoError(t, err, good)
	}
	for _, bad := range []string{"", "hooks.example.test", "ftp://example.test", "http://hooks.example.test", "https://u:p@example.test/", "https://example.test/#a", "https://ex\x1bample.test", "https:opaque"} {
		_, err := CallbackURL(bad)
		require.Error(t, err, "%q", bad)
		require.NotContains(t, err.Error(), "u:p")
	}
	f := newFake()
	cfg := config(f)
	var err error
	cfg.CallbackURL, err = CallbackURL("https://hooks.example.test/a/?key=1")
	require.NoError(t, err)
	d := open(t, cfg, "amara@example.test")
	results := access(t.Context(), d)
	r := <-f.asked
	require.Regexp(t, `^https://hooks\.example\.test/a/[A-Z2-7]{26}\?key=1$`, r.CallbackURL)
	d.Close()
	results()
}
