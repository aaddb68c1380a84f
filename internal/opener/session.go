package opener

import (
	"io/fs"
	"strings"
)

// Kind is what sort of session confer runs in.
type Kind string

// The kinds of session.
const (
	Desktop   Kind = "desktop"   // WSL is one: the browser is on Windows, loopback is shared
	Remote    Kind = "remote"    // over SSH, in an editor or a codespace: browsers are on the operator's machine
	Container Kind = "container" // no display; ports reach it only if published
	Headless  Kind = "headless"
)

// Session classifies this session by the rules of Git Credential Manager's
// LinuxSessionManager.cs, extended by SSH and containers.
// https://github.com/git-ecosystem/git-credential-manager
func (m Machine) Session() Kind {
	switch ssh := m.has("SSH_CONNECTION") || m.has("SSH_TTY") || m.has("SSH_CLIENT"); {
	case m.wsl() && !ssh: // before the editor: it shares loopback too
		return Desktop
	case ssh, m.has("CODESPACES"), m.has("VSCODE_IPC_HOOK_CLI") && m.has("BROWSER"):
		return Remote
	case m.canShow(): // also in toolbox and distrobox, on the host's display
		return Desktop
	case m.container():
		return Container
	}
	return Headless
}

func (m Machine) wsl() bool {
	if m.GOOS != "linux" {
		return false
	}
	if m.has("WSL_DISTRO_NAME") || m.has("WSL_INTEROP") {
		return true
	}
	version, err := fs.ReadFile(m.Files, "proc/sys/kernel/osrelease")
	return err == nil && !m.container() && // containers on Windows run on the same kernel
		strings.Contains(strings.ToLower(string(version)), "microsoft")
}

func (m Machine) container() bool {
	if m.has("container") || m.has("KUBERNETES_SERVICE_HOST") {
		return true
	}
	for _, mark := range []string{".dockerenv", "run/.containerenv"} {
		if _, err := fs.Stat(m.Files, mark); err == nil {
			return true
		}
	}
	return false
}

func (m Machine) has(key string) bool { return m.getenv(key) != "" }
