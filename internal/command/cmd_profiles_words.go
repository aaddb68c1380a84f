package command

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"slices"

	"confer/cronofy"
	"confer/flow"
	"confer/internal/delegated"
	"confer/internal/links"
	"confer/internal/profiles"
)

// explainAccount gives the code and the sentence for an account that could not
// be read.
func explainAccount(err error) (code, message string) {
	var row *profiles.RowError
	var renew *profiles.RenewError
	switch {
	case errors.As(err, &row):
		return flow.CodeUsage, "The list cannot be used in " + row.Error() + "."
	case errors.Is(err, profiles.ErrOnlyRefreshToken):
		return flow.CodeUsage, "There is no access token. With --tokens-out FILE confer gets one with the refresh token."
	case errors.As(err, &renew):
		return explainRenewal(renew.Err)
	}
	return flow.ExplainAccount(err)
}

func explainRenewal(err error) (code, message string) {
	if code, message = explainCalendar(err); code != "" {
		return code, message
	}
	switch {
	case errors.Is(err, profiles.ErrTokensLost):
		return flow.CodeSecretStore, "The new tokens could not be written to the file of --tokens-out; the account's owner may have to authorize again."
	case cronofy.CodeOf(err) == "invalid_grant":
		return "invalid_grant", "Cronofy did not accept the refresh token: it was used before, replaced or revoked, or is too old."
	}
	code, message = flow.ExplainAccount(err)
	if s := cronofy.StatusOf(err); cronofy.CodeOf(err) == "" && s > 401 && s < 423 { // the sentences are userinfo's
		message = fmt.Sprintf("Cronofy gave no new access token (status %d).", s)
	}
	if cronofy.AnswerLost(err) {
		message += " Whether the refresh token was used up is not known."
	}
	return code, message
}

func tokensError(err error) error {
	switch {
	case errors.Is(err, profiles.ErrTokensBusy):
		return &usageError{summary: "--tokens-out: " + err.Error(), hint: "wait until it has ended: two at once could use up each other's refresh tokens"}
	case errors.Is(err, profiles.ErrTokensFormat):
		return &usageError{summary: "--tokens-out: " + err.Error(), hint: "name a new file, or one that confer wrote"}
	}
	return &usageError{summary: "--tokens-out: " + reason(err), hint: "name a file that can be written"}
}

// words says why the run ended, and gives the error for its exit code.
func (r *profilesRun) words(ctx context.Context, err error) error {
	if r.progress != nil {
		r.progress.end()
	}
	var usage *usageError
	var exit *exitError
	var renew *profiles.RenewError
	var output *outputError
	if ctx.Err() != nil {
		return r.cancelled()
	}
	if err := preparationEnded(err); err != nil {
		return err
	}
	switch {
	case errors.As(err, &usage), errors.As(err, &exit):
		return err
	case errors.As(err, &output) && r.f.toStdout() && readerLeft(output.err):
		return &exitError{flow.ExitFailed}
	case errors.As(err, &output):
		complain(r.s.err, "the records could not be written: "+reason(output.err), "make room, or name another file with --out")
		return &exitError{flow.ExitFailed}
	case errors.As(err, &renew):
		return r.renewalEnded(renew)
	case errors.Is(err, delegated.ErrNoServiceToken):
		return r.explainService(err)
	case r.requestEnded(err):
		return &exitError{flow.ExitRefused}
	}
	p := flow.Explain(&flow.AccountsError{Err: err}, flow.StepProfiles)
	if cronofy.StatusOf(err) != 0 || isNetwork(err) {
		p = flow.Explain(err, flow.StepProfiles)
	}
	complain(r.s.err, p.Summary, p.Hint)
	r.tellAsked()
	return &exitError{p.Exit}
}

// preparationEnded is for whom access was to be asked for; nil: it is not about
// that.
func preparationEnded(err error) error {
	var list *delegated.ListError
	switch {
	case errors.As(err, &list):
		return &usageError{summary: "--emails: " + reason(list.Err), hint: "it takes a file with one e-mail address a line, or CSV with a column email"}
	case errors.Is(err, delegated.ErrNoRooms):
		return &usageError{summary: "--resources: " + err.Error(), hint: "name people with --emails FILE"}
	case errors.Is(err, delegated.ErrNotServiceAccount):
		return &usageError{summary: err.Error(), hint: "a service account's sub begins with ser_; give its token with --service-account-token-file"}
	}
	return nil
}

