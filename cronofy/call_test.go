package cronofy

import (
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestLinkToken(t *testing.T) {
	t.Parallel()
	c, mux := setup(t)
	mux.HandleFunc("POST /v1/organizational_unit_authorization_link_tokens", func(w http.ResponseWriter, r *http.Request) {
		testAuth(t, r, "Bearer "+clientSecret)
		testJSON(t, r, `{"service_account_id":"ser_6710aa01c0ffee0123456789"}`)
		reply(w, 200, `{"organizational_unit_authorization_link_token": {"ou_link_token": "oult_5Jq8sTn2"}}`)
	})
	token, err := c.LinkToken(t.Context(), "ser_6710aa01c0ffee0123456789")
	require.NoError(t, err)
	require.Equal(t, "oult_5Jq8sTn2", token.Reveal())
}
