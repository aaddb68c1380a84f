package ui

import "io"

// plainBlocking is a reader whose reads cannot be given up.
type plainBlocking struct{ io.Reader }

func plainUncancelable(r io.Reader) plainBlocking { return plainBlocking{r} }

// Cancel tells that it cannot.
func (plainBlocking) Cancel() bool { return false }

// Close leaves the reader to its owner.
func (plainBlocking) Close() error { return nil }
