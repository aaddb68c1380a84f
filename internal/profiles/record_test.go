package profiles

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/require"

	"confer/cronofy"
)

func info(profiles ...cronofy.ConferencingProfile) cronofy.UserInfo {
	return cronofy.UserInfo{Sub: "acc_6710aa01c0ffee0123450001", Email: "amara@example.test", Name: "Amara Osei", ConferencingProfiles: profiles}
}

func profile(provider string, connected bool) cronofy.ConferencingProfile {
	return cronofy.ConferencingProfile{ProviderName: provider, ProfileID: "pro_" + provider, ProfileName: "amara@example.test", Connected: connected}
}

func TestEvaluateState(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name     string
		provider cronofy.Provider
		profiles []cronofy.ConferencingProfile
		want     State
	}{
		{"none", cronofy.Zoom, nil, Missing},
		{"another provider's", cronofy.Zoom, []cronofy.ConferencingProfile{profile("go_to", true)}, Missing},
		{"zoom for zoom_enterprise", cronofy.Zoom, []cronofy.ConferencingProfile{profile("zoom", true)}, Connected},
		{"zoom_enterprise itself", cronofy.Zoom, []cronofy.ConferencingProfile{profile("zoom_enterprise", true)}, Connected},
		{"webex for webex_enterprise", cronofy.Webex, []cronofy.ConferencingProfile{profile("webex", true)}, Connected},
		{"zoom does not meet webex", cronofy.Webex, []cronofy.ConferencingProfile{profile("zoom", true)}, Missing},
		{"not connected", cronofy.Zoom, []cronofy.ConferencingProfile{profile("zoom", false)}, Disconnected},
		{"one of two is enough", cronofy.Zoom, []cronofy.ConferencingProfile{profile("zoom", true), profile("zoom_enterprise", false)}, Connected},
		{"the other of two", cronofy.Zoom, []cronofy.ConferencingProfile{profile("zoom", false), profile("zoom_enterprise", true)}, Connected},
		{"another's connection does not count", cronofy.Zoom, []cronofy.ConferencingProfile{profile("zoom", false), profile("go_to", true)}, Disconnected},
		{"any", cronofy.AnyProvider, []cronofy.ConferencingProfile{profile("made_up", true)}, Connected},
		{"zero is any", "", []cronofy.ConferencingProfile{profile("made_up", false)}, Disconnected},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			rec := Evaluate(info(c.profiles...), c.provider, nil)
			require.Equal(t, c.want, rec.State)
			require.Len(t, rec.Profiles, len(c.profiles))
			require.NotNil(t, rec.Profiles)
			require.Nil(t, rec.Error)
		})
	}
}

func TestEvaluateMarksNewProfiles(t *testing.T) {
	t.Parallel()
	two := info(profile("zoom", true), profile("go_to", true))
	unknown := Evaluate(two, cronofy.Zoom, nil)
	require.False(t, unknown.Profiles[0].New, "what was there before is not known")
	some := Evaluate(two, cronofy.Zoom, map[string]bool{"pro_go_to": true})
	require.True(t, some.Profiles[0].New)
	require.False(t, some.Profiles[1].New)
	require.True(t, Evaluate(two, cronofy.Zoom, map[string]bool{}).Profiles[1].New, "none was there before")
}

func TestEvaluateCleansEveryText(t *testing.T) {
	t.Parallel()
	const dirty = "a\x1b]0;owned\ab\u202ec\x9bd\r\n"
	rec := Evaluate(cronofy.UserInfo{Sub: dirty, Email: dirty, Name: dirty, ConferencingProfiles: []cronofy.ConferencingProfile{
		{ProviderName: dirty, ProfileID: dirty, ProfileName: dirty, RelinkURL: "https://" + dirty}}}, cronofy.Zoom, nil)
	b, err := json.Marshal(rec)
	require.NoError(t, err)
	var got any
	require.NoError(t, json.Unmarshal(b, &got))
	requireClean(t, got)
}

func requireClean(t *testing.T, v any) {
	t.Helper()
	switch v := v.(type) {
	case string:
		require.Equal(t, cronofy.CleanText(v, 10_000), v)
		require.NotContains(t, v, "owned")
	case []any:
		for _, x := range v {
			requireClean(t, x)
		}
	case map[string]any:
		for _, x := range v {
			requireClean(t, x)
		}
	}
}

func TestCanOpen(t *testing.T) {
	t.Parallel()
	de, ok := cronofy.FindDataCenter("de")
	require.True(t, ok)
	local, err := de.Site().Override("http://127.0.0.1:4001", "http://127.0.0.1:4000")
	require.NoError(t, err)
	for _, c := range []struct {
		url  string
		site cronofy.Site
		want bool
	}{
		{"https://app-de.cronofy.com/v2/relink/zoom?email=amara%40example.test", de.Site(), true},
		{"https://APP-DE.cronofy.com/v2/relink/zoom", de.Site(), true},
		{"http://app-de.cronofy.com/v2/relink/zoom", de.Site(), false},
		{"https://app.cronofy.com/v2/relink/zoom", de.Site(), false},
		{"https://app-de.cronofy.com.example.test/", de.Site(), false},
		{"https://app-de.cronofy.com:8443/", de.Site(), false},
		{"https://app-de.cronofy.com@example.test/", de.Site(), false},
		{"https://user@app-de.cronofy.com/", de.Site(), false},
		{"javascript:alert(1)//app-de.cronofy.com", de.Site(), false},
		{"file:///etc/passwd", de.Site(), false},
		{"https:app-de.cronofy.com", de.Site(), false},
		{"https://app-de.cronofy.com/\x1b[2J", de.Site(), false},
		{"", de.Site(), false},
		{"http://127.0.0.1:4000/v2/relink/zoom", local, true},
		{"http://127.0.0.1:4001/v2/relink/zoom", local, false},
		{"https://127.0.0.1:4000/v2/relink/zoom", local, false},
		{"https://app-de.cronofy.com/", cronofy.Site{}, false},
	} {
		require.Equal(t, c.want, CanOpen(c.url, c.site), c.url)
	}
}
