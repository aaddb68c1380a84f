package doctor

import (
	"context"
	"time"

	"confer/flow/callback"
)

const portLimit = 2 * time.Second

// Port listens where a redirect URI's callback would arrive, and stops again. A
// redirect URI that is not on this machine needs listen, the host:port where a
// tunnel or proxy delivers it. A port that cannot be had is a *callback.PortError.
func Port(ctx context.Context, redirectURI, listen string) error {
	ctx, cancel := context.WithTimeout(ctx, portLimit)
	defer cancel()
	s, err := callback.Open(ctx, callback.Config{RedirectURI: redirectURI, Listen: listen, States: callback.NewStates(nil)})
	if err != nil {
		return err
	}
	s.Close()
	return nil
}
