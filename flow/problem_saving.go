package flow

import (
	"errors"

	"confer/cronofy"
	"confer/internal/links"
)

// explainUnsaved says why a later run will not go on where this one stops. That
// stops nothing now.
func explainUnsaved(err error) string {
	if errors.Is(err, links.ErrClaimed) {
		return "Another confer is at work on this machine. Its answers are left alone, and those given here are not saved for later."
	}
	return "Your answers cannot be saved for later: " + cronofy.CleanText(err.Error(), 200) + ". confer doctor says more."
}
