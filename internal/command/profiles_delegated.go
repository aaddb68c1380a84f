package command

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"iter"
	"net"
	"slices"
	"strings"

	"confer/cronofy"
	"confer/flow"
	"confer/internal/delegated"
	"confer/internal/links"
	"confer/internal/profiles"
	"confer/keystore"
)

// delegatedSource gets access to the accounts of a list of addresses.
func (r *profilesRun) delegatedSource(o *profiles.Options) (iter.Seq2[profiles.Account, error], error) {
	token, err := r.serviceToken()
	if err != nil {
		return nil, err
	}
	list, err := r.addresses(token)
	if err != nil {
		return nil, err
	}
	if len(list.All) == 0 { // all of them are in the file of --out
		return profiles.Accounts(nil), nil
	}
	// A wrong client id or secret could exchange nothing of what calendars give.
	if err := r.client.CheckApplication(r.ctx); cronofy.ClientRefused(err) {
		return nil, err
	}
	scopeGuessed := false
	if r.f.scope == "" { // what the service account may delegate
		if r.f.scope, scopeGuessed, err = delegated.Scope(r.ctx, r.client, token); err != nil {
			return nil, err
		}
	}
	listener, err := new(net.ListenConfig).Listen(r.ctx, "tcp", r.f.listen)
	if err != nil {
		return nil, usage("--listen: "+cronofy.CleanText(err.Error(), 160), "name a free host:port of this machine")
	}
	r.later(func() { _ = listener.Close() })
	if err := r.confirm(list, scopeGuessed); err != nil {
		return nil, err
	}
	fmt.Fprintf(r.s.err, "confer: listening on %s for what is sent to %s; each answer is waited for up to %s\n",
		listener.Addr(), cronofy.CleanText(r.f.callbackURL, 200), r.f.timeout)
	cfg := delegated.Config{
		Client: r.client, ServiceToken: token, ClientSecret: r.app.ClientSecret, AcceptUnsigned: r.f.takeUnsigned,
		CallbackURL: r.callback, Listener: listener, Scope: r.f.scope, Timeout: r.f.timeout, Report: r.tellRefused,
	}
	if r.tokens != nil { // only where the operator named a file for them
		cfg.Save = func(email string, t cronofy.Token) error {
			return r.tokens.Append(profiles.Account{Email: email, Sub: t.Sub, AccessToken: t.AccessToken, RefreshToken: t.RefreshToken}, cronofy.Secret{})
		}
	}
	places, emails := make(map[string]int, len(list.All)), make([]string, len(list.All))
	for i, a := range list.All {
		places[a.Email], emails[i] = i, a.Email
	}
	r.receiver = delegated.Open(r.ctx, cfg, emails)
	r.later(r.receiver.Close)
	r.progress.watch(r.receiver.Progress)
	o.Renew = func(ctx context.Context, a profiles.Account, refused cronofy.Secret) (cronofy.Secret, error) {
		if !refused.Empty() {
			return cronofy.Secret{}, nil // it is new: a refusal stands
		}
		t, err := r.receiver.Access(ctx, places[a.Email])
		return t.AccessToken, err
	}
	return profiles.Accounts(list.All), nil
}

// addresses leaves out those that were read before.
func (r *profilesRun) addresses(token *delegated.ServiceToken) (profiles.Addresses, error) {
	var list profiles.Addresses
	if r.f.emails != "" {
		in, err := openInput(r.ctx, r.f.emails, r.s.in)
		if err == nil {
			list, err = profiles.ReadEmails(in)
			in.Close()
		}
		if err != nil {
			return list, usage("--emails: "+cronofy.FileReason(err), "it takes a file with one e-mail address a line, or CSV with a column email")
		}
	}
	if r.f.resources {
		rooms, err := delegated.Rooms(r.ctx, r.client, token)
		if list.All = profiles.AddRooms(list.All, rooms); err != nil {
			return list, err
		}
		if len(list.All) == 0 {
			return list, usage("--resources: the service account sees no rooms", "name people with --emails FILE")
		}
	}
	if r.done != nil {
		list.All = slices.DeleteFunc(list.All, r.done.Has)
	}
	return list, nil
}

