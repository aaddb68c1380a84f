package command

import (
	"errors"
	"io"
	"os"
	"os/signal"
	"syscall"
)

// outliveReaders makes a write to a closed pipe an error of that write. The Go
// runtime would end the program with SIGPIPE, in the middle of a set-up that an
// administrator has approved. The signal is caught and not ignored: a browser
// would inherit that. https://pkg.go.dev/os/signal#hdr-SIGPIPE
func outliveReaders() { signal.Notify(make(chan os.Signal, 1), syscall.SIGPIPE) }

// heard is a writer that knows whether somebody reads.
type heard struct {
	w   io.Writer
	err error // of the last write
}

// Write implements io.Writer.
func (h *heard) Write(b []byte) (n int, err error) {
	n, h.err = h.w.Write(b)
	return n, h.err
}

// readerLeft tells whether a write failed because nobody reads on. That is no
// mistake, and there is nobody to tell.
func readerLeft(err error) bool {
	// Windows' ERROR_BROKEN_PIPE and ERROR_NO_DATA.
	// https://learn.microsoft.com/windows/win32/debug/system-error-codes--0-499-
	const brokenPipe, noData = 109, 232
	var errno syscall.Errno
	if !errors.As(err, &errno) {
		return false
	}
	return errno == syscall.EPIPE || os.PathSeparator == '\\' && (errno == brokenPipe || errno == noData)
}
