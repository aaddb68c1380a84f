package command

import (
	"cmp"
	"context"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"confer/cronofy"
	"confer/flow"
)

// settings are the flags that a set-up and the other commands share. What they
// leave open comes from the environment.
type settings struct {
	dataCenter, clientID, secretFile string
	serviceAccount, provider, label  string
	redirectURI, listen              string
	timeout                          time.Duration
	browser                          string
	noInput, json, plain, dryRun     bool
	secretStore                      string
	passphraseFD                     string // empty: not given
	sandbox                          bool
	apiURL, appURL                   string
	accounts, tokensOut              string
	asks                             bool // questions on standard input
	caFile, debug, color             string

	log *slog.Logger // nil without --debug
}

func newSettings() *settings {
	return &settings{timeout: flow.DefaultTimeout, color: "auto"}
}

func (f *settings) setupFlags(cmd *cobra.Command) {
	add(cmd, f.options(map[string]string{"json": "events as JSON lines on standard output; needs --no-input"})...)
}

// fill takes from the environment what no flag gave.
func (f *settings) fill(e environment) {
	for _, o := range f.shared() {
		if dst, ok := o.dst.(*string); ok && *dst == "" && o.env != "" {
			*dst = e.get(o.env)
		}
	}
	if f.dataCenter == "" {
		f.dataCenter = e.get("CRONOFY_DATA_CENTRE") // the other spelling, which Cronofy's own SDKs know
	}
}

// known is what a run knows before its first page, with what has to be read for it.
func (f *settings) known(ctx context.Context, e environment, s streams) (flow.Initial, error) {
	a, err := f.answers()
	if err != nil {
		return flow.Initial{}, err
	}
	if a.Provider != "" && !a.Provider.Known() {
		fmt.Fprintf(s.err, "confer: note: %q is not a provider that confer knows; it is sent to Cronofy as it is\n", a.Provider)
	}
	if a.ClientSecret, err = f.secret(ctx, e, s); err != nil {
		return flow.Initial{}, err
	}
	if p := flow.CheckClientSecret(a.ClientSecret); p != nil {
		from := "CRONOFY_CLIENT_SECRET"
		if f.secretFile != "" {
			from = "--client-secret-file"
		}
		return flow.Initial{}, usageAt(flow.StepApplication, from+": "+strings.TrimSuffix(p.Summary, "."), "it must hold the client secret alone")
	}
	store, err := f.store(ctx, s)
	return flow.Initial{Answers: a, Store: store}, err
}

// answers are those that flags and environment give, but for secrets. Nothing is read or
// opened for them.
func (f *settings) answers() (a flow.Answers, err error) {
	a = flow.Answers{ClientID: strings.TrimSpace(f.clientID), Label: cronofy.CleanText(f.label, 80), Listen: f.listen,
		ServiceAccount: strings.TrimSpace(f.serviceAccount), RedirectURI: cmp.Or(f.redirectURI, flow.DefaultRedirectURI), RedirectSet: f.redirectURI != ""}
	if a.Site, err = f.site(); err != nil {
		return a, err
	}
	if f.provider != "" {
		p, ok := cronofy.FindProvider(f.provider)
		var short []string
		for _, name := range providerNames() {
			short = append(short, strings.TrimSuffix(name, "_enterprise"))
		}
		near := guessWithin(1, f.provider, append(short, providerNames()...)) // then that was meant, and is no new name
		if !ok || !p.Known() && near != "" {
			return a, usageAt(flow.StepProvider, fmt.Sprintf("there is no provider %q", cronofy.CleanText(f.provider, 40)),
				near+"--provider takes "+strings.Join(short, ", ")+", or another provider's name as Cronofy spells it")
		}
		a.Provider = p
	}
	if f.accounts != "" {
		a.Accounts = flow.Accounts{Path: f.accounts}
	}
	for _, given := range []struct {
		flag, value string
		check       func(string) *flow.Problem
	}{
		{"client-id", a.ClientID, flow.CheckClientID}, {"service-account", a.ServiceAccount, flow.CheckServiceAccountID}, {"redirect-uri", a.RedirectURI, flow.CheckRedirectURI},
	} {
		if p := given.check(given.value); given.value != "" && p != nil {
			return a, wrong(given.flag, ": "+strings.TrimSuffix(p.Summary, "."), p.Hint)
		}
	}
	switch {
	case f.listen != "" && flow.CheckListen(f.listen) != nil:
		return a, wrong("listen", " takes host:port", "for example --listen 127.0.0.1:8080")
	case f.timeout <= 0:
		return a, wrong("timeout", " must be longer than 0s", "for example --timeout 5m")
	case f.secretStore != "" && !f.sandbox && !slices.Contains(storeNames(), f.secretStore):
		return a, unknownValue("secret-store", "secret store", f.secretStore, storeNames())
	}
	return a, nil
}

func (f *settings) site() (cronofy.Site, error) {
	dc, ok := cronofy.FindDataCenter(f.dataCenter)
	switch {
	case f.dataCenter == "" && f.apiURL != "" && f.appURL != "": // with one alone, the other would be some data center's
		dc = cronofy.DataCenters()[0]
	case f.dataCenter == "":
		return cronofy.Site{}, nil
	case !ok:
		return cronofy.Site{}, unknownValue("data-center", "data center", f.dataCenter, dataCenterIDs())
	}
	return f.override(dc.Site())
}

func (f *settings) override(site cronofy.Site) (cronofy.Site, error) {
	site, err := site.Override(f.apiURL, f.appURL)
	if err != nil {
		return site, usage(err.Error(), "--api-url and --app-url take base URLs, like https://api.example.com")
	}
	return site, nil
}

func (f *settings) secret(ctx context.Context, e environment, s streams) (cronofy.Secret, error) {
	if f.secretFile == "" {
		return e.clientSecret, nil
	}
	secret, err := readSecret(ctx, f.secretFile, s, "Client secret: ")
	if err != nil {
		return secret, inputError("client-secret-file", err, "name a file that holds the client secret alone, or - for standard input")
	}
	return secret, nil
}

// environment is what the program takes from its environment. A secret is removed from it
// as it is read, so that no child inherits it.
type environment struct {
	get          func(string) string
	clientSecret cronofy.Secret
	names        cronofy.Names
}

func readEnvironment(lookup func(string) (string, bool), unset func(string) error) environment {
	get := func(name string) string { v, _ := lookup(name); return v }
	// Trimmed as a file's content is: a shell's variable may end in a line break.
	secret := cronofy.NewSecret(strings.TrimSpace(get("CRONOFY_CLIENT_SECRET")))
	_ = unset("CRONOFY_CLIENT_SECRET")
	n := cronofy.DefaultNames()
	n.OUAuthorizePath = cmp.Or(get("CONFER_OU_AUTHORIZE_PATH"), n.OUAuthorizePath)
	n.OULinkTokenParam = cmp.Or(get("CONFER_OU_LINK_TOKEN_PARAM"), n.OULinkTokenParam)
	n.OULinkTokenField = cmp.Or(get("CONFER_OU_LINK_TOKEN_FIELD"), n.OULinkTokenField)
	return environment{get, secret, n}
}

// forSandbox leaves out what would lead to the real Cronofy.
func (e environment) forSandbox() environment {
	get := func(name string) string {
		if strings.HasPrefix(name, "CRONOFY_") || name == "CONFER_SERVICE_ACCOUNT" || name == "CONFER_SECRET_STORE" {
			return ""
		}
		return e.get(name)
	}
	return environment{get, cronofy.Secret{}, cronofy.DefaultNames()}
}
