//go:build !linux

package command

// harden keeps this process's memory off the disk where the system can.
func harden() { noCore() }
