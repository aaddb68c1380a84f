package command

import (
	"context"
	"fmt"
	"strings"
	"sync"

	"github.com/spf13/cobra"

	"confer/cronofy"
	"confer/flow"
	"confer/internal/doctor"
	"confer/internal/opener"
)

func newDoctor(s streams, e environment) *cobra.Command {
	f := &settings{}
	cmd := &cobra.Command{
		Use:   "doctor",
		Short: "Check this machine, and tell what to register at Cronofy",
		Long: "Checks the keyring, the loopback ports of the redirect URI, the browser, the\n" +
			"terminal, confer's folder, and the way to Cronofy: proxy, DNS, TLS, clock. Says for\n" +
			"each what to do. Then prints the message with which Cronofy's support adds the\n" +
			"redirect URIs to an application's permitted list. Nothing is changed and nothing\n" +
			"secret is sent. Exit code 1 on any problem.",
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return examine(cmd.Context(), f, e, s) },
	}
	fs := cmd.Flags()
	fs.StringVar(&f.dataCenter, "data-center", "", "check this one alone: us, au, ca, de, sg or uk (CRONOFY_DATA_CENTER)")
	fs.StringVar(&f.clientID, "client-id", "", "client id for the message to Cronofy (CRONOFY_CLIENT_ID)")
	fs.StringVar(&f.redirectURI, "redirect-uri", "", "redirect URI that will be used (CONFER_REDIRECT_URI; default "+flow.DefaultRedirectURI+")")
	fs.StringVar(&f.listen, "listen", "", "host:port to listen on for the callback, as for setup")
	fs.StringVar(&f.browser, "browser", "system", "as for setup: system, none, or a command (BROWSER)")
	fs.BoolVar(&f.json, "json", false, "JSON lines on standard output")
	fs.BoolVar(&f.noInput, "no-input", false, "accepted everywhere; this command never asks")
	fs.StringVar(&f.apiURL, "api-url", "", "base URL in place of the data center's API host (CRONOFY_API_URL)")
	fs.StringVar(&f.appURL, "app-url", "", "base URL in place of the data center's app host (CRONOFY_APP_URL)")
	fs.StringVar(&f.caFile, "ca-file", "", "PEM file with certificate authorities to trust beside the system's")
	return cmd
}

// findingState tells whether something has to be done.
type findingState string

const (
	findingOK      findingState = "ok"
	findingNote    findingState = "note" // worth knowing; nothing has to be done
	findingProblem findingState = "problem"
)

// finding is the outcome of one check.
type finding struct {
	check   string // "keyring", "port", "browser", ...
	state   findingState
	message string // what is the case
	next    string // what to do; may be empty
}

func examine(ctx context.Context, f *settings, e environment, s streams) error {
	f.fill(e)
	x, err := newExamination(f, e, s)
	if err != nil {
		return err
	}
	var found []finding
	var network sync.WaitGroup
	defer network.Wait()
	limited, cancel := context.WithCancel(ctx)
	defer cancel()
	network.Go(func() { found = x.network(limited) })
	out := x.output(s)
	for _, local := range []func(context.Context) []finding{x.keyring, x.ports, x.browser, x.terminal, x.folder} {
		out.add(local(ctx))
		if readerLeft(out.w.err) {
			return &exitError{flow.ExitFailed}
		}
	}
	network.Wait()
	if ctx.Err() != nil {
		return &exitError{flow.ExitCancelled}
	}
	out.add(found)
	out.registration(x.registration())
	if out.problems > 0 {
		return &exitError{flow.ExitFailed}
	}
	return nil
}

// examination is what the checks need.
type examination struct {
	settings *settings
	env      environment
	streams  streams
	sites    []cronofy.Site // the chosen one, or all six
	chosen   bool
	host     opener.Machine
}

