// Package delegated gets access to people's and rooms' calendars through a
// service account: it asks Cronofy for many at once, takes the webhooks that
// answer on a listener of its own, and exchanges their codes for tokens.
//
// Each account has a callback URL of its own, with 128 random bits in its path,
// that works once. The public URL is the operator's (a tunnel, a proxy), the
// listener is ours, and it serves nothing else. Tokens stay in memory unless
// Config.Keep takes them.
//
// https://docs.cronofy.com/developers/api/enterprise-connect/delegated-access/
package delegated
