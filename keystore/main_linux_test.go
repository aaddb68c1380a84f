//go:build linux

package keystore

import (
	"os"
	"testing"

	"go.uber.org/goleak"
)

// TestMain is also the entry of the child processes of the tests against a real
// keyring: godbus has one session bus for each process.
func TestMain(m *testing.M) {
	if os.Getenv(childVariable) != "" {
		os.Exit(child(os.Stdin, os.Stdout))
	}
	goleak.VerifyTestMain(m)
}
