package callback

import (
	"io"
	"time"
)

// Config says where the answer is waited for, and which states count.
type Config struct {
	// RedirectURI as registered at Cronofy. Plain http to loopback is listened
	// on; port 0 there takes any free port (see Server.RedirectURI). Any other
	// one needs Listen, or the answer comes by paste.
	RedirectURI string
	// Listen is the host:port where the operator's tunnel or proxy delivers
	// what comes to RedirectURI, with Host and path unchanged. It may be empty.
	Listen string
	// States is the run's ledger, Answers what the states must be issued for.
	States  *States
	Answers string
	// OnStray is told of requests that were not the answer: of each kind the
	// first, the 10th, the 100th and so on. It must not block. It may be nil.
	OnStray func(Stray)
	// Rand makes the addresses of the short link and the outcome; nil takes crypto/rand.
	Rand io.Reader

	// ListenFunc listens in the network's place, where no browser is to come; nil
	// takes net.ListenConfig's.
	ListenFunc ListenFunc

	hold, again time.Duration
}

const (
	// firstHold is how long the outcome's page waits before it shows itself
	// unfinished: most exchanges take less, and then the first page is the truth.
	firstHold = 1500 * time.Millisecond
	// againHold: the unfinished page asks again once, and that request waits
	// long, so that a screen reader is not interrupted by reloads.
	againHold = 20 * time.Second
	// waitingAnswers is above the number of tabs that anyone has open.
	waitingAnswers = 64
)
