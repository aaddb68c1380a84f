package atomicfile

import (
	"errors"
	"io/fs"
	"os"
	"time"
	"unsafe"

	"golang.org/x/sys/windows"
)

const noWait = 0

// markAlive: a file that is open cannot be removed here, which is all it takes.
func markAlive(*os.File) {}

func removeIfDead(path string) {
	if _, err := regular(path); err == nil {
		_ = os.Remove(path)
	}
}

func lockFile(f *os.File) error {
	err := windows.LockFileEx(windows.Handle(f.Fd()), windows.LOCKFILE_EXCLUSIVE_LOCK|windows.LOCKFILE_FAIL_IMMEDIATELY, 0, 1, 0, &windows.Overlapped{})
	if errors.Is(err, windows.ERROR_LOCK_VIOLATION) || errors.Is(err, windows.ERROR_IO_PENDING) {
		return ErrLocked
	}
	if err != nil {
		return &fs.PathError{Op: "lock", Path: f.Name(), Err: err}
	}
	return nil
}

// openLock takes a file that another process is just removing for one that is locked.
func openLock(path string) (*os.File, error) {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
	if errors.Is(err, windows.ERROR_ACCESS_DENIED) {
		if _, there := os.Lstat(path); errors.Is(there, fs.ErrNotExist) { // it has just gone, or the folder takes no files
			f, err = os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
			if errors.Is(err, windows.ERROR_ACCESS_DENIED) {
				return nil, err
			}
		}
	}
	if busy(err) {
		return nil, ErrLocked
	}
	return f, err
}

// unlockFile removes the name, which fails while another process has it open.
func unlockFile(f *os.File, path string) {
	_ = f.Close()
	_ = os.Remove(path)
}

func busy(err error) bool {
	return errors.Is(err, windows.ERROR_SHARING_VIOLATION) || errors.Is(err, windows.ERROR_ACCESS_DENIED) || errors.Is(err, windows.ERROR_DELETE_PENDING)
}

// patiently tries again for a while: Windows refuses much while another process
// has the file open, which readers, indexers and virus scanners do for a moment.
func patiently(do func() error) error {
	const tries, apart = 50, 20 * time.Millisecond
	for i := 1; ; i++ {
		if err := do(); !busy(err) || i == tries {
			return err
		}
		time.Sleep(apart)
	}
}

func giveName(f *os.File, path string, replace bool) error {
	if err := f.Close(); err != nil { // an open file cannot be renamed
		return err
	}
	from, err := windows.UTF16PtrFromString(f.Name())
	if err != nil {
		return err
	}
	to, err := windows.UTF16PtrFromString(path)
	if err != nil {
		return err
	}
	flags := uint32(windows.MOVEFILE_WRITE_THROUGH)
	if replace {
		flags |= windows.MOVEFILE_REPLACE_EXISTING
	}
	err = patiently(func() error { return windows.MoveFileEx(from, to, flags) })
	switch {
	case err == nil:
		return nil
	case !replace && (errors.Is(err, windows.ERROR_ALREADY_EXISTS) || errors.Is(err, windows.ERROR_FILE_EXISTS)):
		return &fs.PathError{Op: "create", Path: path, Err: fs.ErrExist}
	}
	return &os.LinkError{Op: "rename", Old: f.Name(), New: path, Err: err}
}

// syncFolder has nothing to do: NTFS journals names, and giveName writes through.
func syncFolder(string) error { return nil }

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

// copyAccess gives f the access list of the file that it replaces.
func copyAccess(f *os.File, path string, _ fs.FileInfo) error {
	sd, err := windows.GetNamedSecurityInfo(path, windows.SE_FILE_OBJECT, windows.DACL_SECURITY_INFORMATION)
	if err != nil {
		return err
	}
	dacl, _, err := sd.DACL()
	if err != nil {
		return nil // there is no list: everybody may use it, as before
	}
	return windows.SetNamedSecurityInfo(f.Name(), windows.SE_FILE_OBJECT, windows.DACL_SECURITY_INFORMATION, nil, nil, dacl, nil)
}

func openNoFollow(path string) (f *os.File, err error) {
	err = patiently(func() error {
		named, err := regular(path)
		if err != nil {
			return err
		}
		if f, err = os.Open(path); err != nil {
			return err
		}
		opened, err := f.Stat()
		if err == nil && !os.SameFile(named, opened) {
			err = windows.ERROR_SHARING_VIOLATION // it was replaced in between: once more
		}
		if err != nil {
			_ = f.Close()
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	return f, nil
}

const (
	rightsRead = windows.FILE_READ_DATA | windows.GENERIC_READ | windows.GENERIC_ALL
	// rightsWrite let somebody change a file, or put another in its place in a folder.
	rightsWrite = windows.FILE_WRITE_DATA | windows.FILE_APPEND_DATA | windows.GENERIC_WRITE |
		windows.GENERIC_ALL | windows.DELETE | windows.WRITE_DAC | windows.WRITE_OWNER | rightDeleteChild
	rightDeleteChild = 0x40 // FILE_DELETE_CHILD, winnt.h
)

// checkAccess refuses what is secret and not the user's, or can be used by anybody but
// the user, SYSTEM and the administrators. Other private files are as private as the
// user's profile. An open file keeps its name, so that the list is the file's.
func checkAccess(path string, info fs.FileInfo, secret bool) error {
	if !secret {
		return nil
	}
	rights := windows.ACCESS_MASK(rightsWrite)
	if !info.IsDir() {
		rights |= rightsRead
	}
	sd, err := windows.GetNamedSecurityInfo(path, windows.SE_FILE_OBJECT, windows.OWNER_SECURITY_INFORMATION|windows.DACL_SECURITY_INFORMATION)
	if err != nil {
		return err
	}
	user, err := windows.GetCurrentProcessToken().GetTokenUser()
	if err != nil {
		return err
	}
	owner, _, err := sd.Owner()
	if err != nil {
		return err
	}
	if !trusted(owner, user.User.Sid) {
		return &UnsafeError{path, "belongs to another user"}
	}
	dacl, _, err := sd.DACL()
	if err != nil || dacl == nil {
		return &UnsafeError{path, "has no access list"}
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
			return &UnsafeError{path, "can be used by others"}
		}
	}
	return nil
}

func trusted(sid, user *windows.SID) bool {
	return sid.Equals(user) || sid.IsWellKnown(windows.WinLocalSystemSid) ||
		sid.IsWellKnown(windows.WinBuiltinAdministratorsSid) || sid.IsWellKnown(windows.WinCreatorOwnerRightsSid)
}
