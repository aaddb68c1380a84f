package doctor_test

import (
	"errors"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"confer/flow/callback"
	"confer/internal/doctor"
	"confer/internal/links"
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

// folderCase is a folder as it is made, and what is wrong with it.
type folderCase struct {
	name   string
	make   func(dir string) error
	reason error
	detail string
}

func inside(dir string, make func() error) error { return errors.Join(os.Mkdir(dir, 0o700), make()) }

func folderCases() []folderCase {
	return []folderCase{
		{"in order", func(dir string) error {
			return inside(dir, func() error { return os.WriteFile(filepath.Join(dir, "links.json"), nil, 0o600) })
		}, nil, ""},
		{"open to others", func(dir string) error {
			return inside(dir, func() error { return os.Chmod(dir, 0o777) })
		}, links.ErrUnsafe, "mode 0777"},
		{"a file is open to others", func(dir string) error {
			return inside(dir, func() error { return os.WriteFile(filepath.Join(dir, "links.json"), nil, 0o644) })
		}, links.ErrUnsafe, "mode 0644"},
		{"a file is a link", func(dir string) error {
			return inside(dir, func() error { return os.Symlink("/dev/null", filepath.Join(dir, "links.json")) })
		}, links.ErrUnsafe, "not a regular file"},
		{"not a folder", func(dir string) error { return os.WriteFile(dir, nil, 0o600) }, links.ErrUnsafe, "not a folder"},
	}
}

func TestFolder(t *testing.T) {
	t.Parallel()
	if runtime.GOOS == "windows" {
		t.Skip("modes mean nothing there")
	}
	for _, c := range folderCases() {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			dir := filepath.Join(t.TempDir(), "confer")
			require.NoError(t, c.make(dir))
			exists, err := doctor.Folder(dir, "links.json", "secrets.age")
			require.True(t, exists)
			require.ErrorIs(t, err, c.reason)
			if c.detail != "" {
				require.ErrorContains(t, err, c.detail)
			}
			left, err := filepath.Glob(filepath.Join(dir, ".confer-doctor-*"))
			require.NoError(t, err)
			require.Empty(t, left)
		})
	}
}

func TestFolderThatIsNotThere(t *testing.T) {
	t.Parallel()
	top := t.TempDir()
	exists, err := doctor.Folder(filepath.Join(top, "state", "confer"), "links.json")
	require.NoError(t, err)
	require.False(t, exists)
	entries, err := os.ReadDir(top)
	require.NoError(t, err)
	require.Empty(t, entries, "a check must change nothing")
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
