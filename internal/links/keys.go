package links

// The parts of a secret's name in a store, in order; the store joins them. The
// Organizational Unit's sub is in none of them because it may be unknown.

// ClientSecretKeyParts names an application's client secret.
func ClientSecretKeyParts(apiHost, clientID string) []string {
	return []string{apiHost, clientID, "client_secret"}
}

// RefreshTokenKeyParts names the refresh token of a link's Organizational Unit.
func RefreshTokenKeyParts(l Link) []string {
	return []string{l.APIHost, l.ClientID, l.ServiceAccount, l.Provider, "refresh_token"}
}

// ServiceAccountKeyParts names the refresh token of a calendar service account
// that was authorized here.
func ServiceAccountKeyParts(s ServiceAccount) []string {
	return []string{s.APIHost, s.ClientID, s.ID, AccountToken, "refresh_token"}
}
