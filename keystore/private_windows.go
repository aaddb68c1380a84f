package keystore

import (
	"os"
	"unsafe"

	"golang.org/x/sys/windows"
)

// lockFlag opens the lock file.
const lockFlag = os.O_CREATE | os.O_RDWR

// readsLock: a file that is open for reading cannot be replaced on Windows.
const readsLock = true

const (
	rightsRead = windows.FILE_READ_DATA | windows.GENERIC_READ | windows.GENERIC_ALL
	// rightsWrite let somebody change a file, or put another in its place in a folder.
	rightsWrite = windows.FILE_WRITE_DATA | windows.FILE_APPEND_DATA | windows.GENERIC_WRITE |
		windows.GENERIC_ALL | windows.DELETE | windows.WRITE_DAC | windows.WRITE_OWNER | rightDeleteChild
	rightDeleteChild = 0x40 // FILE_DELETE_CHILD, winnt.h
)

func checkFolder(folder string) error {
	info, err := os.Lstat(folder)
	if err != nil {
		return err
	}
	if !info.IsDir() { // a link or a junction is none
		return insecure(folder + " is not a folder")
	}
	sd, err := windows.GetNamedSecurityInfo(folder, windows.SE_FILE_OBJECT, windows.OWNER_SECURITY_INFORMATION|windows.DACL_SECURITY_INFORMATION)
	if err != nil {
		return err
	}
	return checkAccess(folder, sd, rightsWrite)
}

func openPrivate(path string) (*os.File, error) {
	named, err := os.Lstat(path)
	if err != nil {
		return nil, err
	}
	if !named.Mode().IsRegular() {
		return nil, insecure(path + " is not a regular file")
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	opened, err := f.Stat()
	if err != nil || !os.SameFile(named, opened) {
		_ = f.Close()
		return nil, insecure(path + " was replaced while it was opened")
	}
	return f, nil
}

// isLink: opening does not tell.
func isLink(error) bool { return false }

func checkFile(f *os.File) error {
	sd, err := windows.GetSecurityInfo(windows.Handle(f.Fd()), windows.SE_FILE_OBJECT, windows.OWNER_SECURITY_INFORMATION|windows.DACL_SECURITY_INFORMATION)
	if err != nil {
		return err
	}
	return checkAccess(f.Name(), sd, rightsRead|rightsWrite)
}

// checkAccess refuses what is not the user's or gives any of the rights to
// anybody but the user, SYSTEM and the administrators.
func checkAccess(name string, sd *windows.SECURITY_DESCRIPTOR, rights windows.ACCESS_MASK) error {
	user, err := windows.GetCurrentProcessToken().GetTokenUser()
	if err != nil {
		return err
	}
	owner, _, err := sd.Owner()
	if err != nil {
		return err
	}
	if !trusted(owner, user.User.Sid) {
		return insecure(name + " belongs to another user")
	}
	dacl, _, err := sd.DACL()
	if err != nil || dacl == nil {
		return insecure(name + " has no access list")
	}
	for i := range uint32(dacl.AceCount) {
		var ace *windows.ACCESS_ALLOWED_ACE
		if err := windows.GetAce(dacl, i, &ace); err != nil {
			return err
		}
		if ace.Header.AceType != windows.ACCESS_ALLOWED_ACE_TYPE || ace.Header.AceFlags&windows.INHERIT_ONLY_ACE != 0 || ace.Mask&rights == 0 {
			continue
		}
		if !trusted((*windows.SID)(unsafe.Pointer(&ace.SidStart)), user.User.Sid) {
			return insecure("others have access to " + name)
		}
	}
	return nil
}

func trusted(sid, user *windows.SID) bool {
	return sid.Equals(user) || sid.IsWellKnown(windows.WinLocalSystemSid) ||
		sid.IsWellKnown(windows.WinBuiltinAdministratorsSid) || sid.IsWellKnown(windows.WinCreatorOwnerRightsSid)
}

// makePrivate gives f an access list of its own, with the user and SYSTEM only,
// instead of what it inherited from the folder.
func makePrivate(f *os.File) error {
	user, err := windows.GetCurrentProcessToken().GetTokenUser()
	if err != nil {
		return err
	}
	sd, err := windows.SecurityDescriptorFromString("D:P(A;;FA;;;" + user.User.Sid.String() + ")(A;;FA;;;SY)")
	if err != nil {
		return err
	}
	dacl, _, err := sd.DACL()
	if err != nil {
		return err
	}
	return windows.SetNamedSecurityInfo(f.Name(), windows.SE_FILE_OBJECT,
		windows.DACL_SECURITY_INFORMATION|windows.PROTECTED_DACL_SECURITY_INFORMATION, nil, nil, dacl, nil)
}

// syncFolder has nothing to do: NTFS journals a rename.
func syncFolder(string) error { return nil }

// globEscape: '[' cannot be escaped for filepath.Glob on Windows, so such a
// folder keeps what a killed process left.
func globEscape(path string) string { return path }
