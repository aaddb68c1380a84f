package cronofy_test

import (
	"fmt"

	"confer/cronofy"
)

func ExampleClient_AuthorizeURL() {
	germany, _ := cronofy.FindDataCenter("de")
	app := cronofy.App{ClientID: "k3Hn2cWq9ZrT5vXy7LbD", ClientSecret: cronofy.NewSecret("CRN_example")}
	c := cronofy.New(germany.Site(), app, cronofy.Options{})
	fmt.Println(c.AuthorizeURL(cronofy.AuthorizeRequest{
		RedirectURI: "http://127.0.0.1:8739/callback",
		State:       "9f0c3e1ab27d44f8",
		LinkToken:   cronofy.NewSecret("oult_5Jq8sTn2"),
		Provider:    cronofy.Zoom,
	}))
	// Output: https://app-de.cronofy.com/oauth/authorize?response_type=code&client_id=k3Hn2cWq9ZrT5vXy7LbD&redirect_uri=http%3A%2F%2F127.0.0.1%3A8739%2Fcallback&scope=organizational_unit_use_integrations&state=9f0c3e1ab27d44f8&capabilities%5B%5D=conferencing&ou_link_token=oult_5Jq8sTn2&conferencing_provider_name=zoom_enterprise
}
