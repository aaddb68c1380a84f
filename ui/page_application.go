package ui

import (
	"errors"

	"confer/cronofy"
	"confer/flow"
	"confer/keystore"
)

const pageApplication pageID = "application"

var _ = registerStep(flow.StepApplication, pageApplication, applicationPage, func(s flow.State) string { return shortID(s.Answers.ClientID) })

// The fields of the application.
const (
	fieldClientID = "client_id"
	fieldSecret   = "client_secret"
	fieldRedirect = "redirect_uri"
)

func applicationPage(c Context) Page {
	redirect := c.Answers.RedirectURI
	if redirect == "" {
		redirect = flow.DefaultRedirectURI
	}
	secret := Field{Name: fieldSecret, Label: "Client secret", Flag: "--client-secret-file", Kind: FieldSecret, Answer: c.Answers.ClientSecret.Reveal(),
		Placeholder: "paste it here", Hint: says(keptWhere(c.Store)),
		Check: func(s string) *flow.Problem { return flow.CheckClientSecret(cronofy.NewSecret(s)) }}
	if secretMayBeStored(c.State) {
		secret.Optional, secret.Placeholder = true, "leave empty to use the stored one"
	}
	return Page{
		Title: "Your Cronofy application",
		Lead:  "Its client id and secret are in Cronofy's developer dashboard.",
		Fields: []Field{
			{Name: fieldClientID, Label: "Client id", Flag: "--client-id", Answer: c.Answers.ClientID, Check: flow.CheckClientID},
			secret,
			{Name: fieldRedirect, Label: "Redirect URI", Called: "redirect URI", Flag: "--redirect-uri", Answer: redirect, Check: flow.CheckRedirectURI,
				Hint: func(uri string) string { return redirectHint(uri, c.State) }},
		},
		Submit: func(v Values) flow.Event {
			return flow.ApplicationEntered{ClientID: v[fieldClientID], ClientSecret: v.Secret(fieldSecret), RedirectURI: v[fieldRedirect]}
		},
		Actions: []Action{askToPermit},
		Problem: c.problem(), At: applicationFault(c.State), Warning: c.Notice,
		Busy: c.working("Asking Cronofy about this application"),
		Explain: []string{
			"confer works in the name of your application at Cronofy. Open Cronofy's developer dashboard, choose the application, and copy the client id and the client secret from there.",
			"The redirect URI is where the administrator's browser comes back to with Cronofy's answer. confer listens there by itself if it is an address of this machine. An application in development mode may use any; one in production only those that Cronofy has permitted.",
		},
	}
}

// askToPermit opens the text that asks Cronofy to permit a redirect URI.
var askToPermit = Action{Key: "t", Words: "ask Cronofy to permit this redirect URI", Act: Act{Open: pagePermit}, Aside: true}

// secretMayBeStored: an earlier run left its client id, so its secret may be in
// the store too, unless that was just found not to be so.
func secretMayBeStored(s flow.State) bool {
	if s.Problem != nil && errors.Is(s.Problem.Err, flow.ErrNoSecret) {
		return false
	}
	kept := s.Store.Kind == keystore.Keyring || s.Store.Kind == keystore.File
	return kept && s.Answers.ClientID != "" && s.Answers.ClientSecret.Empty()
}

func keptWhere(s flow.Store) string {
	switch s.Kind {
	case keystore.Session:
		return "It stays in memory, for this run only."
	case keystore.File:
		return "It will be kept in the encrypted file."
	case keystore.None:
		return "The sandbox's own. Nothing is stored on this machine."
	case keystore.Keyring:
	}
	return "It will be kept in the system keyring. If there is none, confer asks first."
}

func redirectHint(uri string, s flow.State) string {
	if !flow.LoopbackRedirect(uri) && s.Answers.Listen == "" {
		return "The server there must do nothing with the code: a static page or a 404 is right. You will paste the final address."
	}
	return "For an application in production, it must be one of its permitted redirect URIs at Cronofy."
}

// applicationFault is the field that the problem is about.
func applicationFault(s flow.State) string {
	switch p := s.Problem; {
	case p == nil:
	case flow.CheckClientID(s.Answers.ClientID) != nil:
		return fieldClientID
	case flow.CheckRedirectURI(s.Answers.RedirectURI) != nil:
		return fieldRedirect
	case p.Code == flow.CodeUnauthorized, p.Code == "invalid_client", p.Code == flow.CodeUsage:
		return fieldSecret
	}
	return ""
}
