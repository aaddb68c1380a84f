package command

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
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
	accounts                         string
	stdinFor, stdinFree              string // what asks on standard input, and what makes it not; empty: nothing does
	caFile, debug, color             string

	log *slog.Logger // nil without --debug
}

func (f *settings) setupFlags(cmd *cobra.Command) {
	fs := cmd.Flags()
	fs.StringVar(&f.dataCenter, "data-center", "", "us, au, ca, de, sg or uk (CRONOFY_DATA_CENTER)")
	fs.StringVar(&f.clientID, "client-id", "", "client id of the application (CRONOFY_CLIENT_ID)")
	fs.StringVar(&f.secretFile, "client-secret-file", "", "file that holds the client secret, - for standard input (or CRONOFY_CLIENT_SECRET)")
	fs.StringVar(&f.serviceAccount, "service-account", "", "id of the calendar service account, ser_... (CONFER_SERVICE_ACCOUNT)")
	fs.StringVar(&f.provider, "provider", "", "zoom_enterprise, webex_enterprise, indeed or any (CONFER_PROVIDER)")
	fs.StringVar(&f.label, "label", "", "your own name for this link")
	fs.StringVar(&f.redirectURI, "redirect-uri", "", "redirect URI as registered at Cronofy (CONFER_REDIRECT_URI; default "+flow.DefaultRedirectURI+")")
	fs.StringVar(&f.listen, "listen", "", "host:port to listen on for the callback: where a tunnel, proxy or published port delivers it, with Host unchanged")
	fs.DurationVar(&f.timeout, "timeout", flow.DefaultTimeout, "how long to wait for the administrator")
	fs.StringVar(&f.browser, "browser", "", "system (default), none, or a command to open the link with (BROWSER); the wizard remembers it; with --sandbox also approve and deny")
	fs.BoolVar(&f.noInput, "no-input", false, "never ask: a missing answer is an error that names its flag")
	fs.BoolVar(&f.dryRun, "dry-run", false, "show what would be sent and kept, with secrets masked, and send nothing")
	fs.BoolVar(&f.plain, "plain", false, "line by line and append-only, for screen readers and logs (ACCESSIBLE, TERM=dumb)")
	fs.BoolVar(&f.json, "json", false, "events as JSON lines on standard output; needs --no-input")
	fs.BoolVar(&f.sandbox, "sandbox", false, "against the embedded sandbox: no credentials, nothing stored")
	fs.StringVar(&f.accounts, "accounts", "", "file with accounts' tokens, for the proof at the end")
	fs.StringVar(&f.color, "color", "auto", "auto, always or never (NO_COLOR)")
	f.storeFlags(cmd)
	f.networkFlags(cmd)
}

func (f *settings) networkFlags(cmd *cobra.Command) {
	fs := cmd.Flags()
	fs.StringVar(&f.apiURL, "api-url", "", "base URL in place of the data center's API host (CRONOFY_API_URL)")
	fs.StringVar(&f.appURL, "app-url", "", "base URL in place of the data center's app host (CRONOFY_APP_URL)")
	fs.StringVar(&f.debug, "debug", "", "file to note down what happens, safe to post")
	fs.StringVar(&f.caFile, "ca-file", "", "PEM file with certificate authorities to trust beside the system's")
}

// fill takes from the environment what no flag gave.
func (f *settings) fill(e environment) {
	for _, v := range []struct {
		dst *string
		env string
	}{
		{&f.dataCenter, e.dataCenter}, {&f.clientID, e.clientID}, {&f.serviceAccount, e.serviceAccount},
		{&f.provider, e.provider}, {&f.redirectURI, e.redirectURI}, {&f.apiURL, e.apiURL}, {&f.appURL, e.appURL},
		{&f.secretStore, e.secretStore},
	} {
		if *v.dst == "" {
			*v.dst = v.env
		}
	}
}

// found turns settings into what is known before the first page. What is wrong
// with a value is a usageError that names its flag.
func (f *settings) found(ctx context.Context, e environment, s streams) (flow.Found, error) {
	var a flow.Answers
	site, err := f.site()
	if err != nil {
		return flow.Found{}, err
	}
	a.Site, a.ClientID, a.Label, a.Listen = site, strings.TrimSpace(f.clientID), cronofy.CleanText(f.label, 80), f.listen
	a.ServiceAccount = strings.TrimSpace(f.serviceAccount)
	if a.ClientSecret, err = f.secret(ctx, e, s); err != nil {
		return flow.Found{}, err
	}
	if a.RedirectURI = f.redirectURI; a.RedirectURI == "" {
		a.RedirectURI = flow.DefaultRedirectURI
	}
	a.RedirectSet = f.redirectURI != ""
	if f.provider != "" {
		p, ok := cronofy.FindProvider(f.provider)
		if !ok {
			return flow.Found{}, &usageError{summary: fmt.Sprintf("there is no provider %q", cronofy.CleanText(f.provider, 40)), hint: "--provider takes zoom_enterprise, webex_enterprise, indeed or any", step: flow.StepProvider}
		}
		a.Provider = p
	}
	if f.accounts != "" {
		a.Accounts = flow.Accounts{Kind: flow.AccountsFile, Path: f.accounts}
	}
	if err := f.check(a); err != nil {
		return flow.Found{}, err
	}
	store, err := f.store(ctx, s)
	return flow.Found{Answers: a, Store: store}, err
}

