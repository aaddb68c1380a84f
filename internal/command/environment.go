package command

import (
	"strings"

	"confer/cronofy"
)

// environment is what the program takes from its environment. Secrets are
// removed from the process's own environment as they are read, so that no child
// inherits them.
type environment struct {
	dataCenter, clientID, serviceAccount, provider string
	redirectURI, apiURL, appURL, secretStore       string
	clientSecret                                   cronofy.Secret
	names                                          cronofy.Names
	get                                            func(string) string
}

func readEnvironment(lookup func(string) (string, bool), unset func(string) error) environment {
	get := func(name string) string { v, _ := lookup(name); return v }
	// Trimmed as a file's content is: a shell's variable may end in a line break.
	secret := cronofy.NewSecret(strings.TrimSpace(get("CRONOFY_CLIENT_SECRET")))
	_ = unset("CRONOFY_CLIENT_SECRET")
	e := environment{
		dataCenter:     get("CRONOFY_DATA_CENTER"),
		clientID:       get("CRONOFY_CLIENT_ID"),
		serviceAccount: get("CONFER_SERVICE_ACCOUNT"),
		provider:       get("CONFER_PROVIDER"),
		redirectURI:    get("CONFER_REDIRECT_URI"),
		apiURL:         get("CRONOFY_API_URL"),
		appURL:         get("CRONOFY_APP_URL"),
		secretStore:    get("CONFER_SECRET_STORE"),
		clientSecret:   secret,
		names:          inferredNames(get),
		get:            get,
	}
	if e.dataCenter == "" {
		e.dataCenter = get("CRONOFY_DATA_CENTRE") // the other spelling, which Cronofy's own SDKs know
	}
	return e
}

// forSandbox leaves out what would lead to the real Cronofy.
func (e environment) forSandbox() environment {
	e.dataCenter, e.clientID, e.serviceAccount, e.apiURL, e.appURL = "", "", "", "", ""
	e.clientSecret = cronofy.Secret{}
	e.names = cronofy.DefaultNames()
	e.secretStore = ""
	return e
}

// inferredNames are the three names that Cronofy does not document, as hidden
// settings put them.
func inferredNames(get func(string) string) cronofy.Names {
	n := cronofy.DefaultNames()
	for name, dst := range map[string]*string{
		"CONFER_OU_AUTHORIZE_PATH":   &n.OUAuthorizePath,
		"CONFER_OU_LINK_TOKEN_PARAM": &n.OULinkTokenParam,
		"CONFER_OU_LINK_TOKEN_FIELD": &n.OULinkTokenField,
	} {
		if v := get(name); v != "" {
			*dst = v
		}
	}
	return n
}
