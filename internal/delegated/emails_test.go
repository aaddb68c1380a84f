package delegated

import (
	"errors"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/stretchr/testify/require"

	"confer/cronofy"
)

func TestReadEmails(t *testing.T) {
	t.Parallel()
	want := []string{"amara@example.test", "room-4@example.test"}
	for name, in := range map[string]string{
		"lines":            "amara@example.test\nroom-4@example.test\n",
		"no last newline":  "amara@example.test\nroom-4@example.test",
		"windows":          "\ufeffamara@example.test\r\n\r\nroom-4@example.test\r\n",
		"repeated":         "amara@example.test\nAMARA@example.test\nroom-4@example.test\n",
		"a heading":        "Email\namara@example.test\nroom-4@example.test\n",
		"CSV":              "name,email\nAmara Osei,amara@example.test\n\"Room, 4\",room-4@example.test\n",
		"semicolons":       "email;name\namara@example.test;Amara\nroom-4@example.test;\n",
		"tabs":             "name\t\"Email\"\nAmara\tamara@example.test\nnobody\nRoom\troom-4@example.test\n",
		"spaces around it": "  amara@example.test  \n\troom-4@example.test\n",
	} {
		got, err := ReadEmails(strings.NewReader(in))
		require.NoError(t, err, name)
		require.Equal(t, want, got, name)
	}
}

func TestReadEmailsNamesTheLine(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"amara@example.test\nAmara\n":          "line 2: not an e-mail address",
		"a@\n":                                 "line 1: not an e-mail address",
		"a b@example.test\n":                   "line 1: not an e-mail address",
		"a\x1b[2J@example.test\n":              "line 1: not an e-mail address",
		"x\n":                                  "line 1: not an e-mail address",
		"email,name\n\"amara@example.test,x\n": "line 2: extraneous or missing \" in quoted-field",
		strings.Repeat("a", 400) + "@example.test\n":      "line 1: not an e-mail address",
		"a@example.test\n" + strings.Repeat("b", 70_000):  "line 2: too long for an e-mail address",
		"a@example.test\nb@example.test, c@example.test ": "line 2: not an e-mail address",
	} {
		_, err := ReadEmails(strings.NewReader(in))
		var bad *EmailError
		require.ErrorAs(t, err, &bad, "%.40q", in)
		require.EqualError(t, err, want)
	}
	_, err := ReadEmails(iotest.ErrReader(errTest))
	require.True(t, errors.Is(err, errTest))
}

func TestAddRooms(t *testing.T) {
	t.Parallel()
	got := AddRooms([]string{"Room-1@example.test", "amara@example.test"}, []cronofy.Resource{
		{Email: "room-1@example.test"}, {Email: "room-2@example.test"}, {Email: "Boardroom"}, {Email: "room-2@example.test"}})
	require.Equal(t, []string{"Room-1@example.test", "amara@example.test", "room-2@example.test"}, got)
}

func FuzzReadEmails(f *testing.F) {
	f.Add("amara@example.test\n")
	f.Add("a,email\n1,amara@example.test\n\"")
	f.Add("\ufeffemail\n\x00@\n")
	f.Fuzz(func(t *testing.T, in string) {
		list, err := ReadEmails(strings.NewReader(in))
		if err != nil {
			require.Empty(t, list)
			return
		}
		for _, e := range list {
			require.True(t, plausible(e))
		}
	})
}
