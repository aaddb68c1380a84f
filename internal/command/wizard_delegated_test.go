//go:build unix

package command

import (
	"net"
	"strconv"
	"testing"

	"github.com/stretchr/testify/require"

	"confer/internal/freeport"
)

// TestDelegatedAccessInTheWizard is the whole way: a service account authorized
// on the way, its people's and rooms' calendars through it, and their profiles.
func TestDelegatedAccessInTheWizard(t *testing.T) {
	t.Parallel()
	x := sandboxWizard(t, terminalOptions{width: 120, height: 40}, "--browser", "approve")
	x.toDelegated()
	x.until("the sandbox's people", "http://127.0.0.1:8749/cronofy")
	listen := unusedAddress(t)
	x.press(tabKey + ctrlU + "http://" + listen + "/hooks" + tabKey + ctrlU + listen + enter)
	x.until("Authorize 15 calendars?", "may bill")
	x.press(escape) // goes back, and everything stands there
	x.until("http://"+listen+"/hooks", "Callback URL")
	x.press(enter)
	x.until("Authorize 15 calendars?")
	x.press("y")
	x.until("amara@example.test", "room-4@example.test", "11 connected")
	x.press("r")
	x.until("amara@example.test", "Looking again", "11 connected")
	x.press("e")
	x.until("--emails FILE", "--callback-url http://"+listen+"/hooks")
	x.press(ctrlC)
	require.Contains(t, x.exits(0), "with zoom_enterprise")
}

// TestDelegatedAccessAfterABusyAddress: the sentence names it, and another one
// works.
func TestDelegatedAccessAfterABusyAddress(t *testing.T) {
	t.Parallel()
	x := sandboxWizard(t, terminalOptions{width: 120, height: 40}, "--browser", "approve")
	x.toDelegated()
	busy := holdAddress(t)
	x.press(tabKey + tabKey + ctrlU + busy + enter)
	x.until("The address " + busy + " is in use by another program.")
	x.press(escape)
	x.until("See it at work", "Through the service account")
	x.press(ctrlC)
	x.exits(0)
}

// toDelegated authorizes a service account at step 3 and goes on to the form of
// step 6.
func (x *terminal) toDelegated() {
	x.t.Helper()
	x.until("Which data center")
	x.press(enter)
	x.until("Client secret")
	x.press(enter)
	x.until("Service account id")
	x.press(tabKey + tabKey + enter)
	x.until("Delegated scope")
	x.press(enter)
	x.until("Which provider", "Authorized as ser_")
	x.press(enter)
	x.until("Ready for the administrator")
	x.press(enter)
	x.until("Linked:", "Through the service account")
	x.press("3" + enter)
	x.until("Callback URL")
}

func unusedAddress(t *testing.T) string {
	t.Helper()
	port, err := freeport.Port()
	require.NoError(t, err)
	return "127.0.0.1:" + strconv.Itoa(port)
}

// holdAddress has another program listen there until the test has ended.
func holdAddress(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp4", "127.0.0.1:0")
	require.NoError(t, err)
	t.Cleanup(func() { l.Close() })
	return l.Addr().String()
}
