package flow

// Effect is work for the Runner, as data. It carries everything the work needs.
type Effect interface{ effect() }

// Delivery is an Effect that goes to the inbox of the task that is running.
type Delivery interface {
	Effect
	delivery()
}

// Task is an effect with the ID that its reports carry. A Delivery has the ID
// of the running task.
type Task struct {
	ID     int
	Effect Effect
}

type (
	// CheckApplication asks Cronofy whether it knows the application, and the
	// machine what its keyring can do. It ends in ApplicationAccepted.
	CheckApplication struct {
		Answers Answers
		Store   Store
	}
	// OpenStore opens the store that the operator chose, unlocking it if need
	// be. It ends in StoreOpened.
	OpenStore struct {
		Answers Answers
		Store   Store
	}
	// CheckServiceAccount makes a link token with it, which proves the client
	// secret too; then the secret is stored. It ends in ServiceAccountAccepted.
	CheckServiceAccount struct {
		Answers Answers
		Store   Store
	}
	// Connect has a calendar service account authorized in the browser. It ends
	// in ServiceAccountAccepted.
	Connect struct {
		Answers               Answers
		Store                 Store
		Scope, DelegatedScope string
	}
	// Authorize has the Organizational Unit authorization done in the browser,
	// exchanges the code and stores the tokens. It ends in Linked.
	Authorize struct {
		Answers Answers
		Store   Store
	}
	// StoreHeld stores what an approval gave and the store did not take then. It
	// ends as Connect or Authorize would have: in ServiceAccountAccepted or Linked.
	StoreHeld struct {
		Key   string // names the approval
		Store Store
	}
	// LoadProfiles reads userinfo for each account, again and again for a while.
	// It ends in ProfilesDone.
	LoadProfiles struct {
		Answers Answers
		Known   *KnownProfiles
	}
)

func (CheckApplication) effect()    {}
func (OpenStore) effect()           {}
func (CheckServiceAccount) effect() {}
func (Connect) effect()             {}
func (Authorize) effect()           {}
func (StoreHeld) effect()           {}
func (LoadProfiles) effect()        {}

func (Pasted) effect()           {}
func (Extended) effect()         {}
func (NoDeadlineWanted) effect() {}
func (NewLinkWanted) effect()    {}
func (OpenWanted) effect()       {}
func (Handed) effect()           {}
func (Refreshed) effect()        {}

func (Pasted) delivery()           {}
func (Extended) delivery()         {}
func (NoDeadlineWanted) delivery() {}
func (NewLinkWanted) delivery()    {}
func (OpenWanted) delivery()       {}
func (Handed) delivery()           {}
func (Refreshed) delivery()        {}
