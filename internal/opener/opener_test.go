package opener

import (
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/stretchr/testify/require"
)

const address = "http://127.0.0.1:8739/go/mfzwizlnmfzwizlnmfzwizlnma"

// fake is a machine that has some programs, of which some do not start.
type fake struct {
	Machine
	started [][]string
	cmds    []*exec.Cmd
}

func machine(goos string, environ []string, programs ...string) *fake {
	f := &fake{}
	f.Machine = Machine{
		GOOS: goos, Environ: environ, Files: fstest.MapFS{},
		LookPath: func(file string) (string, error) {
			if slices.Contains(programs, file) || slices.Contains(programs, "broken "+file) {
				return file, nil
			}
			return "", exec.ErrNotFound
		},
		Start: func(c *exec.Cmd) error {
			if slices.Contains(programs, "broken "+c.Args[0]) {
				return fs.ErrPermission
			}
			f.started, f.cmds = append(f.started, c.Args), append(f.cmds, c)
			return nil
		},
	}
	return f
}

func TestACommandIsSplitWithoutAShell(t *testing.T) {
	t.Parallel()
	for command, want := range map[string][]string{
		"firefox":                           {"firefox", address},
		" firefox  -P work ":                {"firefox", "-P", "work", address},
		"firefox --url=%s --new":            {"firefox", "--url=" + address, "--new"},
		`firefox "my profile" 'a"b' c\d`:    {"firefox", "my profile", `a"b`, `c\d`, address},
		`firefox ""`:                        {"firefox", "", address},
		"firefox $(touch /tmp/x); rm -rf *": {"firefox", "$(touch", "/tmp/x);", "rm", "-rf", "*", address},
		"firefox\t%s %s":                    {"firefox", address, address},
	} {
		f := machine("linux", nil, "firefox")
		require.NoError(t, f.Open(command, address), command)
		require.Equal(t, [][]string{want}, f.started, command)
	}
}

func TestWhatIsNotOpened(t *testing.T) {
	t.Parallel()
	f := machine("linux", []string{"DISPLAY=:0"}, "firefox", "xdg-open")
	for _, bad := range []string{"", "file:///etc/passwd", "javascript:alert(1)", "-new-window", "//x", "http://", "http://\x7f", "mailto:a@example.test"} {
		require.ErrorIs(t, f.Open("firefox", bad), ErrAddress, bad)
		require.ErrorIs(t, f.Open(System, bad), ErrAddress, bad)
	}
	require.ErrorIs(t, f.Open(None, address), ErrNone)
	require.ErrorIs(t, f.Open(`firefox "open`, address), ErrCommand)
	require.ErrorIs(t, f.Open("nothere %s", address), ErrNotFound)
	require.Empty(t, f.started)
}

func TestTheSystemsBrowser(t *testing.T) {
	t.Parallel()
	const wsl = "WSL_DISTRO_NAME=Debian"
	for _, c := range []struct {
		name, goos        string
		environ, programs []string
		want              []string
		err               error
	}{
		{"desktop", "linux", []string{"DISPLAY=:0"}, []string{"xdg-open", "x-www-browser"}, []string{"xdg-open", address}, nil},
		{"wayland", "linux", []string{"WAYLAND_DISPLAY=wayland-0"}, []string{"x-www-browser"}, []string{"x-www-browser", address}, nil},
		{"broken first", "linux", []string{"DISPLAY=:0"}, []string{"broken xdg-open", "www-browser"}, []string{"www-browser", address}, nil},
		{"only broken", "linux", []string{"DISPLAY=:0"}, []string{"broken xdg-open"}, nil, fs.ErrPermission},
		{"nothing", "linux", []string{"DISPLAY=:0"}, nil, nil, ErrNotFound},
		{"no desktop", "linux", nil, []string{"xdg-open"}, nil, ErrNoDisplay},
		{"BROWSER without desktop", "linux", []string{"BROWSER=/vscode/helper.sh"}, []string{"/vscode/helper.sh"}, []string{"/vscode/helper.sh", address}, nil},
		{"BROWSER list", "linux", []string{"BROWSER=nothere:broken:firefox -P x %s:w"}, []string{"broken broken", "firefox", "w"}, []string{"firefox", "-P", "x", address}, nil},
		{"BROWSER not there", "linux", []string{"DISPLAY=:0", "BROWSER=nothere::'"}, []string{"xdg-open"}, []string{"xdg-open", address}, nil},
		{"BROWSER none", "linux", []string{"DISPLAY=:0", "BROWSER=none"}, []string{"xdg-open"}, nil, ErrNone},
		{"BROWSER with an open quote", "linux", []string{"DISPLAY=:0", "BROWSER='firefox"}, nil, nil, ErrCommand},
		{"text browser", "linux", []string{"BROWSER=w3m:lynx"}, []string{"w3m", "lynx"}, nil, ErrNoDisplay},
		{"WSL", "linux", []string{wsl}, []string{"xdg-open", "wslview"}, []string{"wslview", address}, nil},
		{"WSL bare", "linux", []string{wsl}, []string{"rundll32.exe"}, []string{"rundll32.exe", "url.dll,FileProtocolHandler", address}, nil},
		{"macOS", "darwin", nil, []string{"/usr/bin/open"}, []string{"/usr/bin/open", address}, nil},
		{"Windows", "windows", []string{`systemroot=D:\Win`}, []string{`D:\Win\System32\rundll32.exe`}, []string{`D:\Win\System32\rundll32.exe`, "url.dll,FileProtocolHandler", address}, nil},
		{"Windows BROWSER", "windows", []string{`BROWSER=C:\b.exe -x`}, []string{`C:\b.exe`}, []string{`C:\b.exe`, "-x", address}, nil},
	} {
		f := machine(c.goos, c.environ, c.programs...)
		err := f.Open(System, address)
		if c.err != nil {
			require.ErrorIs(t, err, c.err, c.name)
			require.Empty(t, f.started, c.name)
			continue
		}
		require.NoError(t, err, c.name)
		require.Equal(t, [][]string{c.want}, f.started, c.name)
	}
}

