package profiles

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"confer/cronofy"
	"confer/internal/golden"
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

func TestProfilesFromBeforeTheLinkDoNotCount(t *testing.T) {
	t.Parallel()
	zoom, old, broken := profile("zoom", true), profile("zoom", true), profile("zoom", false)
	old.ProfileID, broken.ProfileID = "pro_old", "pro_new_broken"
	known := map[string]bool{"pro_old": true, "pro_go_to": true}
	for _, c := range []struct {
		name     string
		known    map[string]bool
		profiles []cronofy.ConferencingProfile
		want     State
		own      bool
		words    string
	}{
		{"nobody knows", nil, []cronofy.ConferencingProfile{old}, Connected, false, "connected"},
		{"none was there", map[string]bool{}, []cronofy.ConferencingProfile{old}, Connected, false, "connected"},
		{"their own alone", known, []cronofy.ConferencingProfile{old}, Missing, true, "not yet (their own)"},
		{"their own, and a new one", known, []cronofy.ConferencingProfile{old, zoom}, Connected, false, "connected"},
		{"their own works, the new one does not", known, []cronofy.ConferencingProfile{old, broken}, Disconnected, false, "disconnected"},
		{"another provider's own", known, []cronofy.ConferencingProfile{profile("go_to", true)}, Missing, false, "not yet"},
		{"none", known, nil, Missing, false, "not yet"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			client := answering(func(context.Context, string) (cronofy.UserInfo, error) { return info(c.profiles...), nil })
			looked := newReader(client, Options{Provider: cronofy.Zoom, Known: c.known}).look(t.Context(), &item{account: list(1)[0]})
			rec := looked.record
			require.Equal(t, c.want, rec.State)
			require.Equal(t, c.own, rec.Own)
			require.Equal(t, c.words, rec.Words())
			require.Equal(t, c.want == Connected, looked.final, "what may still come is looked at again")
			var sum Summary
			sum.Count(rec)
			require.Equal(t, c.own, sum.Own == 1)
			for i, p := range rec.Profiles {
				before := c.known[c.profiles[i].ProfileID]
				require.Equal(t, c.known != nil && before, p.BeforeLink())
				require.Equal(t, c.known != nil && !before, p.SinceLink())
			}
		})
	}
}

func TestOddAnswersAreRecordsWithWarnings(t *testing.T) {
	t.Parallel()
	odd := info(profile("zoom", true))
	odd.Warnings = []string{"profile_id was a number\x1b[2J"}
	rec := Evaluate(odd, cronofy.Zoom, nil)
	require.Equal(t, Connected, rec.State)
	require.Equal(t, []string{"profile_id was a number"}, rec.Warnings)
}

func TestAdviceHasTheLikeliestFirst(t *testing.T) {
	t.Parallel()
	de, _ := cronofy.FindDataCenter("de")
	var all strings.Builder
	for _, p := range append(cronofy.Providers(), "someone_new") {
		advice := NotYetAdvice(p, de.Site())
		for i, word := range []string{"address", "provisioned through", "Germany", "", "CONFER_OU_LINK_TOKEN_PARAM"} {
			require.Contains(t, advice[i], word, p)
		}
		fmt.Fprintf(&all, "%s:\n  %s\n", p, strings.Join(advice, "\n  "))
	}
	fmt.Fprintf(&all, "records whose data center nobody has named:\n  %s\n", strings.Join(NotYetAdvice(cronofy.Zoom, cronofy.Site{}), "\n  "))
	golden.Equal(t, "testdata/advice.txt", all.String())
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
