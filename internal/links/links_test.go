package links

import (
	"os"
	"reflect"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"confer/cronofy"
)

func link(account string) Link {
	return Link{
		DataCenter: "de", APIHost: "api-de.cronofy.com", ClientID: "k3Hn2cWq9ZrT5vXy7LbD", ServiceAccount: account,
		Provider: "zoom_enterprise", Label: "Example GmbH", OrganizationalUnit: "oun_6710aa01c0ffee01",
		Scope: "organizational_unit_use_integrations", Store: "keyring",
		Linked: time.Date(2026, 5, 4, 3, 2, 1, 0, time.UTC), RefreshToken: true,
	}
}

func TestIDIsStableShortAndReadable(t *testing.T) {
	t.Parallel()
	l := link("ser_6710aa01c0ffee0123456789")
	id := l.ID()
	require.Regexp(t, regexp.MustCompile(`^zoom-6789-[a-z2-7]{4}$`), id)
	changed := l
	changed.Label, changed.Store, changed.OrganizationalUnit, changed.Linked = "", "file", "", time.Time{}
	require.Equal(t, id, changed.ID(), "linking again keeps the name")
	for name, other := range map[string]func(*Link){
		"host":                               func(l *Link) { l.APIHost = "api.cronofy.com" },
		"client":                             func(l *Link) { l.ClientID = "another" },
		"account":                            func(l *Link) { l.ServiceAccount = "ser_0000aa01c0ffee0123456789" },
		"provider":                           func(l *Link) { l.Provider = "webex_enterprise" },
		"a provider of almost the same name": func(l *Link) { l.Provider = "zoom" },
	} {
		o := l
		other(&o)
		require.NotEqual(t, id, o.ID(), name)
		require.False(t, l.Same(o), name)
	}
	odd := Link{Provider: "$(any)", ServiceAccount: "ser_ä \"'`;&"}
	require.Regexp(t, regexp.MustCompile(`^any-ser-[a-z2-7]{4}$`), odd.ID(), "no quoting in any shell")
}

func TestAddLinkReplacesTheSameCustomer(t *testing.T) {
	t.Parallel()
	var c Contents
	c.AddLink(link("ser_one"))
	c.AddLink(link("ser_two"))
	again := link("ser_one")
	again.Label = "renamed"
	c.AddLink(again)
	require.Equal(t, []Link{again, link("ser_two")}, c.Links)
}

func TestFind(t *testing.T) {
	t.Parallel()
	one, two := link("ser_one"), link("ser_two")
	two.Label = "Other"
	webex := one
	webex.Provider, webex.Label = "webex_enterprise", "other"
	c := Contents{Links: []Link{one, two, webex}}
	for ref, want := range map[string]Link{one.ID(): one, " " + two.ID() + " ": two, webex.ID(): webex, "example gmbh": one, "SER_TWO": two} {
		require.Equal(t, []Link{want}, c.Find(ref), ref)
	}
	for ref, want := range map[string][]Link{"OTHER": {two, webex}, "ser_one": {one, webex}, "": nil, "  ": nil, "nobody": nil} {
		require.Equal(t, want, c.Find(ref), ref)
	}
	require.Empty(t, Contents{Links: []Link{{Provider: "indeed"}}}.Find(""), "an empty name is nobody's")
}

func TestServiceAccountsAreHeldOnce(t *testing.T) {
	t.Parallel()
	var c Contents
	account := ServiceAccount{APIHost: "api-de.cronofy.com", ClientID: "k3Hn2cWq9ZrT5vXy7LbD", ID: "ser_one", Label: "before"}
	c.AddServiceAccount(account)
	elsewhere := account
	elsewhere.APIHost = "api.cronofy.com"
	c.AddServiceAccount(elsewhere)
	account.Label = "later"
	c.AddServiceAccount(account)
	require.Equal(t, []ServiceAccount{account, elsewhere}, c.ServiceAccounts)
}

func TestPending(t *testing.T) {
	t.Parallel()
	f := tempFile(t)
	answers := Draft{DataCenter: "de", ClientID: "id", ServiceAccount: "ser_1", Provider: "zoom_enterprise", RedirectURI: "http://127.0.0.1:8400/cb"}
	later := answers
	later.ServiceAccount = "ser_2"
	update(t, f, func(c *Contents) {
		c.AddPending("first", answers, noon)
		c.AddPending("second", later, noon.Add(time.Hour))
		c.AddPending("second", later, noon.Add(time.Hour))
	})
	b, err := os.ReadFile(f.Path())
	require.NoError(t, err)
	require.NotContains(t, string(b), "first", "the state itself")
	c := load(t, f)
	require.Len(t, c.Pending, 2)
	take := func(state string, now time.Time, fits bool) bool {
		c := c
		return c.TakePending(state, now, func(p Pending) bool {
			require.Equal(t, Pending{HashState("first"), noon, answers}, p)
			return fits
		})
	}
	require.True(t, take("first", noon.Add(PendingLimit-1), true))
	require.False(t, take("first", noon.Add(PendingLimit-1), false), "made with other answers")
	require.False(t, take("first", noon.Add(PendingLimit), true), "after its time")
	require.False(t, take("first", noon.Add(-time.Hour), true), "before it was begun: the clock was set back")
	require.False(t, take("another", noon, true))
	c = load(t, f)
	require.Equal(t, later, c.LivePending(noon.Add(time.Hour))[0].Answers, "newest first")
	require.Empty(t, c.LivePending(noon.Add(30*time.Hour)))

	update(t, f, func(c *Contents) { c.RemovePending("second") })
	require.Len(t, load(t, f).Pending, 1)
	update(t, f, func(c *Contents) { c.AddPending("third", later, noon.Add(PendingLimit)) })
	require.Equal(t, []Pending{{HashState("third"), noon.Add(PendingLimit), later}}, load(t, f).Pending, "what has expired goes")
	update(t, f, func(c *Contents) {
		for i := range 3 * mostPending {
			c.AddPending(strconv.Itoa(i), later, noon.Add(PendingLimit))
		}
	})
	require.Len(t, load(t, f).Pending, mostPending)
}

// Nothing in the file can hold a secret: there is no field for one.
func TestNoFieldForASecret(t *testing.T) {
	t.Parallel()
	name := regexp.MustCompile(`(?i)secret|token|password|passphrase|code$|^state$`)
	harmless := map[string]bool{"secret_store": true, "refresh_token": true} // where it is; whether there is one
	for _, v := range []any{Link{}, ServiceAccount{}, Draft{}, Pending{}, StoredSecret{}, Contents{}} {
		for f := range reflect.TypeOf(v).Fields() {
			require.NotEqual(t, reflect.TypeFor[cronofy.Secret](), f.Type, f.Name)
			member, _, _ := strings.Cut(f.Tag.Get("json"), ",")
			if harmless[member] {
				require.True(t, member == "secret_store" || f.Type.Kind() == reflect.Bool, f.Name)
				continue
			}
			require.NotRegexp(t, name, member)
		}
	}
}
