package delegated

import (
	"fmt"
	"net/url"

	"confer/cronofy"
)

// callbackBase checks a public URL. Plain http to another machine would carry
// codes in the open.
func callbackBase(raw string) (*url.URL, error) {
	bad := func(reason string) error { return fmt.Errorf("%w: %s", ErrCallbackURL, reason) }
	u, err := url.Parse(raw)
	switch {
	case err != nil || cronofy.CleanText(raw, len(raw)+1) != raw:
		return nil, bad("not an address")
	case u.Scheme != "https" && u.Scheme != "http", u.Hostname() == "", u.Opaque != "":
		return nil, bad("must be like https://hooks.example.com/cronofy")
	case u.User != nil || u.Fragment != "" || u.RawFragment != "":
		return nil, bad("must have no user name and no part after #")
	case u.Scheme == "http" && !cronofy.LoopbackHost(u.Hostname()):
		return nil, bad("must begin with https://, because codes travel on it")
	}
	return u, nil
}

// CheckCallbackURL says what is wrong with a public URL: nil, or an error that
// wraps ErrCallbackURL and quotes nothing.
func CheckCallbackURL(raw string) error {
	_, err := callbackBase(raw)
	return err
}

// ListenError is a listener that could not be had.
type ListenError struct {
	Addr string
	Err  error
}

func (e *ListenError) Error() string { return "listen on " + e.Addr + ": " + e.Err.Error() }

// Unwrap gives the system's error.
func (e *ListenError) Unwrap() error { return e.Err }
