package cronofy

import (
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"
)

const accountExample = `{
  "sub": "acc_6710aa01c0ffee0123450001", "email": "amara@example.test", "name": "Amara Osei",
  "zoneinfo": "Europe/Berlin", "cronofy.type": "account",
  "cronofy.data": {
    "authorization": {"scope": "read_write", "status": "active"},
    "profiles": [{"provider_name": "google", "provider_service": "gsuite", "profile_id": "pro_Zx81kQ",
        "profile_name": "amara@example.test", "profile_connected": true, "profile_initial_sync_required": false,
        "profile_calendars": [{"calendar_id": "cal_Zx81kQ_01", "calendar_name": "Work", "calendar_readonly": false,
            "calendar_deleted": false, "calendar_primary": true, "calendar_integrated_conferencing_available": true,
            "calendar_attachments_available": false, "permission_level": "sandbox"}]}],
    "conferencing_profiles": [
      {"provider_name": "zoom", "profile_id": "pro_Cn55tR", "profile_name": "amara@example.test", "profile_connected": true},
      {"provider_name": "go_to", "profile_id": "pro_Cn77wK", "profile_name": "amara@example.test", "profile_connected": false,
       "profile_relink_url": "https://app-de.cronofy.com/v2/relink/go_to?email=amara%40example.test"}]}}`

const serviceAccountExample = `{
  "sub": "ser_6710aa01c0ffee0123456789", "email": "calendar-service@example.test", "cronofy.type": "service_account",
  "cronofy.data": {
    "service_account": {"provider_name": "office365", "domain": "example.test"},
    "authorization": {"scope": "service_account/accounts/manage service_account/resources/manage",
      "status": "active", "delegated_scope": "read_write"}}}`

type userInfoTable map[string]struct {
	body string
	want UserInfo
}

func TestUserInfoExamples(t *testing.T) {
	t.Parallel()
	zoom := ConferencingProfile{ProviderName: "zoom", ProfileID: "pro_Cn55tR", ProfileName: "amara@example.test", Connected: true}
	goTo := ConferencingProfile{
		ProviderName: "go_to", ProfileID: "pro_Cn77wK", ProfileName: "amara@example.test",
		RelinkURL: "https://app-de.cronofy.com/v2/relink/go_to?email=amara%40example.test",
	}
	testUserInfo(t, userInfoTable{
		"account": {accountExample, UserInfo{
			Sub: "acc_6710aa01c0ffee0123450001", Email: "amara@example.test", Name: "Amara Osei", Type: "account",
			ConferencingProfiles: []ConferencingProfile{zoom, goTo},
		}},
		"service account": {serviceAccountExample, UserInfo{
			Sub: "ser_6710aa01c0ffee0123456789", Email: "calendar-service@example.test", Type: "service_account",
			DelegatedScope: "read_write",
		}},
		"old service account": {
			`{"sub":"ser_529716002600402","cronofy.type":"service_account","cronofy.service_account.domain":"example.test"}`,
			UserInfo{Sub: "ser_529716002600402", Type: "service_account"},
		},
		"application calendar": {
			`{"sub":"apc_1","cronofy.type":"application_calendar","application_calendar_id":"x",
			"cronofy.data":{"application_calendar":{"application_calendar_id":"x"},"authorization":{"scope":"read_write","status":"active"},"profiles":[]}}`,
			UserInfo{Sub: "apc_1", Type: "application_calendar"},
		},
	})
}