// confirm says what is about to happen, and asks. scopeGuessed: nobody said what
// the service account may delegate.
func (r *profilesRun) confirm(list profiles.Addresses, scopeGuessed bool) error {
	r.tellAddresses(list)
	whose := ""
	if scopeGuessed {
		whose = " (Cronofy does not say what this service account may delegate; --scope names another)"
	}
	fmt.Fprintf(r.s.err, "confer: this authorizes %s in the application %s, with the scope %q%s; Cronofy may bill for each\n",
		plural(len(list.All), "calendar"), cronofy.CleanText(r.app.ClientID, 100), cronofy.CleanText(r.f.scope, 200), whose)
	switch {
	case r.f.yes && scopeGuessed:
		return usage("missing: --scope", "with --yes nobody checks the scope above, and a narrower one could take rights away from the application: name the scope")
	case r.f.yes:
		return nil
	}
	_, terminal := asTerminal(r.s.in)
	if r.f.noInput || !terminal || r.f.emails == "-" {
		return usage("missing: --yes", "nobody can be asked here: add --yes if that is what you want")
	}
	answer, err := askLine(r.ctx, r.s, "Go on? [y/N] ")
	if err != nil && !errors.Is(err, io.EOF) {
		return err
	}
	if a := strings.ToLower(answer); a != "y" && a != "yes" {
		fmt.Fprintln(r.s.err, "Nothing was authorized.")
		return exitWith(flow.ExitCancelled)
	}
	return nil
}

// tellAddresses shows who it is: all of a few, the ends of many.
func (r *profilesRun) tellAddresses(list profiles.Addresses) {
	const all, first = 20, 5
	if list.Column != "" {
		fmt.Fprintf(r.s.err, "confer: the addresses are those of the column %q\n", list.Column)
	}
	if list.Without > 0 {
		fmt.Fprintf(r.s.err, "confer: note: %s without an address there: left out\n", plural(list.Without, "line"))
	}
	n := len(list.All)
	for i, a := range list.All {
		switch {
		case n <= all || i < first || i == n-1:
			fmt.Fprintf(r.s.err, "  %s\n", a.Email)
		case i == first:
			fmt.Fprintf(r.s.err, "  … %d more …\n", n-first-1)
		}
	}
}

func plural(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}

// serviceToken finds the service account's token: in the file that was named,
// else where the wizard stored it.
func (r *profilesRun) serviceToken() (*delegated.ServiceToken, error) {
	if r.f.serviceToken != "" {
		secret, err := readSecret(r.ctx, r.f.serviceToken, r.s, "Access token of the service account: ")
		if err != nil {
			return nil, inputError("service-account-token-file", err, "name a file that holds an access token of the service account alone, or - for standard input")
		}
		return delegated.NewServiceToken(secret, nil), nil
	}
	m, link, err := r.stored()
	if err != nil {
		return nil, err
	}
	renew := func(ctx context.Context) (cronofy.Secret, error) {
		t, _, err := m.Check(ctx, link)
		return t.AccessToken, err
	}
	token, err := renew(r.ctx)
	if err != nil {
		return nil, explainService(err)
	}
	return delegated.NewServiceToken(token, renew), nil
}

// stored gives what works on stored secrets, and the service account as a link of its own.
func (r *profilesRun) stored() (*links.Manager, links.Link, error) {
	if r.manager != nil {
		return r.manager, r.account, nil
	}
	list, err := listPath()
	if err != nil {
		return nil, links.Link{}, err
	}
	ask := func() (cronofy.Secret, error) { return askPassphrase(r.ctx, &r.f.settings, r.s, r.passphrase) }
	r.manager = managerOf(list, &r.app, r.clients, r.progress.wait, ask)
	l := flow.NewLink(flow.Answers{Site: r.site, ClientID: r.app.ClientID, ServiceAccount: r.f.serviceAccount, Provider: links.AccountToken}).Link
	l.Store, l.RefreshToken = keystore.Kind(r.f.secretStore), true
	for _, a := range saved().All() {
		if a.Same(l) {
			l.Store = cmp.Or(l.Store, a.Store)
		}
	}
	l.Store = cmp.Or(l.Store, keystore.Keyring)
	r.account = l
	return r.manager, l, nil
}

func (r *profilesRun) tellRefused(why delegated.Refusal) {
	words := "confer: note: an answer came " + string(why) + ", so it was refused"
	if why == delegated.Unsigned {
		words += "; --accept-unsigned-webhooks takes such answers"
	}
	r.progress.say(words)
}

