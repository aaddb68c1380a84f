package flow

import (
	"os"
	"regexp"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestDocTable keeps the table of steps in the package comment true.
func TestDocTable(t *testing.T) {
	t.Parallel()
	src, err := os.ReadFile("step.go")
	require.NoError(t, err)
	var told []string
	for _, m := range regexp.MustCompile(`(?m)^//\t(\w+) {2,}`).FindAllSubmatch(src, -1) {
		told = append(told, string(m[1]))
	}
	var steps []string
	for _, s := range Steps() {
		steps = append(steps, s.String())
		require.NotEmpty(t, s.Title())
	}
	require.Equal(t, steps, told)
}
