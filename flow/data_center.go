package flow

import "confer/cronofy"

// DataCenterChosen answers step 1.
type DataCenterChosen struct{ Site cronofy.Site }

func (DataCenterChosen) page() Step { return StepDataCenter }

func (ev DataCenterChosen) apply(s State) (State, *Task) {
	if !ev.Site.Chosen() {
		return s.refuse(usage("The data center is missing.", "Choose the one your application was made in."))
	}
	s.Answers.Site = ev.Site
	s.Step++
	return s, nil
}
