// Package suspend stops the program as the job of a shell, as an editor does on
// Ctrl+Z, and tells when it goes on, so that whoever changed the terminal can give
// it back before and change it again after.
package suspend
