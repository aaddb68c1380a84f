package command

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"confer/cronofy"
	"confer/flow"
	"confer/internal/links"
	"confer/internal/opener"
	"confer/keystore"
)

// option is a flag: all that is known of it is said here, once. The help, the
// shell's completion, the environment, the words for a wrong value and the check
// that no file is named twice read it.
type option struct {
	name  string
	dst   any // what it sets, with the default in it
	group string
	arg   string                  // what follows it, as the help writes it: FILE
	text  string                  // its sentence in the help
	env   string                  // the variable that holds where the flag is not given
	known []string                // values to complete; nil: there are none to know
	saved func(links.Link) string // what completes it of what is saved here; nil: nothing
	file  fileUse
	step  flow.Step // whose answer it gives, for the events of a set-up
}

// The groups of flags in a help text, in their order.
const (
	groupCommon   = "Common flags"
	groupOutput   = "Output flags"
	groupNetwork  = "Network flags"
	groupAdvanced = "Advanced flags"
	groupOther    = "Other flags" // cobra's own
)

var groups = []string{groupCommon, groupOutput, groupNetwork, groupAdvanced, groupOther}

// fileUse is what a flag's file is for.
type fileUse string

const (
	reads  fileUse = "reads"
	writes fileUse = "writes"
)

// The annotations under which a flag carries what it was declared with.
const (
	noteGroup = "confer-group"
	noteArg   = "confer-arg"
	noteFile  = "confer-file"
)

// add declares flags of a command.
func add(cmd *cobra.Command, options ...option) {
	fs := cmd.Flags()
	fs.SortFlags = false // the help keeps their order: what is needed first stands first
	for _, o := range options {
		if o.env != "" {
			o.text += " (" + o.env + ")"
		}
		switch dst := o.dst.(type) {
		case *string:
			fs.StringVar(dst, o.name, *dst, o.text)
		case *bool:
			fs.BoolVar(dst, o.name, *dst, o.text)
		case *int:
			fs.IntVar(dst, o.name, *dst, o.text)
		case *uint64:
			fs.Uint64Var(dst, o.name, *dst, o.text)
		case *time.Duration:
			fs.DurationVar(dst, o.name, *dst, o.text)
		case *[]string:
			fs.StringArrayVar(dst, o.name, *dst, o.text)
		}
		fs.Lookup(o.name).Annotations = map[string][]string{noteGroup: {o.group}, noteArg: {o.arg}, noteFile: {string(o.file)}}
		switch {
		case o.known != nil:
			_ = cmd.RegisterFlagCompletionFunc(o.name, cobra.FixedCompletions(o.known, cobra.ShellCompDirectiveNoFileComp))
		case o.saved != nil:
			_ = cmd.RegisterFlagCompletionFunc(o.name, func(*cobra.Command, []string, string) ([]cobra.Completion, cobra.ShellCompDirective) {
				return savedWords(o.saved), cobra.ShellCompDirectiveNoFileComp
			})
		case o.file == "" && o.arg != "": // or the shell would offer files
			_ = cmd.RegisterFlagCompletionFunc(o.name, cobra.NoFileCompletions)
		}
	}
}

// options are the flags of these names that commands share, for add; without a name all
// of them. changed gives another sentence to some.
func (f *settings) options(changed map[string]string, names ...string) (out []option) {
	for _, o := range f.shared() {
		if len(names) == 0 || slices.Contains(names, o.name) {
			o.text = cmp.Or(changed[o.name], o.text)
			out = append(out, o)
		}
	}
	slices.SortStableFunc(out, func(a, b option) int { return slices.Index(names, a.name) - slices.Index(names, b.name) })
	return out
}

// flagStep is the step whose answer a flag gives.
func flagStep(flag string) flow.Step {
	for _, o := range new(settings).options(nil, flag) {
		return o.step
	}
	return flow.StepDataCenter
}

