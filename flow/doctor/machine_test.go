package doctor_test

import (
	"net"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"confer/flow/callback"
	"confer/flow/doctor"
	"confer/flow/links"
)

func TestPort(t *testing.T) {
	t.Parallel()
	l, err := net.Listen("tcp4", "127.0.0.1:0")
	require.NoError(t, err)
	uri := "http://" + l.Addr().String() + "/callback"
	var port *callback.PortError
	require.ErrorAs(t, doctor.Port(t.Context(), uri, ""), &port)
	require.Equal(t, callback.PortInUse, port.Class)
	if runtime.GOOS == "linux" {
		require.Contains(t, port.Holder, "(pid ")
	}
	require.NoError(t, l.Close())
	require.NoError(t, doctor.Port(t.Context(), uri, ""))
	require.NoError(t, doctor.Port(t.Context(), uri, ""), "the first check still holds the port")
	require.NoError(t, doctor.Port(t.Context(), "https://app.example.test/done", ""))
	require.ErrorAs(t, doctor.Port(t.Context(), "http://127.0.0.1:6000/callback", ""), &port)
	require.Equal(t, callback.PortUnsafe, port.Class)
}

func TestFolder(t *testing.T) {
	t.Parallel()
	if runtime.GOOS == "windows" {
		t.Skip("modes mean nothing there")
	}
	for _, c := range []struct {
		name   string
		make   func(t *testing.T, dir string)
		exists bool
		reason error
		detail string
	}{
		{"absent", func(*testing.T, string) {}, false, nil, ""},
		{"in order", func(t *testing.T, dir string) {
			require.NoError(t, os.Mkdir(dir, 0o700))
			require.NoError(t, os.WriteFile(filepath.Join(dir, "links.json"), nil, 0o600))
		}, true, nil, ""},
		{"open to others", func(t *testing.T, dir string) {
			require.NoError(t, os.Mkdir(dir, 0o700))
			require.NoError(t, os.Chmod(dir, 0o777))
		}, true, links.ErrUnsafe, "mode 0777"},
		{"a file is open to others", func(t *testing.T, dir string) {
			require.NoError(t, os.Mkdir(dir, 0o700))
			require.NoError(t, os.WriteFile(filepath.Join(dir, "links.json"), nil, 0o644))
		}, true, links.ErrUnsafe, "mode 0644"},
		{"a file is a link", func(t *testing.T, dir string) {
			require.NoError(t, os.Mkdir(dir, 0o700))
			require.NoError(t, os.Symlink("/dev/null", filepath.Join(dir, "links.json")))
		}, true, links.ErrUnsafe, "not a regular file"},
		{"not a folder", func(t *testing.T, dir string) {
			require.NoError(t, os.WriteFile(dir, nil, 0o600))
		}, true, links.ErrUnsafe, "not a folder"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			top := t.TempDir()
			dir := filepath.Join(top, "confer")
			c.make(t, dir)
			exists, err := doctor.Folder(dir, "links.json", "secrets.age")
			require.Equal(t, c.exists, exists)
			require.ErrorIs(t, err, c.reason)
			if c.detail != "" {
				require.ErrorContains(t, err, c.detail)
			}
			left, err := filepath.Glob(filepath.Join(top, ".confer-doctor-*"))
			require.NoError(t, err)
			require.Empty(t, left)
			if !c.exists {
				require.NoDirExists(t, dir, "a check must change nothing")
			}
		})
	}
}

func TestFolderUnderAFile(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "file")
	require.NoError(t, os.WriteFile(file, nil, 0o600))
	_, err := doctor.Folder(filepath.Join(file, "confer"))
	require.Error(t, err)
}

func TestRegistrationText(t *testing.T) {
	t.Parallel()
	text := doctor.Registration{ClientID: "k3Hn2cWq9ZrT5vXy7LbD", DataCenter: "Germany (api-de.cronofy.com)",
		RedirectURIs: []string{"http://127.0.0.1:8739/callback", "http://127.0.0.1:8740/callback"}}.Text()
	require.Equal(t, `To: support@cronofy.com
Subject: Permitted redirect URIs for application k3Hn2cWq9ZrT5vXy7LbD

Hello,

please add these redirect URIs to the permitted list of our application, exactly as written:

  http://127.0.0.1:8739/callback
  http://127.0.0.1:8740/callback

Client id: k3Hn2cWq9ZrT5vXy7LbD
Data center: Germany (api-de.cronofy.com)

They are used for the authorization of Enterprise Conferencing.

Thank you
`, text)
	require.Equal(t, 2, strings.Count(doctor.Registration{}.Text(), "(your client id)"))
}
