package command

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"confer/cronofy"
	"confer/flow"
	"confer/flow/callback"
	"confer/internal/doctor"
	"confer/internal/links"
	"confer/internal/opener"
	"confer/keystore"
)

func newDoctor(s streams, e environment) *cobra.Command {
	f := &settings{browser: opener.System}
	cmd := &cobra.Command{
		Use:   "doctor",
		Short: "Check this machine, and tell what to register at Cronofy",
		Long: "Checks the keyring, by storing, reading back and deleting a test item, the loopback ports of the redirect URI, the " +
			"browser, the terminal, confer's folder, and the way to Cronofy: proxy, DNS, TLS, clock. Says for each what to do. Then " +
			"prints the message with which Cronofy's support adds the redirect URIs to an application's permitted redirect URIs. " +
			"Nothing secret is sent. Exit code 1 on any problem.",
		Example: "  confer doctor\n  confer doctor --data-center de --client-id ID\n  confer doctor --json",
		Args:    arguments(0, 0, ""),
		RunE:    func(cmd *cobra.Command, _ []string) error { return examine(cmd.Context(), f, e, s) },
	}
	add(cmd, f.options(map[string]string{
		"data-center":  "check this one alone: " + either(dataCenterIDs()) + " (CRONOFY_DATA_CENTER)",
		"client-id":    "client id for the message to Cronofy (CRONOFY_CLIENT_ID)",
		"redirect-uri": "redirect URI that will be used (CONFER_REDIRECT_URI; default " + flow.DefaultRedirectURI + ")",
		"no-input":     "accepted everywhere; this command never asks",
	}, "data-center", "client-id", "no-input", "json", "redirect-uri", "listen", "browser", "ca-file", "api-url", "app-url")...)
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

func (x *examination) keyring(ctx context.Context) []finding {
	return []finding{keyringCheck(keystore.Probe(ctx))}
}

// keyringCheck says what a state of the keyring means, and what to do.
func keyringCheck(s keystore.Status) finding {
	const other = "Without a keyring: --secret-store session keeps secrets in memory for the run, --secret-store file in an encrypted file."
	f := finding{check: "keyring", state: findingProblem}
	switch s.State {
	case keystore.Ready:
		return finding{"keyring", findingOK, "The system keyring is ready.", ""}
	case keystore.Locked:
		f.message, f.next = "The system keyring is locked.", "Unlock it: the wizard can have your desktop ask for its password. "+other
		if s.NoWindow {
			f.message, f.next = "The system keyring is locked, and this session can show no window that asks for its password.", flow.UnlockWords(s.Program)+" "+other
		}
	case keystore.NoCollection:
		f.message, f.next = "The keyring service runs, but there is no keyring in it yet.", flow.KeyringHelp(flow.Store{Keyring: string(s.State), Program: s.Program})+" "+other
	case keystore.NoService:
		f.message, f.next = "No keyring service runs in this session.", "Install one (gnome-keyring, KWallet, KeePassXC) and log in anew. "+other
	case keystore.NoBus:
		f.message, f.next = "This session has no D-Bus, so no keyring can be reached. Over SSH and in containers that is usual.", "Run confer in a desktop session. "+other
	case keystore.Silent:
		f.message, f.next = "The system keyring does not answer.", "Look for a window that asks for its password, or restart the keyring service. "+other
	default:
		f.message, f.next = "This build has no keyring for this system.", other
	}
	if s.Detail != "" && s.State != keystore.NoBus {
		f.message = strings.TrimSuffix(f.message, ".") + " (" + clip(s.Detail) + ")."
	}
	return f
}

func (x *examination) ports(ctx context.Context) []finding {
	var out []finding
	for i, uri := range x.redirectURIs() {
		if !flow.LoopbackRedirect(uri) && x.settings.listen == "" {
			return []finding{{"port", findingOK, "Nothing listens here for " + clip(uri) + ": the final address is pasted.", ""}}
		}
		out = append(out, portCheck(uri, i > 0, doctor.Port(ctx, uri, x.settings.listen)))
	}
	return out
}

// portCheck: the spare ports matter only when the first one is busy.
func portCheck(uri string, spare bool, err error) finding {
	if err == nil {
		return finding{"port", findingOK, "confer can listen for " + clip(uri) + ".", ""}
	}
	f := finding{"port", findingProblem, "", ""}
	var port *callback.PortError
	if errors.As(err, &port) {
		p := flow.Explain(err, flow.StepAuthorize)
		f.message, f.next = p.Summary, "End that program, or use --redirect-uri "+p.Offers[0]+", which must be registered at Cronofy in production."
		if port.Class != callback.PortInUse {
			f.next = p.Hint
		}
	} else {
		f.message = "confer cannot listen for " + clip(uri) + ": " + clip(err.Error()) + "."
	}
	if spare {
		f.state, f.next = findingNote, "It matters only when the first port is busy."
	}
	return f
}

// browser finds out what would be opened, and opens nothing.
func (x *examination) browser(context.Context) []finding {
	m, program := x.host, ""
	m.Start = func(c *exec.Cmd) error { program = c.Path; return nil }
	err := m.Open(x.settings.browser, "http://127.0.0.1/")
	return []finding{browserCheck(err, program, m.Session(), x.settings.browser)}
}

func browserCheck(err error, program string, session opener.Kind, command string) finding {
	where := " (" + string(session) + " session)"
	switch {
	case err == nil:
		return finding{"browser", findingOK, "Links are opened with " + clip(program) + where + ".", ""}
	case errors.Is(err, opener.ErrNone):
		return finding{"browser", findingOK, "No browser is opened, as you wish" + where + ".", ""}
	case command != "" && command != opener.System:
		return finding{"browser", findingProblem, "The browser command cannot be used: " + clip(err.Error()) + ".", "Check --browser, or leave it out."}
	}
	next := "Open the link that confer shows in any browser, on any machine, and paste the final address."
	if session == opener.SSH {
		next += " With ssh -L 8739:127.0.0.1:8739 the callback arrives by itself."
	}
	return finding{"browser", findingNote, "No browser can be opened here: " + clip(err.Error()) + where + ".", next}
}

// The smallest terminal that the wizard is drawn in; what is smaller gets one
// sentence instead.
const leastWidth, leastHeight = 40, 12

func (x *examination) terminal(context.Context) []finding {
	_, in := asTerminal(x.streams.in)
	out, isTerminal := asTerminal(x.streams.out)
	t := terminalFacts{input: in, output: isTerminal, name: clip(x.env.get("TERM")), multiplexer: x.env.get("TMUX") != "" || x.env.get("STY") != ""}
	if isTerminal {
		t.width, t.height, _ = term.GetSize(int(out.Fd()))
	}
	t.colors = colorWords(x.env.get)
	return []finding{t.check()}
}

type terminalFacts struct {
	input, output bool // is a terminal
	name          string
	width, height int
	colors        string
	multiplexer   bool
}

func (t terminalFacts) check() finding {
	f := finding{check: "terminal", state: findingNote}
	switch {
	case !t.input || !t.output:
		f.message, f.next = "This is no terminal, so the wizard cannot run here.", "Give the answers by flags and --no-input."
		return f
	case t.name == "dumb" || t.name == "":
		f.message, f.next = "This terminal cannot move its cursor (TERM is "+orNone(t.name)+").", "The wizard asks line by line here."
		return f
	}
	f.message = fmt.Sprintf("%s, %d columns and %d rows, %s.", t.name, t.width, t.height, t.colors)
	if t.width > 0 && (t.width < leastWidth || t.height < leastHeight) {
		f.next = fmt.Sprintf("Make it at least %d columns and %d rows.", leastWidth, leastHeight)
		return f
	}
	if t.multiplexer {
		f.message = strings.TrimSuffix(f.message, ".") + ", inside a multiplexer."
	}
	f.state = findingOK
	return f
}

func orNone(name string) string {
	if name == "" {
		return "not set"
	}
	return name
}

// colorWords goes by the customs of https://no-color.org and COLORTERM.
func colorWords(get func(string) string) string {
	name := get("TERM")
	switch {
	case get("NO_COLOR") != "":
		return "no colours, as NO_COLOR wishes"
	case get("COLORTERM") == "truecolor" || get("COLORTERM") == "24bit" || strings.HasSuffix(name, "-direct"):
		return "all colours"
	case strings.Contains(name, "256color"):
		return "256 colours"
	}
	return "16 colours"
}

func (x *examination) folder(context.Context) []finding {
	path, err := links.DefaultPath()
	if err != nil {
		return []finding{{"folder", findingProblem, "There is no folder for confer's state: " + clip(err.Error()) + ".", "Set HOME or XDG_STATE_HOME."}}
	}
	dir := filepath.Dir(path)
	exists, err := doctor.Folder(dir, filepath.Base(path), secretsFile)
	return []finding{folderCheck(shortHome(dir, os.Getenv("HOME")), exists, err)}
}

func folderCheck(dir string, exists bool, err error) finding {
	var e *links.Error
	switch {
	case err == nil && exists:
		return finding{"folder", findingOK, dir + " is yours alone and can be written.", ""}
	case err == nil:
		return finding{"folder", findingOK, dir + " can be made.", ""}
	case errors.As(err, &e) && errors.Is(err, links.ErrUnsafe):
		return finding{"folder", findingProblem, clip(e.Path) + " is not private: " + clip(e.Detail) + ".",
			"Make it yours alone (chmod 700 for the folder, 600 for files in it), or move it away."}
	}
	return finding{"folder", findingProblem, dir + " cannot be used: " + cronofy.CleanText(err.Error(), 200) + ".",
		"Check the room on the disk and your rights, or set XDG_STATE_HOME to another folder."}
}

// shortHome writes a path as people do.
func shortHome(path, home string) string {
	if rest, ok := strings.CutPrefix(path, home+string(filepath.Separator)); ok && home != "" {
		return clip("~" + string(filepath.Separator) + rest)
	}
	return clip(path)
}

// clockTolerance is how far this machine's clock may be off. confer shows when
// tokens end; certificates fail only days away from the truth.
const clockTolerance = 2 * time.Minute

// unauthorizedPath is a call that answers 401 to everybody without a token, so
// that the API itself is known to have answered.
// https://docs.cronofy.com/developers/api/error-codes/
const unauthorizedPath = "/v1/userinfo"

// visit is a host that is looked at, and what was seen.
type visit struct {
	name string // "Germany (api-de.cronofy.com)"
	base string
	api  bool // else the host of the administrator's pages
	seen doctor.Reached
}

func (x *examination) visits() []visit {
	var all []visit
	for _, s := range x.sites {
		all = append(all, visit{name: siteWords(s), base: s.API, api: true})
		if x.chosen {
			all = append(all, visit{name: s.AppHost(), base: s.App})
		}
	}
	return all
}

func (x *examination) network(ctx context.Context) []finding {
	h, err := cronofy.NewHTTPClient(cronofy.HTTPOptions{CAFile: x.settings.caFile})
	if err != nil {
		return []finding{{"tls", findingProblem, "The file of --ca-file cannot be used: " + caFileReason(err) + ".", "Name a PEM file with certificates."}}
	}
	defer h.CloseIdleConnections()
	all := x.visits()
	var looks sync.WaitGroup
	for i := range all {
		path := "/"
		if all[i].api {
			path = unauthorizedPath
		}
		looks.Go(func() { all[i].seen = doctor.Reach(ctx, h, all[i].base+path, time.Now) })
	}
	looks.Wait()
	out := []finding{proxyCheck(all), dnsCheck(all), tlsCheck(all), clockCheck(all)}
	for _, v := range all {
		out = append(out, reachCheck(v))
	}
	return out
}

// each collects what is told of hosts, without repeats.
func each(all []visit, of func(doctor.Reached) string) []string {
	var out []string
	for _, v := range all {
		if t := of(v.seen); t != "" && !slices.Contains(out, t) {
			out = append(out, t)
		}
	}
	return out
}

func failedBy(r doctor.Reached, kind cronofy.NetworkKind) bool {
	var e *cronofy.NetworkError
	return errors.As(r.Err, &e) && e.Kind == kind
}

func proxyCheck(all []visit) finding {
	proxies := each(all, func(r doctor.Reached) string { return r.Proxy })
	failed := slices.IndexFunc(all, func(v visit) bool { return failedBy(v.seen, cronofy.NetworkProxy) })
	switch {
	case failed >= 0:
		p := flow.Explain(all[failed].seen.Err, flow.StepDataCenter)
		return finding{"proxy", findingProblem, p.Summary, p.Hint}
	case len(proxies) > 0:
		return finding{"proxy", findingOK, "Cronofy is reached through the proxy " + strings.Join(proxies, ", ") + ".", ""}
	}
	return finding{"proxy", findingOK, "None is used. HTTPS_PROXY and NO_PROXY would set one.", ""}
}

func dnsCheck(all []visit) finding {
	var lost, found []string
	proxied := false
	for _, v := range all {
		switch {
		case v.seen.Proxy != "":
			proxied = true
		case failedBy(v.seen, cronofy.NetworkDNS):
			lost = append(lost, v.seen.Host)
		case len(v.seen.Addresses) > 0:
			found = append(found, v.seen.Host)
		}
	}
	switch {
	case len(lost) > 0:
		return finding{"dns", findingProblem, "Not found: " + strings.Join(lost, ", ") + ".", "Check the network and DNS, or set HTTPS_PROXY if this machine reaches the internet through a proxy."}
	case len(found) > 0:
		return finding{"dns", findingOK, "Found: " + strings.Join(found, ", ") + ".", ""}
	case proxied:
		return finding{"dns", findingOK, "The proxy looks names up.", ""}
	}
	return finding{"dns", findingNote, "No name was looked up, or no answer came in time.", ""}
}

func tlsCheck(all []visit) finding {
	issuers := each(all, func(r doctor.Reached) string { return r.Issuer })
	versions := each(all, func(r doctor.Reached) string { return r.TLS })
	by := ""
	if len(issuers) > 0 {
		by = ", signed by " + strings.Join(issuers, ", ")
	}
	for _, v := range all {
		if failedBy(v.seen, cronofy.NetworkTLS) {
			p := flow.Explain(v.seen.Err, flow.StepDataCenter)
			return finding{"tls", findingProblem, p.Summary, p.Hint}
		}
	}
	switch {
	case len(versions) > 0:
		return finding{"tls", findingOK, strings.Join(versions, ", ") + by + ".", ""}
	case slices.ContainsFunc(all, func(v visit) bool { return v.seen.Encrypted }):
		return finding{"tls", findingNote, "No connection came that far.", ""}
	}
	return finding{"tls", findingNote, "Not used: plain http to this machine.", ""}
}

// clockCheck goes by the host that is nearest to this machine's time: one wrong
// clock elsewhere is not ours.
func clockCheck(all []visit) finding {
	var least *time.Duration
	for _, v := range all {
		if s := v.seen.Skew; v.seen.Dated && (least == nil || s.Abs() < least.Abs()) {
			least = &s
		}
	}
	switch {
	case least == nil:
		return finding{"clock", findingNote, "It could not be compared: no host told the time.", ""}
	case least.Abs() <= clockTolerance:
		return finding{"clock", findingOK, "It agrees with Cronofy's to " + max(least.Abs(), time.Second).String() + ".", ""}
	}
	how := "ahead of"
	if *least < 0 {
		how = "behind"
	}
	return finding{"clock", findingProblem, fmt.Sprintf("This machine's clock is %s %s Cronofy's.", least.Abs(), how), "Set the clock, best by network time."}
}

func reachCheck(v visit) finding {
	f := finding{"data center", findingProblem, "", ""}
	r := v.seen
	if !v.api {
		f.check = "app host"
	}
	switch {
	case r.Err != nil:
		p := flow.Explain(r.Err, flow.StepDataCenter)
		f.message, f.next = p.Summary, p.Hint
	case r.Status >= http.StatusInternalServerError:
		f.message, f.next = fmt.Sprintf("%s answered with a fault of its own (%d).", v.name, r.Status), "Try again in a moment. status.cronofy.com tells whether more is wrong."
	case v.api && r.Status != http.StatusUnauthorized && (r.Status < http.StatusBadRequest || r.HTML):
		f.message, f.next = fmt.Sprintf("Something else answered for %s (%d).", v.name, r.Status), "A proxy or the login page of a network may be in between. Open a web page in a browser first."
	default:
		f.state, f.message = findingOK, fmt.Sprintf("%s answered in %d ms.", v.name, r.Took.Milliseconds())
	}
	return f
}
