package sandbox

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"confer/cronofy"
)

const testSecret = "CRN_theSecretOfThisTest000000000000000000000"

// linkTokenCase is a request for a link token, and what it is answered.
type linkTokenCase struct {
	bearer, contentType, body string
	switches                  Switches
	status                    int
	want                      string // the body, if it is fixed
}

func linkTokenCases() map[string]linkTokenCase {
	const secret, right = testSecret, `{"service_account_id":"` + serviceAccountID + `"}`
	const requiredBody = `{"errors":{"service_account_id":[{"key":"errors.required","description":"required"}]}}`
	const unknownBody = `{"errors":{"service_account_id":[{"key":"errors.unrecognized","description":"unrecognized"}]}}`
	return map[string]linkTokenCase{
		"right":                {secret, "application/json; charset=utf-8", right, Switches{}, 200, ""},
		"form":                 {secret, "application/x-www-form-urlencoded", "service_account_id=" + serviceAccountID, Switches{}, 200, ""},
		"form, field twice":    {secret, "application/x-www-form-urlencoded", "service_account_id=" + serviceAccountID + "&service_account_id=x", Switches{}, 422, ""},
		"no bearer":            {"", "application/json", right, Switches{}, 401, ""},
		"wrong bearer":         {secret + "x", "application/json", right, Switches{}, 401, ""},
		"no plan":              {secret, "application/json", right, Switches{NoPlan: true}, 402, ""},
		"bearer before plan":   {"x", "application/json", right, Switches{NoPlan: true}, 401, ""},
		"no content type":      {secret, "", right, Switches{}, 422, ""},
		"text":                 {secret, "text/plain", right, Switches{}, 422, ""},
		"not JSON":             {secret, "application/json", "service_account_id", Switches{}, 422, ""},
		"a list":               {secret, "application/json", "[]", Switches{}, 422, ""},
		"cut short":            {secret, "application/json", right[:20], Switches{}, 422, ""},
		"two objects":          {secret, "application/json", right + right, Switches{}, 422, ""},
		"a brace too many":     {secret, "application/json", right + "}", Switches{}, 422, ""},
		"brackets after it":    {secret, "application/json", right + "]}]}}}garbage", Switches{}, 422, ""},
		"space after it":       {secret, "application/json", right + " \n", Switches{}, 200, ""},
		"field missing":        {secret, "application/json", "{}", Switches{}, 422, requiredBody},
		"field empty":          {secret, "application/json", `{"service_account_id":""}`, Switches{}, 422, requiredBody},
		"field blank":          {secret, "application/json", `{"service_account_id":" "}`, Switches{}, 422, requiredBody},
		"field no string":      {secret, "application/json", `{"service_account_id":7}`, Switches{}, 422, requiredBody},
		"unknown":              {secret, "application/json", `{"service_account_id":"ser_x"}`, Switches{}, 422, unknownBody},
		"an account":           {secret, "application/json", `{"service_account_id":"acc_6710aa01c0ffee0123450001"}`, Switches{}, 422, unknownBody},
		"other name":           {secret, "application/json", `{"service_account":"` + serviceAccountID + `"}`, Switches{}, 422, requiredBody},
		"other name switched":  {secret, "application/json", `{"service_account":"` + serviceAccountID + `"}`, Switches{LinkTokenField: "service_account"}, 200, ""},
		"documented, switched": {secret, "application/json", right, Switches{LinkTokenField: "service_account"}, 422, strings.ReplaceAll(requiredBody, "service_account_id", "service_account")},
		"too large":            {secret, "application/json", `{"x":"` + strings.Repeat("x", maxBody) + `"}`, Switches{}, 422, ""},
	}
}

func TestLinkTokenChecks(t *testing.T) {
	t.Parallel()
	for name, c := range linkTokenCases() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := start(t, Options{Switches: c.switches, ClientSecret: cronofy.NewSecret(testSecret)})
			a := w.do(http.MethodPost, w.APIURL()+linkTokenPath, c.bearer, c.contentType, []byte(c.body))
			require.Equal(t, c.status, a.StatusCode)
			if c.want != "" {
				require.JSONEq(t, c.want, string(a.body))
			}
			switch c.status {
			case 200:
				require.Equal(t, jsonType, a.Header.Get("Content-Type"))
				require.Regexp(t, `^\{"organizational_unit_authorization_link_token":\{"ou_link_token":"oult_[0-9A-Za-z]{32}"\}\}$`, string(a.body))
			case 401, 402:
				require.Empty(t, a.body)
				require.NotEmpty(t, a.Header.Get(reasonHeader))
			}
		})
	}
}

func TestLinkTokenRefusesAnAccessToken(t *testing.T) {
	t.Parallel()
	w := start(t, Options{})
	body := map[string]string{"service_account_id": serviceAccountID}
	require.Equal(t, 401, w.post(linkTokenPath, w.Credentials().ServiceAccountToken.Reveal(), body).StatusCode)
	require.Equal(t, 200, w.post(linkTokenPath, w.secret(), body).StatusCode)
}

func TestRateLimits(t *testing.T) {
	t.Parallel()
	w := start(t, Options{RatePerSecond: 3, RatePerMinute: 5})
	call := func() int {
		w.clock.add(10 * time.Millisecond)
		return w.get("/v1/userinfo", w.Accounts()[0].AccessToken.Reveal()).StatusCode
	}
	require.Equal(t, []int{200, 200, 200, 429, 429}, []int{call(), call(), call(), call(), call()})
	require.Equal(t, 401, w.get("/v1/userinfo", "nobody").StatusCode, "what is not the application's is not counted")
	w.clock.add(time.Second)
	require.Equal(t, []int{200, 200, 429}, []int{call(), call(), call()}, "the minute's limit")
	w.clock.add(time.Minute)
	require.Equal(t, 200, call())

	// One limit for all of an application's calls.
	require.Equal(t, 400, w.refreshWith("nothing").StatusCode)
	a := w.post(linkTokenPath, w.secret(), map[string]string{"service_account_id": serviceAccountID})
	require.Equal(t, 200, a.StatusCode)
	a = w.post(linkTokenPath, w.secret(), map[string]string{"service_account_id": serviceAccountID})
	require.Equal(t, 429, a.StatusCode)
	require.Empty(t, a.Header.Get("Retry-After"), "no such header is documented")
}

func TestNoRateLimitByDefault(t *testing.T) {
	t.Parallel()
	w := start(t, Options{})
	token := w.Accounts()[0].AccessToken.Reveal()
	for range 600 {
		require.Equal(t, 200, w.get("/v1/userinfo", token).StatusCode)
	}
}
