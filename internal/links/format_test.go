package links

import (
	"bytes"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func full() Contents {
	c := Contents{
		Links:           []Link{link("ser_one"), link("ser_two")},
		ServiceAccounts: []ServiceAccount{{DataCenter: "de", APIHost: "api-de.cronofy.com", ClientID: "c", ID: "ser_one", Store: "file"}},
		Draft:           &Draft{DataCenter: "sg", ClientID: "c", Label: "half <done> & more"},
	}
	for _, s := range c.needed() {
		c.AddSecret(s, time.Time{})
	}
	return c
}

func TestRoundTrip(t *testing.T) {
	t.Parallel()
	for _, c := range []Contents{{}, full()} {
		b, err := encode(c)
		require.NoError(t, err)
		got, err := decode(b)
		require.NoError(t, err)
		require.Equal(t, c, got)
	}
}

// TestEarlierVersion: files of version 1 are read, and what they lack is worked out.
func TestEarlierVersion(t *testing.T) {
	t.Parallel()
	b, err := encode(full())
	require.NoError(t, err)
	require.Contains(t, string(b), `"version": 2,`)
	c, err := decode([]byte(strings.Replace(string(b), `"version": 2,`, `"version": 1, "unknown": {"member": 1},`, 1)))
	require.NoError(t, err)
	require.Equal(t, full(), c)
}

func TestDamagedAndNewer(t *testing.T) {
	t.Parallel()
	good, err := encode(full())
	require.NoError(t, err)
	swap := func(old, new string) string {
		require.Contains(t, string(good), old)
		return strings.Replace(string(good), old, new, 1)
	}
	for name, text := range map[string]string{
		"empty":                "",
		"zeros":                strings.Repeat("\x00", 4096),
		"cut short":            string(good[:len(good)-3]),
		"an array":             "[]",
		"null":                 "null",
		"text after the end":   string(good) + "{}",
		"not UTF-8":            swap("half", "h\xfflf"),
		"no version":           swap(`"version": 2,`, ``),
		"version 0":            swap(`"version": 2,`, `"version": 0,`),
		"version as text":      swap(`"version": 2,`, `"version": "1",`),
		"links not a list":     swap(`"links": [`, `"links": {}, "x": [`),
		"a link not an object": swap(`"links": [`, `"links": [ 7,`),
		"number for text":      swap(`"api_host": "api-de.cronofy.com"`, `"api_host": 7`),
		"no client id":         swap(`"client_id": "k3Hn2cWq9ZrT5vXy7LbD"`, `"client_id": ""`),
		"not a time":           swap(`"2026-05-04T03:02:01Z"`, `"yesterday"`),
		"the same link twice":  swap("ser_two", "ser_one"),
		"ledger not a list":    swap(`"ledger": [`, `"ledger": {}, "x": [`),
		"ledger without store": swap("\"ledger\": [\n    {\n      \"secret_store\": \"keyring\"", `"ledger": [{"secret_store": ""`),
	} {
		_, err := decode([]byte(text))
		require.ErrorIs(t, err, ErrDamaged, name)
	}
	for name, text := range map[string]string{
		"newer":                   swap(`"version": 2,`, `"version": 3,`),
		"newer and quite another": `{"version": 99, "links": "elsewhere"}`,
	} {
		_, err := decode([]byte(text))
		require.ErrorIs(t, err, ErrNewer, name)
	}
}

// TestTextsAreCleaned: whoever wrote them into the file.
func TestTextsAreCleaned(t *testing.T) {
	t.Parallel()
	good, err := encode(full())
	require.NoError(t, err)
	c, err := decode([]byte(strings.NewReplacer("Example GmbH", `\u001b[2J`+"a\u202eb", "half", `\u0007`).Replace(string(good))))
	require.NoError(t, err)
	require.Equal(t, "ab", c.Links[0].Label)
	require.Equal(t, " <done> & more", c.Draft.Label)
}

func TestEncodeRefusesWhatItCouldNotRead(t *testing.T) {
	t.Parallel()
	_, err := encode(Contents{Links: []Link{{Provider: "any"}}})
	require.ErrorIs(t, err, ErrDamaged)
	_, err = encode(Contents{Links: []Link{link("ser_one"), link("ser_one")}})
	require.ErrorIs(t, err, ErrDamaged)
}

func FuzzDecode(f *testing.F) {
	good, err := encode(full())
	require.NoError(f, err)
	for _, seed := range []string{string(good), `{"version":1}`, `{"version":99}`, `{"version":1,"Links":[{}],"x":{}}`,
		`{"version":1,"version":2}`, `{"version":1,"links":[{"CLIENT_ID":"a","client_id":"b","extra":"}"}]}`, "[]", ""} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		c, err := decode(b)
		if err != nil {
			if !errors.Is(err, ErrDamaged) && !errors.Is(err, ErrNewer) {
				t.Fatalf("neither damaged nor newer: %v", err)
			}
			return
		}
		first, err := encode(c)
		if err != nil {
			t.Fatalf("read but not writable: %v", err)
		}
		again, err := decode(first)
		if err != nil {
			t.Fatalf("written but not readable: %v\n%s", err, first)
		}
		second, err := encode(again)
		if err != nil || !bytes.Equal(first, second) {
			t.Fatalf("not stable: %v\n%s\n%s", err, first, second)
		}
	})
}
