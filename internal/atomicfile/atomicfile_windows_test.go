package atomicfile

import (
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/windows"
)

func TestAccessList(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "secrets")
	require.NoError(t, Write(path, []byte("one"), Private))
	f, err := Open(path, true)
	require.NoError(t, err)
	require.NoError(t, f.Close())

	sd, err := windows.SecurityDescriptorFromString("D:P(A;;FA;;;WD)")
	require.NoError(t, err)
	everyone, _, err := sd.DACL()
	require.NoError(t, err)
	require.NoError(t, windows.SetNamedSecurityInfo(path, windows.SE_FILE_OBJECT,
		windows.DACL_SECURITY_INFORMATION|windows.PROTECTED_DACL_SECURITY_INFORMATION, nil, nil, everyone, nil))
	_, err = Open(path, true)
	require.EqualError(t, err, path+" can be used by others")
	require.NoError(t, Write(path, []byte("two"), Keep))
	_, err = Open(path, true)
	require.EqualError(t, err, path+" can be used by others", "Keep keeps the list")
	require.NoError(t, Write(path, []byte("three"), Private))
	f, err = Open(path, true)
	require.NoError(t, err)
	require.NoError(t, f.Close())
}
