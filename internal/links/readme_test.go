package links

import (
	"os"
	"reflect"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestTheReadmeTellsWhatIsKept: nothing is written that is not told. A new member
// of the file gets its words here and in the table of docs/links.md.
func TestTheReadmeTellsWhatIsKept(t *testing.T) {
	t.Parallel()
	readme, err := os.ReadFile("../../docs/links.md")
	require.NoError(t, err)
	row := regexp.MustCompile("(?m)^\\|([^|]*)\\| `links.json`").FindSubmatch(readme)
	require.NotNil(t, row)
	words := map[string]string{"links": "links made", "service_accounts": "service accounts authorized", "draft": "unfinished answers",
		"browser": "browser", "ledger": "which secrets are stored",
		"pending": "approval links that may still be approved"}
	of := reflect.TypeFor[Contents]()
	for i := range of.NumField() {
		member, _, _ := strings.Cut(of.Field(i).Tag.Get("json"), ",")
		if member == "-" {
			continue
		}
		text, ok := words[member]
		require.True(t, ok, member)
		require.Contains(t, string(row[1]), text)
	}
}
