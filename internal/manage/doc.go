// Package manage looks after links that were made: what is linked and where each
// secret is, whether confer's own token still works, handing the tokens to the
// operator's application, and forgetting. What is forgotten is what the ledger of
// the file of links has, in whichever store it lies, so nothing is left of a link
// that moved or of a set-up that was not finished.
//
// A refresh may rotate the refresh token, and then the old one is spent. So every
// refresh goes through one place that holds a lock of the link while it reads the
// token, shows that the store can be written, asks Cronofy and stores the new
// token, and that is not broken off in between. The lock is a file beside the file
// of links, held by one process at a time (flock; LockFileEx on Windows); a
// process that waited reads the token anew. Set-up does not take the lock: should
// it have stored the token of a new authorization meanwhile, that one stays.
package manage
