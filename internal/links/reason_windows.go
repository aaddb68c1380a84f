package links

import (
	"errors"
	"io/fs"

	"golang.org/x/sys/windows"
)

func reasonOf(err error) error {
	switch {
	case errors.Is(err, fs.ErrPermission), errors.Is(err, windows.ERROR_WRITE_PROTECT):
		return ErrUnwritable
	case errors.Is(err, windows.ERROR_DISK_FULL), errors.Is(err, windows.ERROR_HANDLE_DISK_FULL):
		return ErrFull
	}
	return ErrIO
}
