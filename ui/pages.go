package ui

import "confer/flow"

// pageID names a screen. A step may have more than one.
type pageID int

// The pages, in the order of the steps.
const (
	pageDataCenter pageID = iota
	pageApplication
	pageStore
	pageHeld
	pageServiceAccount
	pageConnecting
	pageProvider
	pageAuthorize
	pageWaiting
	pageAccounts
	pageTable
	pageDone
)

// pageOf is the page that a state asks for.
func pageOf(s flow.State) pageID {
	trip := s.Attempt.Phase != flow.PhaseNone
	switch {
	case s.Asking:
		return pageStore
	case !trip && s.HeldHere() != nil:
		return pageHeld
	}
	switch s.Step {
	case flow.StepDataCenter:
		return pageDataCenter
	case flow.StepApplication:
		return pageApplication
	case flow.StepServiceAccount:
		if trip {
			return pageConnecting
		}
		return pageServiceAccount
	case flow.StepProvider:
		return pageProvider
	case flow.StepAuthorize:
		if trip {
			return pageWaiting
		}
		return pageAuthorize
	case flow.StepProfiles:
		switch {
		case !s.Proof.Started:
			return pageAccounts
		case s.Answers.Accounts.Kind == flow.AccountsNone:
			return pageDone
		}
		return pageTable
	}
	return pageDataCenter
}

func newScreen(at pageID) screen {
	switch at {
	case pageDataCenter:
		return newDataCenter()
	case pageApplication:
		return newApplication()
	case pageStore:
		return newStore()
	case pageHeld:
		return newHeld()
	case pageServiceAccount:
		return newServiceAccount()
	case pageConnecting, pageWaiting:
		return newWait()
	case pageProvider:
		return newProvider()
	case pageAuthorize:
		return newAuthorize()
	case pageAccounts:
		return newAccounts()
	case pageTable:
		return newTable()
	case pageDone:
		return newDone()
	}
	return newDataCenter()
}