func TestATextBrowserIsFoundBehindItsLinks(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(dir, "w3m"), nil, 0o700))
	require.NoError(t, os.Symlink(filepath.Join(dir, "w3m"), filepath.Join(dir, "alternative")))
	require.NoError(t, os.Symlink(filepath.Join(dir, "alternative"), filepath.Join(dir, "www-browser")))
	f := machine("linux", []string{"DISPLAY=:0"})
	f.LookPath = func(file string) (string, error) {
		path := filepath.Join(dir, file)
		_, err := os.Stat(path)
		return path, err
	}
	require.ErrorIs(t, f.Open(System, address), ErrNotFound)
	require.Empty(t, f.started)
}

func TestTheBrowserGetsNoSecret(t *testing.T) {
	t.Parallel()
	kept := []string{"HOME=/home/op", "DISPLAY=:0", "CRONOFY_CLIENT_ID=id", "CONFER_PROVIDER=zoom_enterprise", "AWS_PROFILE=x"}
	f := machine("linux", append(slices.Clone(kept),
		"CRONOFY_CLIENT_SECRET=hunter2", "confer_Secret_File=hunter2", "CONFER_PASSPHRASE=hunter2", "CONFER_ACCESS_TOKEN=hunter2"), "firefox")
	require.NoError(t, f.Open("firefox", address))
	require.Equal(t, kept, f.cmds[0].Env)

	f = machine("linux", []string{"CRONOFY_CLIENT_SECRET=hunter2"}, "firefox")
	require.NoError(t, f.Open("firefox", address))
	require.NotNil(t, f.cmds[0].Env, "nil would hand our whole environment over")
	require.Empty(t, f.cmds[0].Env)
}

func TestTheBrowserHasNoneOfOurFiles(t *testing.T) {
	t.Parallel()
	f := machine("linux", nil, "firefox")
	require.NoError(t, f.Open("firefox", address))
	c := f.cmds[0]
	require.True(t, c.Stdin == nil && c.Stdout == nil && c.Stderr == nil, "nil is the null device")
	require.NotNil(t, c.SysProcAttr)
}

func TestErrorsNameTheProgramOnly(t *testing.T) {
	t.Parallel()
	err := machine("linux", nil, "broken firefox").Open("firefox --password=hunter2", address)
	require.ErrorIs(t, err, fs.ErrPermission)
	require.Equal(t, "start firefox: permission denied", err.Error())
	err = machine("linux", nil).Open("firefox --password=hunter2", address)
	require.True(t, errors.Is(err, ErrNotFound) && !strings.Contains(err.Error(), "hunter2"))
}

func FuzzArguments(f *testing.F) {
	for _, seed := range []string{"firefox %s", `a "b c" 'd'`, `"`, "%s", " \t", "a%sb %s"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, command string) {
		args, err := arguments(command, address)
		if err != nil {
			require.ErrorIs(t, err, ErrCommand)
			return
		}
		if len(args) > 0 {
			require.Contains(t, strings.Join(args[1:], " "), address, "the address is an argument, never the program")
		}
	})
}
