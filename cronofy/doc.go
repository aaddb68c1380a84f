// Package cronofy is a client for the part of Cronofy's API that links an
// organisation's calendars with its conferencing provider: Organizational Unit
// link tokens, authorization URLs, tokens, userinfo, delegated access.
//
// A [Client] is safe for use by many goroutines. Every call takes a context,
// passes the [Limiter], and ends in a value, in the context's error, or in one
// of four types: [*Error] (Cronofy answered with a status outside 2xx),
// [*BadAnswerError] (2xx, but not what the API promises), [*NetworkError]
// (no answer), or a sentinel of this package (nothing was sent).
//
// A call is repeated by itself only where that is safe. What the API reference
// (https://docs.cronofy.com/developers/api/) does not say is a field of [Names].
//
// A further call is a method that fills a call (method, path, bearer, body, whether
// it is safe to repeat) for [Client].do, and reads the object that came back; a row
// in endpoints of call_test.go puts it through every fault.
package cronofy
