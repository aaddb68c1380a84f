//go:build !windows

package opener

import "syscall"

// detached gives the browser a session of its own: Ctrl+C in our terminal does
// not reach it.
func detached() *syscall.SysProcAttr { return &syscall.SysProcAttr{Setsid: true} }