// tellAsked says what a run that has ended early may have done.
func (r *profilesRun) tellAsked() {
	if r.receiver == nil {
		return
	}
	r.receiver.Close() // what is on its way to Cronofy counts when that has ended
	if n := r.receiver.Progress().Asked; n > 0 {
		r.progress.say(fmt.Sprintf("confer: note: access to %s was asked for before that, and may have been given", plural(n, "calendar")))
	}
}

// codeNoAnswer is of a calendar for which nothing came to the callback URL that
// could be taken.
const codeNoAnswer = "no_answer"

// explainRenewal is for a token that could not be had: by a refresh, or for a
// calendar that access was asked for.
func explainRenewal(err error) (code, message string) {
	denied, isDenied := errors.AsType[*delegated.DeniedError](err)
	none, isNone := errors.AsType[*delegated.NoAnswerError](err)
	call, isCall := errors.AsType[*delegated.CallError](err)
	switch {
	case isDenied:
		message = "Cronofy got no access to this calendar"
		if denied.Description != "" {
			message += ": " + strings.TrimSuffix(denied.Description, ".")
		}
		return cmp.Or(denied.Code, "access_denied"), message + "."
	case isNone:
		if none.Refused == delegated.NotRefused {
			return codeNoAnswer, "No answer came to the callback URL in time: what is sent there must arrive at confer."
		}
		return codeNoAnswer, "An answer came " + string(none.Refused) + ", so it was refused."
	case isCall && !call.Exchange && !call.Every && cronofy.StatusOf(err) == 422:
		return flow.CodeUnprocessable, "Cronofy does not accept this e-mail address."
	case isCall && !call.Exchange:
		p := requestProblem(call)
		if cronofy.AnswerLost(err) {
			p.Summary += " Whether access was asked for is not known."
		}
		return p.Code, p.Summary
	case cronofy.StatusOf(err) == 401: // of the token endpoint, which asks for client id and secret
		return cmp.Or(cronofy.CodeOf(err), flow.CodeUnauthorized), "Cronofy does not accept this client id and secret."
	case errors.Is(err, profiles.ErrTokensLost):
		return flow.CodeSecretStore, "The new tokens could not be written to the file of --tokens-out; " + ownersAgain + "."
	}
	code, message = flow.ExplainAccount(err)
	if code == "invalid_grant" {
		return code, "Cronofy did not accept the refresh token or code: it was used before, replaced or revoked, or is too old."
	}
	if status, noToken := tokenStatus(err); noToken {
		message = fmt.Sprintf("Cronofy gave no token for this account (status %d).", status)
	}
	if cronofy.AnswerLost(err) {
		message += " Whether the refresh token or code was used up is not known."
	}
	return code, message
}

// requestProblem is for a request for access.
func requestProblem(err error) flow.Problem {
	p := flow.Explain(err, flow.StepProfiles)
	switch cronofy.StatusOf(err) {
	case 401:
		p.Summary = "Cronofy does not accept the token of this service account."
		p.Hint = "Authorize the service account again, or give another token with --service-account-token-file."
	case 402, 403, 404:
		p.Summary = "This service account may not give access to accounts."
		p.Hint = "It needs the scope service_account/accounts/manage (for the rooms, service_account/resources/manage too), and the application " +
			"a plan with Enterprise Connect: ask Cronofy's support, naming the client id."
	case 422:
		p.Summary, p.Hint = "Cronofy does not accept the request", "Check --scope (within what the service account may delegate) and --callback-url."
		if api, isAPI := errors.AsType[*cronofy.Error](err); isAPI && len(api.FieldNames()) > 0 {
			p.Summary += ": " + strings.Join(api.FieldNames(), ", ")
		}
		p.Summary += "."
	}
	return p
}

// serviceAgain is for a service account whose token is of no use.
const serviceAgain = "authorize the service account in confer's wizard (Service account: authorize one now), or give its token with --service-account-token-file"

// explainService is for a stored service account token that could not be had.
func explainService(err error) error {
	_, lost := errors.AsType[*links.NotStoredError](err)
	p := explainLink(err)
	switch {
	case errors.Is(err, links.ErrMissing), errors.Is(err, links.ErrGone), errors.Is(err, links.ErrNoToken),
		errors.Is(err, fs.ErrNotExist): // not even confer's own folder
		return usage("there is no stored token of this service account", serviceAgain)
	case lost, cronofy.CodeOf(err) == "invalid_grant":
		p.Hint = sentence(serviceAgain)
	}
	return ended(p)
}
