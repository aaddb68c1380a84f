// Package callback takes the administrator's answer from the browser: the
// listener that the redirect URI leads to, the pages that the browser shows
// there, the short link that starts the way, the ledger of the states of a run,
// and the parser for an address that was pasted instead.
//
// No request ends the wait but one that carries a state of this run, issued for
// the same answers and not used before. All others are counted and answered in
// words. The browser is told how it ended only when the caller knows (Settle).
package callback
