package delegated

import (
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"confer/cronofy"
)

// TestARefusedClientEndsTheAsking: no other account's code would be taken.
func TestARefusedClientEndsTheAsking(t *testing.T) {
	t.Parallel()
	for name, refusal := range map[string]*cronofy.Error{
		"401":            {Op: "exchange code", Status: http.StatusUnauthorized},
		"invalid_client": {Op: "exchange code", Status: http.StatusBadRequest, Code: "invalid_client"},
	} {
		f := newFake()
		f.exchange = func(string, string) (cronofy.Token, error) { return cronofy.Token{}, refusal }
		d := open(t, config(f), people(51)...)
		first := make(chan error)
		go func() {
			_, err := d.Access(t.Context(), 0)
			first <- err
		}()
		answerAll(d, f, 1)
		require.ErrorIs(t, <-first, refusal, name)
		var all *CallError
		require.ErrorAs(t, fatal(d), &all, name)
		require.True(t, all.Every)
		_, err := d.Access(t.Context(), 50)
		require.ErrorIs(t, err, refusal)
		require.Len(t, f.calls(), 1, "the last one is not asked for")
	}
}

// TestACodeThatIsNotTakenIsOneAccounts.
func TestACodeThatIsNotTakenIsOneAccounts(t *testing.T) {
	t.Parallel()
	f := newFake()
	f.exchange = func(string, string) (cronofy.Token, error) {
		return cronofy.Token{}, &cronofy.Error{Op: "exchange code", Status: http.StatusBadRequest, Code: "invalid_grant"}
	}
	d := open(t, config(f), people(2)...)
	results := access(t.Context(), d)
	answerAll(d, f, 2)
	for _, r := range results() {
		require.Equal(t, "invalid_grant", cronofy.CodeOf(r.err))
	}
	require.NoError(t, fatal(d))
}

// TestRefusedPostsAreToldAtOnce, and are an account's reason in the end.
func TestRefusedPostsAreToldAtOnce(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := newFake()
		told := make(chan Refusal, 8)
		cfg := config(f)
		cfg.Timeout = time.Minute
		cfg.Report = func(why Refusal) { told <- why }
		d := open(t, cfg, people(4)...)
		began := time.Now()
		results := access(t.Context(), d)
		b := codeBody("c")
		var urls []string
		for range 4 {
			urls = append(urls, (<-f.asked).CallbackURL)
		}
		for range 2 {
			require.Equal(t, 401, post(d, urls[0], b, ""))
			require.Equal(t, 401, post(d, urls[1], b, sign("another", b)))
			require.Equal(t, 400, post(d, urls[2], "{}", sign(secret, "{}")))
		}
		require.Equal(t, began, time.Now(), "told before the wait is over")
		require.Len(t, told, 3, "each kind once")
		for _, why := range []Refusal{Unsigned, Forged, Malformed} {
			require.Equal(t, why, <-told)
		}
		for i, r := range results() {
			require.Equal(t, &NoAnswerError{[]Refusal{Unsigned, Forged, Malformed, NotRefused}[i]}, r.err)
		}
		require.Equal(t, Progress{Accounts: 4, Asked: 4, Until: began.Add(time.Minute)}, d.Progress())
	})
}
