package links

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"
)

// What a copy of the test program does instead of testing.
const (
	roleAdd    = "add" // adds links one by one
	roleSource = "LINKS_TEST_ROLE"
)

func TestMain(m *testing.M) {
	if os.Getenv(roleSource) == roleAdd {
		os.Exit(addLinks(os.Args[1], os.Args[2], os.Args[3]))
	}
	goleak.VerifyTestMain(m, goleak.IgnoreAnyFunction("net/http.(*persistConn).readLoop"),
		goleak.IgnoreAnyFunction("net/http.(*persistConn).writeLoop"))
}

func addLinks(path, name, count string) int {
	n, err := strconv.Atoi(count)
	for i := 0; i < n && err == nil; i++ {
		f := Open(path)
		f.lockLimit = 2 * time.Minute // a busy machine is no other process
		err = f.Update(context.Background(), func(c *Contents) {
			c.AddLink(link(fmt.Sprintf("ser_%s%d", name, i)))
		})
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return 0
}

func again(t *testing.T, role string, args ...string) *exec.Cmd {
	t.Helper()
	self, err := os.Executable()
	require.NoError(t, err)
	cmd := exec.CommandContext(t.Context(), self, args...)
	cmd.Env = append(os.Environ(), roleSource+"="+role)
	cmd.Stderr = os.Stderr
	return cmd
}
