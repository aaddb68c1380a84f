package sandbox

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"confer/cronofy"
)

func TestUserInfoShapes(t *testing.T) {
	t.Parallel()
	w := start(t, Options{})
	a := w.Accounts()[0]
	got := w.get("/v1/userinfo", a.AccessToken.Reveal()).json(t)
	require.Equal(t, "acc_6710aa01c0ffee0123450001", got["sub"])
	require.Equal(t, "amara@example.test", got["email"])
	require.Equal(t, "Amara Osei", got["name"])
	require.Equal(t, "account", got["cronofy.type"])
	data := got["cronofy.data"].(map[string]any)
	require.Equal(t, map[string]any{"scope": "read_write", "status": "active"}, data["authorization"])
	require.Len(t, data["profiles"], 1)
	require.NotContains(t, data, "conferencing_profiles", "the key is absent when there are none")
	calendar := data["profiles"].([]any)[0].(map[string]any)
	for _, key := range []string{"provider_name", "provider_service", "profile_id", "profile_name", "profile_connected", "profile_initial_sync_required", "profile_calendars"} {
		require.Contains(t, calendar, key)
	}

	got = w.get("/v1/userinfo", w.Credentials().ServiceAccountToken.Reveal()).json(t)
	require.Equal(t, map[string]any{
		"sub": serviceAccountID, "email": "calendar-service@example.test", "cronofy.type": "service_account",
		"cronofy.data": map[string]any{
			"service_account": map[string]any{"provider_name": "office365", "domain": "example.test"},
			"authorization": map[string]any{
				"scope":  "service_account/accounts/manage service_account/resources/manage",
				"status": "active", "delegated_scope": "read_write",
			},
		},
	}, got)
}

func TestUserInfoRefusals(t *testing.T) {
	t.Parallel()
	w := start(t, Options{})
	token := w.Accounts()[0].AccessToken.Reveal()
	for name, bearer := range map[string]string{
		"none": "", "unknown": "x", "the client secret": w.secret(),
		"a refresh token": w.Accounts()[0].RefreshToken.Reveal(),
		"nobody's number": token[:24] + "000000ff", "another's number": token[:24] + "00000001",
	} {
		a := w.get("/v1/userinfo", bearer)
		require.Equal(t, 401, a.StatusCode, name)
		require.Equal(t, "Bearer", a.Header.Get("WWW-Authenticate"), name)
		require.Empty(t, a.body, name)
	}
	require.Equal(t, 200, w.get("/v1/userinfo", token).StatusCode)
}

func TestProfilesAppearOneByOne(t *testing.T) {
	t.Parallel()
	w := start(t, Options{Switches: Switches{ProfileDelay: 10 * time.Second, ProfileGap: 2 * time.Second}})
	count := func() int {
		n := 0
		for _, a := range w.Accounts() {
			n += len(w.conferencingOf(a))
		}
		return n
	}
	before := count()
	require.Equal(t, 2, before, "two people have a profile of their own")
	w.Link(cronofy.Zoom)
	require.Equal(t, before, count())
	w.clock.add(10*time.Second - 1)
	require.Equal(t, before, count())
	w.clock.add(1)
	require.Equal(t, before+1, count(), "the first after the delay")
	require.Len(t, w.conferencingOf(w.Accounts()[0]), 1)
	w.clock.add(2 * time.Second)
	require.Equal(t, before+2, count(), "the second after the gap")
	w.clock.add(28 * time.Second)
	require.Equal(t, before+12, count(), "15 accounts, three without a match")
	w.clock.add(time.Hour)
	require.Equal(t, before+12, count())
	w.act("unlink")
	require.Equal(t, before, count())
}

func TestOrganisationHasEveryCase(t *testing.T) {
	t.Parallel()
	w := start(t, Options{})
	de, _ := cronofy.FindDataCenter("de")
	site := w.Site(de)
	require.Equal(t, cronofy.Site{DataCenter: de, API: w.APIURL(), App: w.AppURL(), Sandbox: true}, site)
	people := w.Accounts()
	require.Len(t, people, 15)
	own := w.conferencingOf(people[2])
	require.Len(t, own, 1)
	w.Link(cronofy.Zoom)

	after := w.conferencingOf(people[2])
	require.Len(t, after, 2)
	require.Equal(t, own[0], after[0], "the person's own profile stays")
	require.NotEqual(t, after[0]["profile_id"], after[1]["profile_id"])

	gone := w.conferencingOf(people[4])
	require.Len(t, gone, 1)
	require.Equal(t, false, gone[0]["profile_connected"])
	require.Equal(t, "https://app-de.cronofy.com/v2/relink/zoom?email=elif%40example.test", gone[0]["profile_relink_url"])
	require.NotContains(t, w.conferencingOf(people[0])[0], "profile_relink_url")
	require.Empty(t, w.conferencingOf(people[6]), "nobody of this address at the provider")

	w.Link(cronofy.Webex)
	names := []any{}
	for _, p := range w.conferencingOf(people[0]) {
		names = append(names, p["provider_name"])
	}
	require.Equal(t, []any{"webex", "zoom"}, names)
	w.SetSwitches(Switches{EnterpriseNames: true})
	require.Equal(t, "webex_enterprise", w.conferencingOf(people[0])[0]["provider_name"])
}

func TestUserInfoSwitches(t *testing.T) {
	t.Parallel()
	w := start(t, Options{})
	token := w.Accounts()[0].AccessToken.Reveal()
	w.SetSwitches(Switches{OmitCronofyData: true})
	require.NotContains(t, w.get("/v1/userinfo", token).json(t), "cronofy.data")

	w.SetSwitches(Switches{ExtraFields: true})
	got := w.get("/v1/userinfo", token).json(t)
	require.Contains(t, got, "x_added_later")
	data := got["cronofy.data"].(map[string]any)
	require.Contains(t, data, "x_added_later")
	require.Contains(t, data["profiles"].([]any)[0], "x_added_later")
	require.Equal(t, "amara@example.test", got["email"])
	require.Contains(t, w.refreshWith("x").json(t), "x_added_later", "in errors too")
}
