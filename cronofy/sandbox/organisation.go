package sandbox

import (
	cryptorand "crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"encoding/csv"
	"fmt"
	"io"
	"math/rand/v2"
	"strings"

	"confer/cronofy"
)

// Account is a person or room of the organisation, with tokens as the
// operator's application would hold them.
type Account struct {
	Email, Name, Sub          string
	Room                      bool
	AccessToken, RefreshToken cronofy.Secret

	unmatched    bool // the provider has nobody of this address
	disconnected bool // the provider refuses the credentials
	personal     bool // has a Zoom profile of their own, from before any link
}

const (
	domain                = "example.test"
	serviceAccountID      = "ser_6710aa01c0ffee0123456789"
	serviceAccountEmail   = "calendar-service@" + domain
	serviceAccountScope   = "service_account/accounts/manage service_account/resources/manage"
	serviceDelegatedScope = "read_write"
	accountScope          = "read_write"
)

func organisation(n int) []Account {
	if n > 0 {
		return generated(n)
	}
	return []Account{
		{Email: "amara@example.test", Name: "Amara Osei"},
		{Email: "bjorn@example.test", Name: "Björn Lindqvist"},
		{Email: "chiara@example.test", Name: "Chiara Conti", personal: true},
		{Email: "dmitri@example.test", Name: "Dmitri Volkov"},
		{Email: "elif@example.test", Name: "Elif Yıldız", disconnected: true},
		{Email: "farah@example.test", Name: "Farah Haddad"},
		{Email: "gael@example.test", Name: "Gaël Moreau", unmatched: true},
		{Email: "hana@example.test", Name: "Hana Kobayashi"},
		{Email: "ines@example.test", Name: "Inês Carvalho", personal: true},
		{Email: "jonas@example.test", Name: "Jonas Weber"},
		{Email: "keiko@example.test", Name: "渡辺 恵子"},
		{Email: "luca@example.test", Name: "Luca Rossi", unmatched: true},
		{Email: "room-1@example.test", Name: "Room 1", Room: true},
		{Email: "room-2@example.test", Name: "Room 2", Room: true},
		{Email: "room-4@example.test", Name: "Room 4", Room: true, unmatched: true},
	}
}

func generated(n int) []Account {
	all := make([]Account, n)
	for i := range all {
		all[i] = Account{
			Email: fmt.Sprintf("person-%d@%s", i+1, domain), Name: fmt.Sprintf("Person %d", i+1),
			unmatched: i%20 == 7, disconnected: i%50 == 11, personal: i%25 == 3,
		}
		if i%50 == 49 {
			all[i] = Account{Email: fmt.Sprintf("room-%d@%s", i+1, domain), Name: fmt.Sprintf("Room %d", i+1), Room: true}
		}
	}
	return all
}

// hire makes them the organisation's people, with a sub and tokens for each.
func (s *Server) hire(people []Account) {
	s.people, s.byEmail = people, make(map[string]int, len(people))
	for i := range people {
		p, access, refresh := &people[i], s.text(32), s.text(32)
		p.Sub = fmt.Sprintf("acc_6710aa01c0ffee0%09d", 123450001+i)
		p.AccessToken, p.RefreshToken = cronofy.NewSecret(access), cronofy.NewSecret(refresh)
		g := &grant{kind: accountGrant, account: i, sub: p.Sub, scope: accountScope}
		s.access[access], s.refreshed[refresh] = accessToken{grant: g}, g
		s.byEmail[strings.ToLower(p.Email)] = i
	}
}

// find gives the place of an address, ignoring case: a choice, as matching is not
// documented. It is -1 if it is nobody's.
func (s *Server) find(email string) int {
	if i, ok := s.byEmail[strings.ToLower(email)]; ok {
		return i
	}
	return -1
}

// AccountsCSV writes the organisation as CSV with the header
// email,sub,access_token,refresh_token. It holds the tokens in plain text.
func (s *Server) AccountsCSV(w io.Writer) error {
	out := csv.NewWriter(w)
	out.Write([]string{"email", "sub", "access_token", "refresh_token"}) // Flush and Error tell
	for _, a := range s.people {
		out.Write([]string{a.Email, a.Sub, a.AccessToken.Reveal(), a.RefreshToken.Reveal()})
	}
	out.Flush()
	return out.Error()
}

// newRand makes everything that must not be guessed, or must be the same again with
// the same seed.
func newRand(seed uint64) *rand.Rand {
	var from [32]byte
	if seed == 0 {
		cryptorand.Read(from[:]) // never fails
	} else {
		from = sha256.Sum256(binary.BigEndian.AppendUint64(nil, seed))
	}
	return rand.New(rand.NewChaCha8(from))
}

// text gives n random letters and digits, each equally likely. The lock guards it.
func (s *Server) text(n int) string {
	const alphabet = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
	out := make([]byte, n)
	for i := range out {
		out[i] = alphabet[s.rand.IntN(len(alphabet))]
	}
	return string(out)
}