func TestUserInfoOddities(t *testing.T) {
	t.Parallel()
	testUserInfo(t, userInfoTable{
		"null name":          {`{"sub":"acc_1","name":null,"email":null,"cronofy.data":null}`, UserInfo{Sub: "acc_1"}},
		"null list":          {`{"sub":"acc_1","cronofy.data":{"conferencing_profiles":null}}`, UserInfo{Sub: "acc_1"}},
		"no data":            {`{"sub":"acc_1"}`, UserInfo{Sub: "acc_1"}},
		"nested, not dotted": {`{"sub":"acc_1","cronofy":{"type":"account","data":{"conferencing_profiles":[{}]}}}`, UserInfo{Sub: "acc_1"}},
		"byte order mark":    {"\ufeff" + `{"sub":"acc_1"}`, UserInfo{Sub: "acc_1"}},
		"open sets": {
			`{"sub":"xyz","cronofy.type":"hologram","cronofy.data":{"authorization":{"status":"sleepy"},"conferencing_profiles":[
			{"provider_name":"holo_meet","profile_connected":true,"new":1}]}}`,
			UserInfo{Sub: "xyz", Type: "hologram", ConferencingProfiles: []ConferencingProfile{
				{ProviderName: "holo_meet", Connected: true},
			}},
		},
		"dirty": {
			`{"sub":"acc_1","name":"\u001b]0;owned\u0007Amara\u0085","email":"a\u202e@example.test","cronofy.data":{"conferencing_profiles":[
			{"provider_name":"zo\u0000om","profile_relink_url":"javascript:alert(1)"},
			{"provider_name":"zoom","profile_relink_url":"file://app.example.test/x"},
			{"provider_name":"zoom","profile_relink_url":"https://app.example.test/\u001b[2J"}]}}`,
			UserInfo{Sub: "acc_1", Name: "Amara ", Email: "a@example.test", ConferencingProfiles: []ConferencingProfile{
				{ProviderName: "zoom"}, {ProviderName: "zoom"}, {ProviderName: "zoom"},
			}},
		},
	})
}

func testUserInfo(t *testing.T, table userInfoTable) {
	t.Helper()
	for name, test := range table {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c, mux := setup(t, Options{})
			mux.HandleFunc("GET /v1/userinfo", func(w http.ResponseWriter, _ *http.Request) { reply(w, 200, test.body) })
			got, err := c.UserInfo(t.Context(), NewSecret(accessToken))
			require.NoError(t, err)
			if test.want.Warnings == nil { // TestUserInfoIsReadLiberally looks at them
				got.Warnings = nil
			}
			require.Equal(t, test.want, got)
		})
	}
}

