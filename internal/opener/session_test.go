package opener

import (
	"testing"
	"testing/fstest"

	"github.com/stretchr/testify/require"
)

const (
	microsoft = "proc/sys/kernel/osrelease"
	docker    = ".dockerenv"
	podman    = "run/.containerenv"
)

type session struct {
	name, goos     string
	environ, files []string
	want           Kind
}

func sessions() []session {
	return []session{
		{"desktop", "linux", []string{"DISPLAY=:0"}, nil, Desktop},
		{"wayland", "linux", []string{"WAYLAND_DISPLAY=w"}, nil, Desktop},
		{"nothing", "linux", nil, nil, Headless},
		{"empty variable", "linux", []string{"DISPLAY="}, nil, Headless},
		{"freebsd", "freebsd", []string{"DISPLAY=:0"}, nil, Desktop},
		{"ssh", "linux", []string{"SSH_CONNECTION=192.0.2.1 1 192.0.2.2 22"}, nil, Remote},
		{"ssh with X", "linux", []string{"SSH_TTY=/dev/pts/1", "DISPLAY=localhost:10"}, nil, Remote},
		{"ssh to macOS", "darwin", []string{"SSH_CLIENT=x"}, nil, Remote},
		{"macOS", "darwin", nil, nil, Desktop},
		{"Windows", "windows", nil, nil, Desktop},
		{"WSL", "linux", []string{"WSL_DISTRO_NAME=Debian"}, nil, Desktop},
		{"WSL by kernel", "linux", nil, []string{microsoft}, Desktop},
		{"WSL in VS Code", "linux", []string{"WSL_INTEROP=x", "VSCODE_IPC_HOOK_CLI=x", "BROWSER=x"}, nil, Desktop},
		{"ssh to WSL", "linux", []string{"WSL_INTEROP=x", "SSH_CONNECTION=x"}, nil, Remote},
	}
}

func sealedSessions() []session {
	return []session{
		{"docker", "linux", nil, []string{docker}, Container},
		{"docker on Windows", "linux", nil, []string{docker, microsoft}, Container},
		{"podman", "linux", nil, []string{podman}, Container},
		{"nspawn", "linux", []string{"container=systemd-nspawn"}, nil, Container},
		{"pod", "linux", []string{"KUBERNETES_SERVICE_HOST=10.0.0.1"}, nil, Container},
		{"toolbox", "linux", []string{"container=oci", "WAYLAND_DISPLAY=w"}, []string{podman}, Desktop},
		{"VS Code over ssh", "linux", []string{"VSCODE_IPC_HOOK_CLI=x", "BROWSER=x", "SSH_CONNECTION=x"}, nil, Remote},
		{"shell below VS Code", "linux", []string{"VSCODE_IPC_HOOK_CLI=x", "BROWSER=x", "SSH_CONNECTION=x", "SSH_TTY=x"}, nil, Remote},
		{"dev container", "linux", []string{"VSCODE_IPC_HOOK_CLI=x", "BROWSER=x", "REMOTE_CONTAINERS=true"}, []string{docker}, Remote},
		{"tunnel", "linux", []string{"VSCODE_IPC_HOOK_CLI=x", "BROWSER=x"}, nil, Remote},
		{"codespace", "linux", []string{"CODESPACES=true", "VSCODE_IPC_HOOK_CLI=x", "BROWSER=x", "SSH_CONNECTION=x"}, nil, Remote},
		{"VS Code, no helper", "linux", []string{"VSCODE_IPC_HOOK_CLI=x", "DISPLAY=:0"}, nil, Desktop},
	}
}

func TestSession(t *testing.T) {
	t.Parallel()
	for _, c := range append(sessions(), sealedSessions()...) {
		f := machine(c.goos, c.environ)
		files := fstest.MapFS{}
		for _, name := range c.files {
			files[name] = &fstest.MapFile{Data: []byte("5.15.167.4-microsoft-standard-WSL2")}
		}
		f.Files = files
		require.Equal(t, c.want, f.Session(), c.name)
	}
}
