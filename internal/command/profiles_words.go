package command

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"strings"

	"confer/cronofy"
	"confer/flow"
	"confer/internal/atomicfile"
	"confer/internal/delegated"
	"confer/internal/links"
	"confer/internal/profiles"
)

// explainAccount gives the code and the sentence for an account that could not
// be read.
func explainAccount(err error) (code, message string) {
	row, isRow := errors.AsType[*profiles.ListError](err)
	renew, isRenew := errors.AsType[*profiles.RenewError](err)
	switch {
	case isRow:
		return flow.CodeUsage, "The list cannot be used in " + row.Error() + "."
	case errors.Is(err, profiles.ErrOnlyRefreshToken):
		return flow.CodeUsage, "There is no access token. With --tokens-out FILE confer gets one with the refresh token."
	case isRenew:
		return explainRenewal(renew.Err)
	}
	return flow.ExplainAccount(err)
}

// codeNoAnswer is of a calendar for which nothing came to the callback URL that
// could be taken.
const codeNoAnswer = "no_answer"

const (
	busyFile = "another confer is writing to this file"
	// ownersAgain is what ErrTokensLost costs.
	ownersAgain = "the owner of the account that was being refreshed may have to authorize again"
	// serviceAgain is for a service account whose token is of no use.
	serviceAgain = "authorize the service account in confer's wizard (Service account: authorize one now), or give its token with --service-account-token-file"
)

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

// outError is for the file of --out or --tokens-out, which could not be opened.
func outError(flag string, err error) error {
	unsafe, isUnsafe := errors.AsType[*atomicfile.UnsafeError](err)
	why, hint := cronofy.FileReason(err), "name a file that can be written"
	switch {
	case errors.Is(err, context.Canceled):
		return err
	case errors.Is(err, atomicfile.ErrLocked) && flag == "tokens-out":
		why, hint = busyFile, "wait until it has ended: two at once could use up each other's refresh tokens"
	case errors.Is(err, atomicfile.ErrLocked):
		why, hint = busyFile, "wait until it has ended, or name another file"
	case errors.Is(err, profiles.ErrTokensFormat):
		hint = "name a new file, or one that confer wrote"
	case errors.Is(err, profiles.ErrNotRecords):
		hint = "--continue goes on with a file that --format json wrote; name another file to begin anew"
	case isUnsafe:
		why, hint = unsafe.Why, "name a file"
	}
	return usage("--"+flag+": "+why, hint)
}