// cancelled says what a run that was ended leaves.
func (r *profilesRun) cancelled() error {
	fmt.Fprintln(r.s.err)
	if r.f.out != "" && r.out != nil && r.out.name != "" {
		fmt.Fprintln(r.s.err, "confer: cancelled: nothing was written to the file of --out; with --continue it keeps what was read")
	}
	r.tellAsked()
	return &exitError{flow.ExitCancelled}
}

func isNetwork(err error) bool {
	var n *cronofy.NetworkError
	var b *cronofy.BadAnswerError
	return errors.As(err, &n) || errors.As(err, &b)
}

// renewalEnded is for an error that would come for every account.
func (r *profilesRun) renewalEnded(err *profiles.RenewError) error {
	if errors.Is(err, profiles.ErrTokensLost) {
		complain(r.s.err, "new tokens could not be written to the file of --tokens-out: "+reason(errors.Unwrap(err.Err)),
			"make room; the account that was being refreshed may have to be authorized again")
		return &exitError{flow.ExitFailed}
	}
	p := flow.Explain(err.Err, flow.StepProfiles)
	complain(r.s.err, p.Summary, p.Hint)
	return &exitError{p.Exit}
}

// requestEnded says what Cronofy has against delegated access as a whole.
func (r *profilesRun) requestEnded(err error) bool {
	var request *delegated.RequestError
	if !errors.As(err, &request) {
		return false
	}
	p := requestProblem(err)
	if p == nil {
		return false
	}
	complain(r.s.err, p.Summary, p.Hint)
	return true
}

// explainService is for a stored service account token that could not be had.
func (r *profilesRun) explainService(err error) error {
	switch {
	case errors.Is(err, links.ErrMissing), errors.Is(err, links.ErrGone), errors.Is(err, links.ErrNoToken),
		errors.Is(err, fs.ErrNotExist): // not even confer's own folder
		return &usageError{summary: "there is no stored token of this service account", hint: "authorize it in confer's wizard (Service account: authorize one now), or give its token with --service-account-token-file"}
	case errors.Is(err, links.ErrNoSecret):
		return &usageError{summary: "missing: --client-secret-file", hint: "no client secret is stored for this client id"}
	}
	p := serviceTokenProblem(err)
	if p.Code == flow.CodeSecretStore {
		p.Hint = storeHint(err, p.Hint)
	}
	complain(r.s.err, p.Summary, p.Hint)
	return &exitError{p.Exit}
}

// verdict is the end of a run that read the whole list.
func (r *profilesRun) verdict(sum profiles.Summary) error {
	if r.out.done != nil {
		before := r.out.done.Summary
		sum.Read += before.Read
		sum.Connected += before.Connected
		sum.Disconnected += before.Disconnected
		sum.Missing += before.Missing
		sum.Failed += before.Failed
	}
	if sum.Read == 0 {
		complain(r.s.err, "the list holds no accounts", "it needs a header with email and access_token, and a line for each account")
		return &exitError{flow.ExitUsage}
	}
	var failures []string
	hint := ""
	if sum.Failed > 0 {
		hint = r.answersHint()
		failures = append(failures, fmt.Sprintf("%d of %s could not be read", sum.Failed, plural(sum.Read, "account")))
	}
	for _, on := range []struct {
		state profiles.State
		n     int
	}{{profiles.Missing, sum.Missing}, {profiles.Disconnected, sum.Disconnected}} {
		if on.n > 0 && slices.Contains(r.choice.failOn, on.state) {
			verb := "are"
			if on.n == 1 {
				verb = "is"
			}
			failures = append(failures, fmt.Sprintf("%d of %s %s %s", on.n, plural(sum.Read, "account"), verb, on.state))
		}
	}
	for _, text := range failures {
		complain(r.s.err, text, hint)
		hint = ""
	}
	if len(failures) > 0 {
		return &exitError{flow.ExitFailed}
	}
	return nil
}
