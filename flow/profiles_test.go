package flow_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"confer/cronofy"
	"confer/flow"
	"confer/internal/profiles"
)

// TestAccountsHaveAReasonAndANextStep: whatever keeps an account from being read,
// its row has a reason that fits a narrow column, and its details a next step.
func TestAccountsHaveAReasonAndANextStep(t *testing.T) {
	t.Parallel()
	errs := []error{
		profiles.ErrOnlyRefreshToken, cronofy.ErrUnsendable, errors.New("anything else"),
		&cronofy.BadAnswerError{Op: "userinfo", Reason: "HTML instead of JSON"}, &cronofy.NetworkError{Host: "api.example.test"},
	}
	for _, status := range []int{400, 401, 402, 403, 404, 418, 422, 423, 429, 500, 503} {
		errs = append(errs, &cronofy.Error{Status: status})
	}
	for _, err := range errs {
		for _, from := range []flow.Accounts{{Path: "people.csv"}, {Token: cronofy.NewSecret("t")}} {
			code, message := flow.ExplainAccount(err)
			short, next := from.AccountWords(code)
			require.NotEmpty(t, message, err)
			require.LessOrEqual(t, len(short), len("no answer in time"), err)
			require.NotContains(t, short, "_", err)
			require.True(t, strings.HasSuffix(next, "."), "%v: %s", err, next)
		}
	}
	_, next := flow.Accounts{Token: cronofy.NewSecret("t")}.AccountWords(flow.CodeUnauthorized)
	require.Contains(t, next, "paste")
}
