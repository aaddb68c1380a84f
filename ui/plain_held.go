package ui

import "confer/flow"

// aboutHeld is said of an approval whose token no store has taken yet.
func (p *plainWizard) aboutHeld() []string {
	lines := []string{"Approved, but not finished."}
	if h := p.state.HeldHere(); p.state.Problem == nil { // else it was said just now
		lines = append(lines, h.Problem.Summary, h.Problem.Hint)
	}
	return append(lines, "The token ends with confer if it is not stored.")
}

// askHeld has it stored, or left.
func (p *plainWizard) askHeld() (flow.Event, error) {
	options := []plainOption{
		{text: "Store it again, in " + storeName(p.state.Store.Kind), name: "store it again"},
		{text: "Another place: memory, or a file", name: "another place"},
	}
	if p.state.Step == flow.StepServiceAccount {
		options = append(options, plainOption{text: "Do without it; confer forgets the token", name: "do without it"})
	} else {
		options = append(options, plainOption{text: "Go on to the profiles, without a token", name: "go on"},
			plainOption{text: "Make a new link, to be approved again", name: "new link"})
	}
	at, err := p.choose(options, heldAgain, "The administrator has nothing to do for the first three. confer keeps the token in memory until a store takes it.")
	if err != nil {
		return nil, err
	}
	return heldEvent(p.state, at), nil
}

// staysWith asks once before what was approved is lost.
func (p *plainWizard) staysWith() bool {
	if !p.state.Holding() || p.warned {
		return false
	}
	p.warned = true
	p.say(heldLoss + " q again quits.")
	return true
}
