package command

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"confer/cronofy"
	"confer/internal/links"
	"confer/internal/manage"
	"confer/keystore"
)

// clip makes what a file or a server says fit for a line.
func clip(text string) string { return cronofy.CleanText(text, 120) }

func (r statusReport) text(w io.Writer) {
	o := r.overview
	if o.SetAside != "" {
		p := setAsideWords(&setAsideError{o.SetAside, o.Newer})
		fmt.Fprintf(w, "problem: %s %s\n\n", p.Summary, p.Hint)
	}
	if len(o.Links) == 0 {
		fmt.Fprintln(w, "Nothing is linked here.")
	}
	for i, l := range o.Links {
		if i > 0 {
			fmt.Fprintln(w)
		}
		r.link(w, l, r.checks[i])
	}
	for _, a := range o.Accounts {
		fmt.Fprintf(w, "\n%s  service account authorized here\n", join(a.Account.ID, a.Account.Label))
		line(w, "data center", accountPlace(a.Account))
		line(w, "client id", clip(a.Account.ClientID))
		line(w, "refresh token", whereabouts(a.RefreshToken, a.Account.Store))
	}
	if o.Draft != nil {
		fmt.Fprintf(w, "\nA set-up was begun and not finished%s. confer goes on with it.\n", draftWords(*o.Draft))
	}
	if o.DraftSecret.State != "" {
		line(w, "client secret", whereabouts(o.DraftSecret, o.Draft.Store))
	}
	leftovers(w, o.Leftover)
	keyringTrouble(w, o.Keyring)
}

func (r statusReport) link(w io.Writer, l manage.LinkStatus, c checked) {
	k := l.Link
	fmt.Fprintln(w, join(k.ID(), k.Label))
	fmt.Fprintf(w, "  %s · %s · %s · linked %s\n", cronofy.Provider(clip(k.Provider)).Name(), clip(k.ServiceAccount), linkPlace(k), when(k.Linked))
	if k.Unconfirmed {
		fmt.Fprintln(w, "  unconfirmed: the administrator said that it is done; confer has no token of its own")
	}
	if l.Site != nil {
		line(w, "problem", explainLink(l.Site).Summary)
	}
	line(w, "client id", clip(k.ClientID))
	line(w, "client secret", whereabouts(l.ClientSecret, k.Store))
	line(w, "refresh token", whereabouts(l.RefreshToken, k.Store))
	switch c.State {
	case checkOK:
		line(w, "check", "ok: Cronofy takes confer's token"+rotatedWords(c.Rotated))
		line(w, "", "(this tests our token, not the link)")
	case checkFailed:
		line(w, "check", "problem: "+c.Problem.Summary)
		line(w, "", c.Problem.Hint)
	case checkUntested:
		line(w, "check", "not possible: "+c.Problem.Summary)
	}
}

// leftovers tells of secrets that belong to nothing that is listed.
func leftovers(w io.Writer, all []manage.LeftoverStatus) {
	if len(all) == 0 {
		return
	}
	fmt.Fprintf(w, "\nLeft over, needed by nothing that is listed. To delete: %s\n", leftoverCommand)
	for _, l := range all {
		s := l.Stored
		name, of := "refresh token", clip(s.ServiceAccount)
		if s.IsClientSecret() {
			name, of = "client secret", "application "+clip(s.ClientID)
		}
		line(w, name, whereabouts(l.Secret, s.Store))
		line(w, "", strings.Join(slices.DeleteFunc([]string{of, ownerWords(s), hostName(s.APIHost)}, isEmpty), " · "))
	}
}

// leftoverCommand deletes what is left over.
const leftoverCommand = "confer logout --left-over"

func isEmpty(s string) bool { return s == "" }

// ownerWords says whose refresh token it is.
func ownerWords(s links.Stored) string {
	switch s.Provider {
	case "":
		return ""
	case links.AccountToken:
		return "service account"
	}
	return cronofy.Provider(clip(s.Provider)).Name()
}

// hostName is the data center of an API host, or the host where it is no data
// center's.
func hostName(host string) string {
	if dc, ok := dataCenterOf(host); ok {
		return dc.Name
	}
	return clip(host)
}

func dataCenterOf(host string) (cronofy.DataCenter, bool) {
	for _, dc := range cronofy.DataCenters() {
		if dc.Site().APIHost() == host {
			return dc, true
		}
	}
	return cronofy.DataCenter{}, false
}

func rotatedWords(rotated bool) string {
	if rotated {
		return ", and gave a new refresh token, which is stored"
	}
	return ""
}

func line(w io.Writer, name, text string) {
	fmt.Fprintf(w, "  %-15s %s\n", name, text)
}

// join puts a label behind an id.
func join(id, label string) string {
	return strings.TrimSpace(clip(id) + "  " + clip(label))
}

// linkPlace is the data center, or the host that stands in its place.
func linkPlace(l links.Link) string {
	dc, ok := cronofy.FindDataCenter(l.DataCenter)
	if !ok || l.APIURL != "" || l.AppURL != "" {
		return clip(l.APIHost)
	}
	return dc.Name
}

// accountPlace is the same of a service account.
func accountPlace(a links.ServiceAccount) string {
	if dc, own := ownHost(a); own {
		return dc.Name
	}
	return clip(a.APIHost)
}

// ownHost gives a service account's data center, unless another host stood in
// its place.
func ownHost(a links.ServiceAccount) (cronofy.DataCenter, bool) {
	dc, ok := cronofy.FindDataCenter(a.DataCenter)
	return dc, ok && dc.Site().APIHost() == a.APIHost
}

func when(t time.Time) string {
	if t.IsZero() {
		return "at an unknown time"
	}
	return t.UTC().Format("2006-01-02 15:04 UTC")
}

func draftWords(d links.Draft) string {
	about := join(d.ServiceAccount, d.Label)
	if about == "" {
		return ""
	}
	return " (" + about + ")"
}

// whereabouts says where a secret is.
func whereabouts(s manage.Secret, store string) string {
	place := storePlace(store)
	switch s.State {
	case manage.Present:
		return "in " + place
	case manage.Missing:
		return "problem: not in " + place + " any more"
	case manage.Gone:
		return "was in memory for that run only, and is gone"
	case manage.None:
		return "none: there never was one"
	case manage.Sealed:
		return "in " + place + ", unless it was deleted; only the passphrase tells"
	case manage.Unread:
		if errors.Is(s.Err, manage.ErrDialog) {
			return "in " + place + ", not asked, because that could open a dialog; --check asks"
		}
		return "problem: in " + place + ", which cannot be read: " + strings.TrimSuffix(explainLink(s.Err).Summary, ".")
	}
	return string(s.State)
}

func storePlace(store string) string {
	switch keystore.Kind(store) {
	case keystore.Keyring:
		return "the keyring"
	case keystore.File:
		return "the secrets file"
	case keystore.Session:
		return "memory"
	}
	return "the store " + clip(store)
}

// keyringTrouble says once what to do, however many secrets it concerns.
func keyringTrouble(w io.Writer, s keystore.Status) {
	if s.State == "" || s.State == keystore.Ready {
		return
	}
	words := keyringCheck(s)
	fmt.Fprintf(w, "\n%s %s\n", words.message, words.next)
}
