// Package opener opens a web page in the operator's browser, and tells what kind
// of session this is, so far as it decides wording and which way is offered
// first. A browser that does not come is never the end of anything: the caller
// shows the address as well.
package opener
