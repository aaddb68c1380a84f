package cronofy

import (
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestDataCenters(t *testing.T) {
	t.Parallel()
	require.Equal(t, "us", DataCenters()[0].ID)
	for _, d := range DataCenters() {
		suffix := "-" + d.ID
		if d.ID == "us" {
			suffix = ""
		}
		require.Equal(t, "https://api"+suffix+".cronofy.com", d.Site().API)
		require.Equal(t, "https://app"+suffix+".cronofy.com", d.Site().App)
		require.False(t, d.Site().Overridden())
		got, ok := FindDataCenter(" " + d.ID + "\n")
		require.True(t, ok)
		require.Equal(t, d, got)
	}
	_, ok := FindDataCenter("fr")
	require.False(t, ok)
	de, ok := FindDataCenter("DE")
	require.True(t, ok)
	require.Equal(t, "Germany", de.Name)
}

func TestOverride(t *testing.T) {
	t.Parallel()
	us := DataCenters()[0].Site()
	s, err := us.Override("http://127.0.0.1:8080/api/", "https://app.example.test")
	require.NoError(t, err)
	require.Equal(t, "http://127.0.0.1:8080/api", s.API)
	require.Equal(t, "https://app.example.test", s.App)
	require.Equal(t, "127.0.0.1:8080", s.APIHost())
	require.Equal(t, "app.example.test", s.AppHost())
	require.True(t, s.Overridden())
	s, err = us.Override("", "")
	require.NoError(t, err)
	require.Equal(t, us, s)
	require.True(t, s.Chosen())
	require.False(t, Site{}.Chosen())
	for _, bad := range []string{
		"http://api.example.test", "http://127.0.0.1.example.test", "api.example.test", "//api.example.test", "ftp://127.0.0.1",
		"https://", "https://:443", "https://u:hunter2@api.example.test", "https://api.example.test?x", "https://api.example.test/?x=1", "https://api.example.test#f",
		"https://api.example.test/%zz", "http://[::1",
	} {
		_, err := us.Override(bad, "")
		require.ErrorContains(t, err, "API URL: ", bad)
		require.NotContains(t, err.Error(), "hunter2")
		_, err = us.Override("", bad)
		require.ErrorContains(t, err, "app URL: ", bad)
	}
	for _, good := range []string{"http://localhost:1", "http://[::1]:1", "http://127.9.9.9", "HTTPS://api.example.test"} {
		_, err := us.Override(good, "")
		require.NoError(t, err, good)
	}
}

func TestProviders(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		p       Provider
		profile string
		want    bool
	}{
		{Zoom, "zoom", true}, {Zoom, "zoom_enterprise", true}, {Zoom, "webex", false}, {Zoom, "", false}, {Zoom, "zoom_phone", false},
		{Webex, "webex", true}, {Webex, "webex_enterprise", true}, {Webex, "zoom", false},
		{Indeed, "indeed", true}, {Indeed, "zoom", false}, {AnyProvider, "holo_meet", true},
		{Zoom, "Zoom", true}, {"teams", "TEAMS", true}, {"teams", "zoom", false}, {Zoom, "zoom_phone", false},
	} {
		require.Equal(t, test.want, test.p.Matches(test.profile), "%s %s", test.p, test.profile)
	}
	for _, p := range Providers() {
		got, ok := FindProvider(" " + string(p) + " ")
		require.True(t, ok)
		require.Equal(t, p, got)
	}
	for input, want := range map[string]Provider{
		"zoom": Zoom, " Webex ": Webex, "ZOOM_ENTERPRISE": Zoom, "Any": AnyProvider, "indeed_enterprise": Indeed,
		"teams": "teams", "Google_Meet": "google_meet", "x2": "x2",
		"": "", "2x": "", "_x": "", "go to": "", "zoom;x": "", "zoom&state=1": "", "tëams": "", strings.Repeat("x", 65): "",
	} {
		got, ok := FindProvider(input)
		require.Equal(t, want != "", ok, input)
		if ok {
			require.Equal(t, want, got, input)
			require.Equal(t, slices.Contains(Providers(), want), got.Known(), input)
		}
	}
	for name, want := range map[string]string{"go_to": "GoTo", "ms_teams": "Microsoft Teams", "google_meet_api": "Google Meet",
		"Zoom": "Zoom", "zoom_enterprise": "Zoom", "holo_meet": "holo_meet", "holo\x1b[2J": "holo"} {
		require.Equal(t, want, ProviderName(name))
	}
	for p, name := range map[Provider]string{Zoom: "Zoom", Webex: "Webex", Indeed: "Indeed", AnyProvider: "any provider", "holo": "holo"} {
		require.Equal(t, name, p.Name())
	}
}
