// Package links keeps the file of links made and of the answers of an unfinished
// run. It never holds a secret: those are in the operator's store, under the
// names that KeyParts functions give.
//
// The file is private to the user (0600 in a folder 0700), replaced as a whole
// (written beside it, synced, renamed), changed by one process at a time (a lock
// file beside it), and never followed through a symbolic link. What cannot be
// understood is set aside under another name, not overwritten.
//
// On Windows, where modes mean nothing, the file is private because the user's
// profile is.
package links
