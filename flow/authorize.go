package flow

import (
	"context"
	"fmt"

	"confer/cronofy"
	"confer/internal/links"
)

// authorize makes the link between the calendars and the provider.
func (r *Runner) authorize(ctx context.Context, e Authorize, inbox <-chan Delivery, say func(Event)) Event {
	a, err := r.withSecret(ctx, e.Answers, e.Store)
	if err != nil {
		return Failed{Err: err}
	}
	client := r.client(a, say)
	known := r.known(ctx, client, a)
	made := func(ctx context.Context, l Link, s Store) Event {
		l.Store = s.Kind
		return Linked{Link: l, Known: known, Notice: r.record(ctx, l)}
	}
	t := &trip{r: r, at: StepAuthorize, answers: a, store: e.Store, inbox: inbox, say: say, done: "The calendars and " + a.Provider.Name() + " are linked"}
	if a.Provider == cronofy.AnyProvider {
		t.done = "The calendars and the conferencing account are linked"
	}
	t.link = func(ctx context.Context, state string) (string, error) {
		token, err := client.LinkToken(ctx, a.ServiceAccount)
		if err != nil {
			return "", err
		}
		return client.AuthorizeURL(cronofy.AuthorizeRequest{RedirectURI: a.RedirectURI, State: state, LinkToken: token, Provider: a.Provider}), nil
	}
	t.finish = func(ctx context.Context, code cronofy.Secret) (put, error) {
		token, err := client.Exchange(ctx, code, a.RedirectURI)
		if err != nil {
			return nil, err
		}
		say(Exchanged{})
		l := r.newLink(a)
		l.OrganizationalUnit, l.Scope = token.Sub, token.Scope
		l.RefreshToken = !token.RefreshToken.Empty()
		return r.putToken(a, refreshTokenOf(a), token.RefreshToken, func(ctx context.Context, s Store) Event { return made(ctx, l, s) }), nil
	}
	t.handed = func(ctx context.Context) Event {
		l := r.newLink(a)
		l.Unconfirmed = true
		return made(ctx, l, e.Store)
	}
	return t.run(ctx)
}

func (r *Runner) newLink(a Answers) Link {
	return Link{Site: a.Site, ClientID: a.ClientID, ServiceAccount: a.ServiceAccount, Provider: a.Provider,
		Label: a.Label, At: r.Now().UTC()}
}

// connect has a calendar service account authorized, and stores its refresh
// token. The operator's own application does not learn of it.
func (r *Runner) connect(ctx context.Context, e Connect, inbox <-chan Delivery, say func(Event)) Event {
	a, err := r.withSecret(ctx, e.Answers, e.Store)
	if err != nil {
		return Failed{Err: err}
	}
	a = connectAnswers(a)
	client := r.client(a, say)
	t := &trip{r: r, at: StepServiceAccount, answers: a, store: e.Store, inbox: inbox, say: say, done: "The calendars are authorized"}
	t.link = func(_ context.Context, state string) (string, error) {
		return client.EnterpriseConnectURL(cronofy.EnterpriseConnectRequest{RedirectURI: a.RedirectURI, State: state, Scope: e.Scope, DelegatedScope: e.DelegatedScope}), nil
	}
	t.finish = func(ctx context.Context, code cronofy.Secret) (put, error) {
		return r.connected(ctx, client, a, code, say)
	}
	return t.run(ctx)
}

func (r *Runner) connected(ctx context.Context, client *cronofy.Client, a Answers, code cronofy.Secret, say func(Event)) (put, error) {
	token, err := client.Exchange(ctx, code, a.RedirectURI)
	if err != nil {
		return nil, err
	}
	say(Exchanged{})
	if a.ServiceAccount = token.Sub; a.ServiceAccount == "" {
		info, err := client.UserInfo(ctx, token.AccessToken)
		if err != nil {
			return nil, err
		}
		a.ServiceAccount = info.Sub
	}
	if p := CheckServiceAccountID(a.ServiceAccount); p != nil {
		return nil, &cronofy.BadAnswerError{Op: "exchange code", Reason: "it names no service account"}
	}
	return r.putToken(a, serviceTokenOf(a), token.RefreshToken, func(ctx context.Context, s Store) Event {
		notice := "Authorized as " + a.ServiceAccount + ". Your own application does not learn of this account by itself: note the id."
		if err := r.recordAccount(ctx, a, s, token); err != nil {
			notice += " " + explainCopies(err)
		}
		return ServiceAccountAccepted{ID: a.ServiceAccount, Notice: notice}
	}), nil
}

// recordAccount notes an account that was authorized here, so that it can be
// chosen again. Without the note its id must be typed, which is said on screen.
func (r *Runner) recordAccount(ctx context.Context, a Answers, s Store, token cronofy.Token) error {
	if r.Links == nil {
		return nil
	}
	var old []links.Stored
	err := r.Links.Update(ctx, func(c *links.Contents) error {
		kept := links.ServiceAccount{DataCenter: a.Site.DataCenter.ID, APIHost: a.Site.APIHost(), ClientID: a.ClientID,
			ID: a.ServiceAccount, Label: a.Label, Scope: token.Scope, Store: string(s.Kind), Authorized: r.Now().UTC()}
		c.AddServiceAccount(kept)
		if !token.RefreshToken.Empty() {
			old = copiesOf(*c, links.StoredAccountToken(kept))
		}
		return nil
	})
	if err != nil {
		return nil
	}
	return r.sweep(ctx, old)
}

// overrides are a site's base URLs where they are not the data center's own.
func overrides(s cronofy.Site) (api, app string) {
	if !s.Chosen() || !s.Overridden() {
		return "", ""
	}
	return s.API, s.App
}

// listed is the link as the list keeps it.
func (l Link) listed() links.Link {
	kept := links.Link{DataCenter: l.Site.DataCenter.ID, APIHost: l.Site.APIHost(), ClientID: l.ClientID,
		ServiceAccount: l.ServiceAccount, Provider: string(l.Provider), Label: l.Label, OrganizationalUnit: l.OrganizationalUnit,
		Scope: l.Scope, Store: string(l.Store), Linked: l.At, RefreshToken: l.RefreshToken, Unconfirmed: l.Unconfirmed}
	kept.APIURL, kept.AppURL = overrides(l.Site)
	return kept
}

// ID names the link on the command line, as confer status does. It needs no
// quoting in any shell.
func (l Link) ID() string { return l.listed().ID() }

// record writes the link down. That it could not is a notice, not a failure:
// the link is made and its tokens are stored.
func (r *Runner) record(ctx context.Context, l Link) string {
	if r.Links == nil {
		return ""
	}
	kept := l.listed()
	aside := ""
	var old []links.Stored
	err := r.Links.Update(ctx, func(c *links.Contents) error {
		aside = c.SetAside
		c.AddLink(kept)
		if d := c.Draft; d != nil && !r.NoDraft && d.ClientID == l.ClientID && d.ServiceAccount == l.ServiceAccount {
			c.Draft = nil // another wizard's, of another customer, stays
		}
		if kept.RefreshToken {
			old = copiesOf(*c, links.StoredToken(kept))
		}
		return nil
	})
	if err != nil {
		return fmt.Sprintf("Linked, but the list of links could not be written: %s.", cronofy.CleanText(err.Error(), 160))
	}
	if aside != "" {
		return "Linked. The list of links was damaged or of a newer confer; it was kept as " + cronofy.CleanText(aside, 400) + "."
	}
	if err := r.sweep(ctx, old); err != nil {
		return "Linked. " + explainCopies(err)
	}
	return ""
}
