package opener

import "syscall"

// detached gives the browser no console and a process group of its own: Ctrl+C
// in our console does not reach it.
// https://learn.microsoft.com/windows/win32/procthread/process-creation-flags
func detached() *syscall.SysProcAttr {
	const detachedProcess = 0x00000008
	return &syscall.SysProcAttr{HideWindow: true, CreationFlags: syscall.CREATE_NEW_PROCESS_GROUP | detachedProcess}
}
