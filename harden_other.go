//go:build !linux

package main

// harden keeps this process's memory off the disk where the system can.
func harden() { noCore() }