func (f *settings) shared() []option {
	return []option{
		{name: "data-center", dst: &f.dataCenter, group: groupCommon, arg: "ID", env: "CRONOFY_DATA_CENTER", known: dataCenterIDs(), text: either(dataCenterIDs())},
		{name: "client-id", dst: &f.clientID, group: groupCommon, arg: "ID", env: "CRONOFY_CLIENT_ID", saved: func(l links.Link) string { return l.ClientID },
			step: flow.StepApplication, text: "client id of the application"},
		{name: "client-secret-file", dst: &f.secretFile, group: groupCommon, arg: "FILE", file: reads, step: flow.StepApplication,
			text: "file that holds the client secret, - for standard input (or CRONOFY_CLIENT_SECRET)"},
		{name: "service-account", dst: &f.serviceAccount, group: groupCommon, arg: "ID", env: "CONFER_SERVICE_ACCOUNT", saved: func(l links.Link) string { return l.ServiceAccount },
			step: flow.StepServiceAccount, text: "id of the calendar service account, ser_..."},
		{name: "provider", dst: &f.provider, group: groupCommon, arg: "NAME", env: "CONFER_PROVIDER", known: providerNames(), step: flow.StepProvider, text: either(providerNames())},
		{name: "label", dst: &f.label, group: groupCommon, arg: "TEXT", saved: func(l links.Link) string { return l.Label }, step: flow.StepServiceAccount, text: "your own name for this link"},
		{name: "accounts", dst: &f.accounts, group: groupCommon, arg: "FILE", file: reads, step: flow.StepProfiles,
			text: "file with accounts' tokens, to check the accounts at the end"},
		{name: "sandbox", dst: &f.sandbox, group: groupCommon, text: "use the embedded sandbox: no credentials, nothing stored"},
		{name: "no-input", dst: &f.noInput, group: groupCommon, text: "never ask: a missing answer is an error that names its flag"},

		{name: "json", dst: &f.json, group: groupOutput, text: "JSON lines on standard output"},
		{name: "plain", dst: &f.plain, group: groupOutput, text: "line by line and append-only, for screen readers and logs (ACCESSIBLE, TERM=dumb)"},
		{name: "dry-run", dst: &f.dryRun, group: groupOutput, text: "show what would be sent and stored, with secrets masked, and send nothing"},
		{name: "color", dst: &f.color, group: groupOutput, arg: "WHEN", known: colorValues(), text: either(colorValues()) + " (NO_COLOR)"},
		{name: "tokens-out", dst: &f.tokensOut, group: groupOutput, arg: "FILE", file: writes, text: "write confer's tokens for the new link to this new file (0600)"},

		{name: "redirect-uri", dst: &f.redirectURI, group: groupNetwork, arg: "URI", env: "CONFER_REDIRECT_URI", known: flow.RedirectURIs(),
			step: flow.StepApplication, text: "redirect URI as registered at Cronofy, default " + flow.DefaultRedirectURI},
		{name: "listen", dst: &f.listen, group: groupNetwork, arg: "HOST:PORT", step: flow.StepAuthorize,
			text: "where to listen for the callback: where a tunnel, proxy or published port delivers it, with Host unchanged"},
		{name: "browser", dst: &f.browser, group: groupNetwork, arg: "COMMAND", known: browserValues(), step: flow.StepAuthorize,
			text: "system (default), none, or a command to open the approval link with (BROWSER); the wizard remembers it; with --sandbox also approve and deny"},
		{name: "timeout", dst: &f.timeout, group: groupNetwork, arg: "TIME", step: flow.StepAuthorize,
			text: "how long to wait for the administrator, like 90s or 10m, default " + strings.TrimSuffix(flow.DefaultTimeout.String(), "0s")},
		{name: "ca-file", dst: &f.caFile, group: groupNetwork, arg: "FILE", file: reads, text: "file with certificate authorities, PEM or DER, to trust beside the system's"},

		{name: "secret-store", dst: &f.secretStore, group: groupAdvanced, arg: "STORE", env: "CONFER_SECRET_STORE", known: storeNames(), step: flow.StepApplication,
			text: either(storeNames())},
		{name: "secret-passphrase-fd", dst: &f.passphraseFD, group: groupAdvanced, arg: "FD", step: flow.StepApplication,
			text: "file descriptor to read the passphrase of the encrypted file from, 0 for standard input"},
		{name: "api-url", dst: &f.apiURL, group: groupAdvanced, arg: "URL", env: "CRONOFY_API_URL", text: "base URL in place of the data center's API host"},
		{name: "app-url", dst: &f.appURL, group: groupAdvanced, arg: "URL", env: "CRONOFY_APP_URL", text: "base URL in place of the data center's app host"},
		{name: "debug", dst: &f.debug, group: groupAdvanced, arg: "FILE", file: writes, text: "file for a log of what happens; it holds no secret"},
	}
}

// each gives what is wanted of each of a list.
func each[T, U any](list []T, of func(T) U) (out []U) {
	for _, x := range list {
		out = append(out, of(x))
	}
	return out
}