func newExamination(f *settings, e environment, s streams) (*examination, error) {
	x := &examination{settings: f, env: e, streams: s, host: opener.Host()}
	if f.redirectURI != "" {
		if p := flow.CheckRedirectURI(f.redirectURI); p != nil {
			return nil, &usageError{summary: "--redirect-uri: " + strings.TrimSuffix(p.Summary, "."), hint: p.Hint}
		}
	}
	if f.clientID != "" {
		if p := flow.CheckClientID(f.clientID); p != nil {
			return nil, &usageError{summary: "--client-id: " + strings.TrimSuffix(p.Summary, "."), hint: p.Hint}
		}
	}
	site, err := f.site()
	if err != nil {
		return nil, err
	}
	if x.chosen = site.Chosen(); x.chosen {
		x.sites = []cronofy.Site{site}
		return x, nil
	}
	for _, d := range cronofy.DataCenters() {
		x.sites = append(x.sites, d.Site())
	}
	return x, nil
}

// redirectURIs are the ones that a set-up could use, the first one first.
func (x *examination) redirectURIs() []string {
	if x.settings.redirectURI != "" {
		return []string{x.settings.redirectURI}
	}
	return flow.RedirectURIs()
}

func (x *examination) registration() doctor.Registration {
	r := doctor.Registration{ClientID: x.settings.clientID, RedirectURIs: x.redirectURIs()}
	if x.chosen {
		r.DataCenter = siteWords(x.sites[0])
	}
	return r
}

// siteWords names a data center with its host, or the host alone that stands in
// its place.
func siteWords(s cronofy.Site) string {
	if s.Overridden() {
		return s.APIHost()
	}
	return s.DataCenter.Name + " (" + s.APIHost() + ")"
}

// findings writes each finding as it comes.
type findings struct {
	w        *heard
	ev       *events // nil: text
	problems int
	last     string // what was told to do last, which is not repeated
}

func (x *examination) output(s streams) *findings {
	o := &findings{w: &heard{w: s.out}}
	if x.settings.json {
		o.ev = newEvents(o.w)
	}
	return o
}

type checkEvent struct {
	eventHead
	Check   string       `json:"check"`
	State   findingState `json:"state"`
	Message string       `json:"message"`
	Next    string       `json:"next,omitempty"`
}

type registrationEvent struct {
	eventHead
	ClientID     string   `json:"client_id,omitempty"`
	DataCenter   string   `json:"data_center,omitempty"`
	RedirectURIs []string `json:"redirect_uris"`
	To           string   `json:"to"`
	Text         string   `json:"text"`
}

func (o *findings) add(all []finding) {
	for _, f := range all {
		if f.state == findingProblem {
			o.problems++
		}
		if o.ev != nil {
			o.ev.write(checkEvent{o.ev.head("check"), f.check, f.state, f.message, f.next})
			continue
		}
		fmt.Fprintf(o.w, "%-8s %-12s %s\n", f.state, f.check, f.message)
		if f.next != "" && f.next != o.last {
			fmt.Fprintf(o.w, "%-21s -> %s\n", "", f.next)
		}
		o.last = f.next
	}
}

func (o *findings) registration(r doctor.Registration) {
	if o.ev != nil {
		o.ev.write(registrationEvent{o.ev.head("registration"), r.ClientID, r.DataCenter, r.RedirectURIs, doctor.SupportAddress, r.Text()})
		return
	}
	switch o.problems {
	case 0:
		fmt.Fprintln(o.w, "\nNo problem was found.")
	case 1:
		fmt.Fprintln(o.w, "\n1 problem was found.")
	default:
		fmt.Fprintf(o.w, "\n%d problems were found.\n", o.problems)
	}
	fmt.Fprint(o.w, "\nAn application in development mode takes any redirect URI. For one in production, send this:\n\n", indent(r.Text()))
}

func indent(text string) string {
	var b strings.Builder
	for line := range strings.Lines(text) {
		if line != "\n" {
			b.WriteString("    ")
		}
		b.WriteString(line)
	}
	return b.String()
}
