package command

import (
	"encoding/json"
	"io"
	"time"

	"confer/cronofy"
	"confer/flow"
	"confer/internal/profiles"
)

// events writes the JSON lines of setup --json: the contract for scripts.
type events struct {
	enc *json.Encoder
	now func() time.Time
}

func newEvents(w io.Writer) *events {
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false) // the authorize URL has &
	return &events{enc, time.Now}
}

type eventHead struct {
	Event string `json:"event"`
	Time  string `json:"time"` // RFC 3339, UTC
}

func (e *events) head(name string) eventHead {
	return eventHead{name, e.now().UTC().Format(time.RFC3339)}
}

type authorizeEvent struct {
	eventHead
	URL         string           `json:"url"` // holds the link token
	RedirectURI string           `json:"redirect_uri"`
	Provider    cronofy.Provider `json:"provider"`
}

type linkedEvent struct {
	eventHead
	DataCenter         string             `json:"data_center"` // the host, when it is overridden
	ClientID           string             `json:"client_id"`
	ServiceAccountID   string             `json:"service_account_id"`
	Provider           cronofy.Provider   `json:"provider"`
	OrganizationalUnit organizationalUnit `json:"organizational_unit"`
	Scope              string             `json:"scope"`
	SecretStore        flow.StoreKind     `json:"secret_store"`
	Label              string             `json:"label"`
}

type organizationalUnit struct {
	Sub string `json:"sub,omitempty"`
}

type failedEvent struct {
	eventHead
	Code     string `json:"code"`
	Message  string `json:"message"`
	Hint     string `json:"hint"`
	Step     string `json:"step"`
	Approved bool   `json:"approved"`
}

// accountEvent follows linked when --accounts was given: one a line of the list.
type accountEvent struct {
	eventHead
	profiles.Record
}

func (e *events) account(r profiles.Record) error {
	return e.enc.Encode(accountEvent{e.head("account"), r})
}

// follow writes what the contract knows of an event.
func (e *events) follow(s flow.State, ev flow.Event) {
	r, ok := ev.(flow.Report)
	if !ok {
		return
	}
	switch ev := r.Event.(type) {
	case flow.LinkReady:
		e.write(authorizeEvent{e.head("authorize"), ev.URL, ev.RedirectURI, s.Answers.Provider})
	case flow.Linked:
		e.linked(ev.Link)
	}
}

func (e *events) linked(l flow.Link) {
	e.write(linkedEvent{
		eventHead:          e.head("linked"),
		DataCenter:         place(l.Site),
		ClientID:           l.ClientID,
		ServiceAccountID:   l.ServiceAccount,
		Provider:           l.Provider,
		OrganizationalUnit: organizationalUnit{cronofy.CleanText(l.OrganizationalUnit, 100)},
		Scope:              cronofy.CleanText(l.Scope, 200),
		SecretStore:        l.Store,
		Label:              l.Label,
	})
}

func (e *events) failed(p flow.Problem) {
	e.write(failedEvent{e.head("failed"), p.Code, p.Summary, p.Hint, p.Step.String(), p.Approved})
}

// write goes on without a reader: what was begun is finished, and the exit code
// still tells how it ended.
func (e *events) write(v any) { _ = e.enc.Encode(v) }

// place is the data center's id, or the host that was put in its place.
func place(s cronofy.Site) string {
	if s.Overridden() && !s.Sandbox {
		return s.APIHost()
	}
	return s.DataCenter.ID
}