// TestUserInfoIsReadLiberally: one odd member of one profile is no reason to lose
// the account. What was odd is told without its value.
func TestUserInfoIsReadLiberally(t *testing.T) {
	t.Parallel()
	profile := func(s string) string { return `{"sub":"acc_1","cronofy.data":{"conferencing_profiles":[` + s + `]}}` }
	zoom := ConferencingProfile{ProviderName: "zoom", ProfileID: "123", Connected: true}
	testUserInfo(t, userInfoTable{
		"numbers": {profile(`{"provider_name":"zoom","profile_id":123,"profile_name":null,"profile_connected":1}`), UserInfo{
			Sub: "acc_1", ConferencingProfiles: []ConferencingProfile{zoom},
			Warnings: []string{"cronofy.data.conferencing_profiles[0].profile_id: a number instead of a text", "cronofy.data.conferencing_profiles[0].profile_connected: not true or false; read as true"},
		}},
		"a long number stays as it is": {profile(`{"profile_id":12345678901234567890,"profile_connected":true}`), UserInfo{
			Sub: "acc_1", ConferencingProfiles: []ConferencingProfile{{ProfileID: "12345678901234567890", Connected: true}},
			Warnings: []string{"cronofy.data.conferencing_profiles[0].profile_id: a number instead of a text"},
		}},
		"texts": {profile(`{"provider_name":"zoom","profile_id":"123","profile_connected":" True"},{"profile_connected":"no idea"}`), UserInfo{
			Sub: "acc_1", ConferencingProfiles: []ConferencingProfile{zoom},
			Warnings: []string{"cronofy.data.conferencing_profiles[0].profile_connected: not true or false; read as true",
				"cronofy.data.conferencing_profiles[1].profile_connected: not true or false; read as false",
				"cronofy.data.conferencing_profiles[1].profile_id: missing, as all that would tell the profile; left out"},
		}},
		"null in the list": {profile(`null,{"provider_name":"zoom","profile_id":"123","profile_connected":true},"zoom",[]`), UserInfo{
			Sub: "acc_1", ConferencingProfiles: []ConferencingProfile{zoom},
			Warnings: []string{"cronofy.data.conferencing_profiles[0]: not an object; left out",
				"cronofy.data.conferencing_profiles[2]: not an object; left out", "cronofy.data.conferencing_profiles[3]: not an object; left out"},
		}},
		"capitals": {profile(`{"provider_name":"Zoom","profile_id":"123","profile_connected":true}`), UserInfo{
			Sub: "acc_1", ConferencingProfiles: []ConferencingProfile{{ProviderName: "Zoom", ProfileID: "123", Connected: true}},
			Warnings: []string{"cronofy.data.conferencing_profiles[0].provider_name: not in lower case"},
		}},
		"one instead of a list": {`{"sub":1,"email":["a"],"cronofy.data":{"authorization":"x","conferencing_profiles":{"provider_name":{},"profile_connected":false}}}`, UserInfo{
			Sub: "1",
			Warnings: []string{"cronofy.data.authorization: not an object; left out", "sub: a number instead of a text", "email: not a text; left out",
				"cronofy.data.conferencing_profiles: not a list", "cronofy.data.conferencing_profiles[0].provider_name: not a text; left out",
				"cronofy.data.conferencing_profiles[0].profile_id: missing, as all that would tell the profile; left out"},
		}},
		"no object": {`{"sub":"acc_1","cronofy.data":[]}`, UserInfo{Sub: "acc_1", Warnings: []string{"cronofy.data: not an object; left out"}}},
		"relink": {profile(`{"profile_connected":false,"profile_relink_url":"javascript:alert(1)"}`), UserInfo{
			Sub: "acc_1",
			Warnings: []string{"cronofy.data.conferencing_profiles[0].profile_relink_url: not a web address; left out",
				"cronofy.data.conferencing_profiles[0].profile_id: missing, as all that would tell the profile; left out"},
		}},
		"nothing in it": {profile(`{},{"provider_name":null,"profile_connected":null}`), UserInfo{
			Sub: "acc_1",
			Warnings: []string{"cronofy.data.conferencing_profiles[0].profile_connected: not true or false; read as false", "cronofy.data.conferencing_profiles[0].profile_id: missing, as all that would tell the profile; left out",
				"cronofy.data.conferencing_profiles[1].profile_connected: not true or false; read as false", "cronofy.data.conferencing_profiles[1].profile_id: missing, as all that would tell the profile; left out"},
		}},
	})
}

func TestResources(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		body string
		want []Resource
		bad  string
	}{
		"example": {`{"resources":[{"email":"room-4@example.test","name":"Room 4"}]}`, []Resource{{"room-4@example.test", "Room 4"}}, ""},
		"none":    {`{"resources":[]}`, []Resource{}, ""},
		"dirty":   {`{"resources":[{"email":"r\u001b[1m@example.test","name":null,"floor":3}]}`, []Resource{{"r@example.test", ""}}, ""},
		"missing": {`{}`, nil, "no resources"},
		"null":    {`null`, nil, "no resources"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c, mux := setup(t, Options{})
			mux.HandleFunc("GET /v1/resources", func(w http.ResponseWriter, _ *http.Request) { reply(w, 200, test.body) })
			got, err := c.Resources(t.Context(), NewSecret(accessToken))
			require.Equal(t, test.want, got)
			if test.bad == "" {
				require.NoError(t, err)
				return
			}
			var bad *BadAnswerError
			require.ErrorAs(t, err, &bad)
			require.Equal(t, test.bad, bad.Reason)
		})
	}
}
