package doctor

import (
	"fmt"
	"strings"
)

// SupportAddress is where redirect URIs are added to an application's permitted
// list. https://docs.cronofy.com/developers/faqs/verify-application/
const SupportAddress = "support@cronofy.com"

// Registration is what Cronofy has to be told before an application is used in
// production: its list of permitted redirect URIs is exact.
type Registration struct {
	ClientID     string // empty: not known here
	DataCenter   string // "Germany (api-de.cronofy.com)"; empty: not known here
	RedirectURIs []string
}

// Text is the message to send, ready to be copied.
func (r Registration) Text() string {
	id, place := r.ClientID, r.DataCenter
	if id == "" {
		id = "(your client id)"
	}
	if place == "" {
		place = "(your data center)"
	}
	var b strings.Builder
	fmt.Fprintf(&b, "To: %s\n", SupportAddress)
	fmt.Fprintf(&b, "Subject: Permitted redirect URIs for application %s\n\n", id)
	b.WriteString("Hello,\n\nplease add these redirect URIs to the permitted redirect URIs of our application, exactly as written:\n\n")
	for _, uri := range r.RedirectURIs {
		b.WriteString("  " + uri + "\n")
	}
	fmt.Fprintf(&b, "\nClient id: %s\nData center: %s\n", id, place)
	b.WriteString("\nThey are used for the authorization of Enterprise Conferencing.\n\nThank you\n")
	return b.String()
}