func namesOf[T ~string](list []T) []string { return each(list, func(s T) string { return string(s) }) }

func dataCenterIDs() []string {
	return each(cronofy.DataCenters(), func(d cronofy.DataCenter) string { return d.ID })
}

func providerNames() []string { return namesOf(cronofy.Providers()) }

func storeNames() []string {
	return namesOf([]keystore.Kind{keystore.Keyring, keystore.Session, keystore.File})
}

func colorValues() []string { return []string{"auto", "always", "never"} }

func browserValues() []string {
	return []string{opener.System, opener.None, browserApprove, browserDeny}
}

// either writes a list as "a, b or c".
func either(list []string) string {
	last := len(list) - 1
	return strings.Join(list[:last], ", ") + " or " + list[last]
}

// wrong is the usage error for a shared flag: what is wrong with it, and what it takes.
func wrong(flag, what, hint string) error {
	return usageAt(flagStep(flag), "--"+flag+what, hint)
}

// unknownValue is the usage error for a value of a flag that is none of those that it takes.
func unknownValue(flag, what, value string, known []string) error {
	return usageAt(flagStep(flag), fmt.Sprintf("there is no %s %q", what, cronofy.CleanText(value, 40)),
		guess(value, known)+"--"+flag+" takes "+either(known))
}

// guess asks whether the nearest known word was meant.
func guess(word string, known []string) string { return guessWithin(min(2, len(word)/2), word, known) }

// guessWithin does so for a word with at most so many slips. cobra measures them, but
// for its commands alone, so the known words are made into commands.
func guessWithin(most int, word string, known []string) string {
	if word == "" { // every word begins with it
		return ""
	}
	words := &cobra.Command{}
	for _, k := range known {
		words.AddCommand(&cobra.Command{Use: k, Run: func(*cobra.Command, []string) {}})
	}
	for slips := 0; slips <= most; slips++ {
		words.SuggestionsMinimumDistance = slips
		if near := words.SuggestionsFor(word); len(near) > 0 {
			return "did you mean " + near[0] + "? "
		}
	}
	return ""
}

func wrongFlag(cmd *cobra.Command, err error) error {
	if value, ok := errors.AsType[*pflag.InvalidValueError](err); ok {
		f := value.GetFlag()
		return wrong(f.Name, fmt.Sprintf(" cannot be %q", cronofy.CleanText(value.GetValue(), 40)), "it takes "+takes(f))
	}
	if none, ok := errors.AsType[*pflag.ValueRequiredError](err); ok {
		return wrong(none.GetFlag().Name, " needs a value", "it takes "+takes(none.GetFlag()))
	}
	near := ""
	if unknown, ok := errors.AsType[*pflag.NotExistError](err); ok && unknown.GetSpecifiedShortnames() == "" {
		var names []string
		cmd.Flags().VisitAll(func(f *pflag.Flag) { names = append(names, "--"+f.Name) })
		near = guess("--"+unknown.GetSpecifiedName(), names)
	}
	return usage(strings.TrimSpace(err.Error()), near+cmd.CommandPath()+" --help lists the flags")
}

func takes(f *pflag.Flag) string {
	switch f.Value.Type() {
	case "duration":
		return "a number with its unit, like 90s, 5m or 1h30m"
	case "int", "uint64":
		return "a whole number"
	case "bool":
		return "true or false; alone it means true"
	}
	if annotation(f, noteArg) == "FILE" {
		return "the name of a file"
	}
	return f.Usage
}

func annotation(f *pflag.Flag, name string) string {
	if values := f.Annotations[name]; len(values) > 0 {
		return values[0]
	}
	return ""
}

func arguments(least, most int, what string) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		switch {
		case len(args) < least:
			return usage("missing: "+what, cmd.CommandPath()+" --help shows how it is called")
		case len(args) <= most:
			return nil
		case cmd.HasParent():
			return usage(fmt.Sprintf("%s does not take %q", cmd.CommandPath(), cronofy.CleanText(args[most], 40)), cmd.CommandPath()+" --help shows how it is called")
		}
		return unknownCommand(cmd, args[0])
	}
}

func unknownCommand(root *cobra.Command, word string) error {
	return usage(fmt.Sprintf("there is no command %q", cronofy.CleanText(word, 40)),
		guess(word, commandNames(root))+"confer --help lists the commands")
}

func commandNames(root *cobra.Command) (names []string) {
	for _, c := range root.Commands() {
		if c.IsAvailableCommand() {
			names = append(names, c.Name())
		}
	}
	return names
}
