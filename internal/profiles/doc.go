// Package profiles turns accounts into what is known of their conferencing
// profiles: a list of tokens goes in as a stream, records come out as a stream,
// and memory does not grow with the number of accounts.
//
// Run reads each account once (or for a while, see Options.Wait) and is what a
// command uses; Watch looks again and again at a short list and is what a screen
// uses. Every text in a Record is cleaned of control characters when the Record
// is made, so that no writer and no screen has to think of it.
package profiles
