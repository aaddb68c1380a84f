package manage

import (
	"context"
	"encoding/json"
	"errors"
	"time"

	"confer/internal/links"
)

// Handed is what Export writes: the tokens of a link, and what they belong to.
// Its JSON form is a promise to the operator's application.
type Handed struct {
	DataCenter         string     `json:"data_center"` // the host, when it is overridden
	APIURL             string     `json:"api_url"`     // base URL of the API
	ClientID           string     `json:"client_id"`
	ServiceAccountID   string     `json:"service_account_id"`
	Provider           string     `json:"provider"`
	Label              string     `json:"label,omitempty"`
	OrganizationalUnit handedUnit `json:"organizational_unit"`
	Scope              string     `json:"scope,omitempty"`
	TokenType          string     `json:"token_type"`
	AccessToken        string     `json:"access_token"`
	ExpiresAt          *time.Time `json:"access_token_expires_at,omitempty"` // UTC
	RefreshToken       string     `json:"refresh_token"`
	Exported           time.Time  `json:"exported"` // UTC
}

type handedUnit struct {
	Sub string `json:"sub,omitempty"`
}

// WriteError: the tokens could not be put where they were wanted.
type WriteError struct{ Err error }

func (e *WriteError) Error() string { return "write tokens: " + e.Err.Error() }

// Unwrap gives the reason.
func (e *WriteError) Unwrap() error { return e.Err }

// Export refreshes the token of a link, so that an access token can be handed on,
// and gives both to put as JSON that ends in a line break. put must return only
// when the text is safe. The stored token stays where it is. When a rotated token
// could not be stored, put still gets it, and the error is a *NotKeptError.
func (m *Manager) Export(ctx context.Context, l links.Link, put func([]byte) error) (Tokens, error) {
	unlock, err := m.lock(ctx, l)
	if err != nil {
		return Tokens{}, err
	}
	defer unlock()
	t, kept := m.refresh(ctx, l)
	var lost *NotKeptError
	if kept != nil && !errors.As(kept, &lost) {
		return Tokens{}, kept
	}
	text, err := m.Handover(l, t)
	if err != nil {
		return t, errors.Join(err, kept)
	}
	if err := put(text); err != nil {
		return t, errors.Join(&WriteError{err}, kept)
	}
	return t, kept
}

// Handover is the text of Export for tokens that need no refresh.
func (m *Manager) Handover(l links.Link, t Tokens) ([]byte, error) {
	site, err := Site(l)
	if err != nil {
		return nil, err
	}
	place := site.DataCenter.ID
	if site.Overridden() {
		place = site.APIHost()
	}
	h := Handed{DataCenter: place, APIURL: site.API, ClientID: l.ClientID, ServiceAccountID: l.ServiceAccount,
		Provider: l.Provider, Label: l.Label, OrganizationalUnit: handedUnit{l.OrganizationalUnit}, Scope: l.Scope,
		TokenType: t.Type, AccessToken: t.Access.Reveal(), RefreshToken: t.Refresh.Reveal(),
		Exported: m.now().UTC().Truncate(time.Second)}
	if t.Scope != "" {
		h.Scope = t.Scope
	}
	if !t.ExpiresAt.IsZero() {
		h.ExpiresAt = &t.ExpiresAt
	}
	text, err := json.MarshalIndent(h, "", "  ")
	if err != nil {
		return nil, errors.New("the tokens cannot be written as JSON")
	}
	return append(text, '\n'), nil
}