// check refuses values that no page would accept.
func (f *settings) check(a flow.Answers) error {
	for _, c := range []struct {
		flag  string
		given bool
		step  flow.Step
		p     func() *flow.Problem
	}{
		{"--client-id", a.ClientID != "", flow.StepApplication, func() *flow.Problem { return flow.CheckClientID(a.ClientID) }},
		{"--service-account", a.ServiceAccount != "", flow.StepServiceAccount, func() *flow.Problem { return flow.CheckServiceAccountID(a.ServiceAccount) }},
		{"--redirect-uri", true, flow.StepApplication, func() *flow.Problem { return flow.CheckRedirectURI(a.RedirectURI) }},
	} {
		if c.given {
			if p := c.p(); p != nil {
				return &usageError{summary: c.flag + ": " + strings.TrimSuffix(p.Summary, "."), hint: p.Hint, step: c.step}
			}
		}
	}
	if p := flow.CheckClientSecret(a.ClientSecret); p != nil {
		from := "CRONOFY_CLIENT_SECRET"
		if f.secretFile != "" {
			from = "--client-secret-file"
		}
		return &usageError{summary: from + ": " + strings.TrimSuffix(p.Summary, "."), hint: onlySecret, step: flow.StepApplication}
	}
	if f.listen != "" {
		if p := flow.CheckListen(f.listen); p != nil {
			return &usageError{summary: "--listen takes host:port", hint: "for example --listen 127.0.0.1:8080", step: flow.StepAuthorize}
		}
	}
	if f.timeout <= 0 {
		return &usageError{summary: "--timeout must be longer than nothing", hint: "for example --timeout 5m", step: flow.StepAuthorize}
	}
	return nil
}

func (f *settings) site() (cronofy.Site, error) {
	var site cronofy.Site
	if f.dataCenter == "" {
		if f.apiURL != "" && f.appURL != "" { // with one alone, the other would be some data center's
			return f.override(cronofy.DataCenters()[0].Site())
		}
		return site, nil
	}
	dc, ok := cronofy.FindDataCenter(f.dataCenter)
	if !ok {
		return site, &usageError{summary: fmt.Sprintf("there is no data center %q", cronofy.CleanText(f.dataCenter, 40)), hint: "--data-center takes us, au, ca, de, sg or uk"}
	}
	return f.override(dc.Site())
}

// sites are all data centers, with the hosts that this run uses.
func (f *settings) sites() ([]cronofy.Site, error) {
	var all []cronofy.Site
	for _, d := range cronofy.DataCenters() {
		site, err := f.override(d.Site())
		if err != nil {
			return nil, err
		}
		all = append(all, site)
	}
	return all, nil
}

func (f *settings) override(site cronofy.Site) (cronofy.Site, error) {
	site, err := site.Override(f.apiURL, f.appURL)
	if err != nil {
		return site, &usageError{summary: err.Error(), hint: "--api-url and --app-url take base URLs, like https://api.example.com"}
	}
	return site, nil
}

// maxSecretFile is far above any secret.
const maxSecretFile = 64 << 10

const onlySecret = "it must hold the client secret alone"

func (f *settings) secret(ctx context.Context, e environment, s streams) (cronofy.Secret, error) {
	if f.secretFile == "" {
		return e.clientSecret, nil
	}
	text, err := readHidden(ctx, f.secretFile, s, "Client secret: ")
	if err != nil {
		return cronofy.Secret{}, inputError("--client-secret-file", err, "name a file that holds the client secret alone, or - for standard input", flow.StepApplication)
	}
	if text = strings.TrimSpace(text); text == "" {
		return cronofy.Secret{}, &usageError{summary: "--client-secret-file: there is nothing in it", hint: onlySecret, step: flow.StepApplication}
	}
	return cronofy.NewSecret(text), nil
}

// reason is an error of the file system without the path, which the operator
// typed and knows.
func reason(err error) string {
	var p *os.PathError
	if errors.As(err, &p) {
		err = p.Err
	}
	return cronofy.CleanText(err.Error(), 160)
}

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
