package command

import (
	"time"

	"confer/cronofy"
	"confer/flow"
	"confer/internal/manage"
)

// The lines of status --json: "link" for each link, "service_account" for each
// service account that was authorized here, "unfinished" for a set-up that was
// begun, "left_over" for each secret that nothing of these needs, "set_aside" for
// a list that could not be read.
type linkLine struct {
	eventHead
	ID                 string             `json:"id"`
	DataCenter         string             `json:"data_center"` // the host, when it is overridden
	ClientID           string             `json:"client_id"`
	ServiceAccountID   string             `json:"service_account_id"`
	Provider           string             `json:"provider"`
	OrganizationalUnit organizationalUnit `json:"organizational_unit"`
	Scope              string             `json:"scope,omitempty"`
	Label              string             `json:"label,omitempty"`
	Linked             string             `json:"linked"` // RFC 3339, UTC
	Unconfirmed        bool               `json:"unconfirmed"`
	SecretStore        string             `json:"secret_store"`
	ClientSecret       secretLine         `json:"client_secret"`
	RefreshToken       secretLine         `json:"refresh_token"`
	Check              *checkLine         `json:"check,omitempty"`
	Problem            bool               `json:"problem"`
}

// secretLine tells where a secret is; the secret itself is nowhere in it.
type secretLine struct {
	State   manage.SecretState `json:"state"`
	Code    string             `json:"code,omitempty"`
	Message string             `json:"message,omitempty"`
}

type checkLine struct {
	State   string `json:"state"`
	Rotated bool   `json:"rotated"`
	Code    string `json:"code,omitempty"`
	Message string `json:"message,omitempty"`
	Hint    string `json:"hint,omitempty"`
}

type accountLine struct {
	eventHead
	ServiceAccountID string     `json:"service_account_id"`
	DataCenter       string     `json:"data_center"` // the host, when it is overridden
	ClientID         string     `json:"client_id"`
	Label            string     `json:"label,omitempty"`
	SecretStore      string     `json:"secret_store"`
	RefreshToken     secretLine `json:"refresh_token"`
	Problem          bool       `json:"problem"`
}

type unfinishedLine struct {
	eventHead
	ServiceAccountID string      `json:"service_account_id,omitempty"`
	Label            string      `json:"label,omitempty"`
	SecretStore      string      `json:"secret_store,omitempty"` // where the client secret is kept; absent: nowhere
	ClientSecret     *secretLine `json:"client_secret,omitempty"`
	Problem          bool        `json:"problem"`
}

type leftoverLine struct {
	eventHead
	Kind             string     `json:"kind"`        // "client_secret" or "refresh_token"
	DataCenter       string     `json:"data_center"` // the host, when it is no data center's
	ClientID         string     `json:"client_id"`
	ServiceAccountID string     `json:"service_account_id,omitempty"`
	Provider         string     `json:"provider,omitempty"` // "service_account": it is the account's own
	SecretStore      string     `json:"secret_store"`
	Secret           secretLine `json:"secret"`
	Command          string     `json:"command"` // deletes it
	Problem          bool       `json:"problem"`
}

type setAsideLine struct {
	eventHead
	Path    string `json:"path"`
	Message string `json:"message"`
	Hint    string `json:"hint"`
	Problem bool   `json:"problem"`
}

func (r statusReport) json(ev *events) {
	o := r.overview
	if o.SetAside != "" {
		p := setAsideWords(&setAsideError{o.SetAside, o.Newer})
		ev.write(setAsideLine{ev.head("set_aside"), o.SetAside, p.Summary, p.Hint, true})
	}
	for i, l := range o.Links {
		ev.write(r.linkLine(ev, l, r.checks[i]))
	}
	for _, a := range o.Accounts {
		place := clip(a.Account.DataCenter)
		if _, own := ownHost(a.Account); !own {
			place = clip(a.Account.APIHost)
		}
		ev.write(accountLine{ev.head("service_account"), clip(a.Account.ID), place, clip(a.Account.ClientID),
			clip(a.Account.Label), clip(a.Account.Store), newSecretLine(a.RefreshToken), a.RefreshToken.Problem()})
	}
	if d := o.Draft; d != nil {
		out := unfinishedLine{eventHead: ev.head("unfinished"), ServiceAccountID: clip(d.ServiceAccount), Label: clip(d.Label)}
		if o.DraftSecret.State != "" {
			secret := newSecretLine(o.DraftSecret)
			out.SecretStore, out.ClientSecret, out.Problem = clip(d.Store), &secret, o.DraftSecret.Problem()
		}
		ev.write(out)
	}
	for _, l := range o.Leftover {
		ev.write(newLeftoverLine(ev, l))
	}
}

func newLeftoverLine(ev *events, l manage.LeftoverStatus) leftoverLine {
	s := l.Stored
	out := leftoverLine{ev.head("left_over"), "refresh_token", clip(s.APIHost), clip(s.ClientID), clip(s.ServiceAccount), clip(s.Provider),
		clip(s.Store), newSecretLine(l.Secret), leftoverCommand, l.Secret.Problem()}
	if dc, ok := dataCenterOf(s.APIHost); ok {
		out.DataCenter = dc.ID
	}
	if s.IsClientSecret() {
		out.Kind = "client_secret"
	}
	return out
}

func (r statusReport) linkLine(ev *events, l manage.LinkStatus, c checked) linkLine {
	k := l.Link
	out := linkLine{
		eventHead: ev.head("link"), ID: k.ID(), DataCenter: clip(k.DataCenter), ClientID: clip(k.ClientID),
		ServiceAccountID: clip(k.ServiceAccount), Provider: clip(k.Provider), OrganizationalUnit: organizationalUnit{clip(k.OrganizationalUnit)},
		Scope: cronofy.CleanText(k.Scope, 200), Label: clip(k.Label), Linked: k.Linked.UTC().Format(time.RFC3339), Unconfirmed: k.Unconfirmed,
		SecretStore: clip(k.Store), ClientSecret: newSecretLine(l.ClientSecret), RefreshToken: newSecretLine(l.RefreshToken),
		Problem: r.linkProblem(l, c),
	}
	if site, err := manage.Site(k); err == nil {
		out.DataCenter = place(site)
	}
	if c.State != "" {
		out.Check = &checkLine{c.State, c.Rotated, c.Problem.Code, c.Problem.Summary, c.Problem.Hint}
	}
	return out
}

func newSecretLine(s manage.Secret) secretLine {
	line := secretLine{State: s.State}
	if s.Problem() && s.Err != nil {
		p := explainLink(s.Err)
		line.Code, line.Message = p.Code, p.Summary
	} else if s.Problem() {
		line.Code, line.Message = flow.CodeSecretStore, "The secret is not in the store any more."
	}
	return line
}
