package sandbox

import (
	cryptorand "crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"encoding/csv"
	"fmt"
	"io"
	"math/rand/v2"
	"strconv"
	"strings"

	"confer/cronofy"
)

// Account is a person or room of the organisation, with tokens as the
// operator's application would hold them.
type Account struct {
	Email, Name, Sub          string
	Room                      bool
	AccessToken, RefreshToken cronofy.Secret
}

const (
	domain                = "example.test"
	serviceAccountID      = "ser_6710aa01c0ffee0123456789"
	serviceAccountEmail   = "calendar-service@" + domain
	serviceAccountScope   = "service_account/accounts/manage service_account/resources/manage"
	serviceDelegatedScope = "read_write"
	accountScope          = "read_write"
)

// person is what an account is apart from its tokens.
type person struct {
	email, name  string
	room         bool
	unmatched    bool // the provider has nobody of this address
	disconnected bool // the provider refuses the credentials
	personal     bool // has a Zoom profile of their own, from before any link
}

// organisation makes its accounts when asked for them, from their number.
type organisation struct {
	rand  *random
	count int
	fixed []person // the built-in ones; nil when accounts are generated
}

func newOrganisation(r *random, accounts int) *organisation {
	if accounts > 0 {
		return &organisation{rand: r, count: min(accounts, MaxAccounts)}
	}
	fixed := builtIn()
	return &organisation{rand: r, count: len(fixed), fixed: fixed}
}

func builtIn() []person {
	return []person{
		{email: "amara@example.test", name: "Amara Osei"},
		{email: "bjorn@example.test", name: "Björn Lindqvist"},
		{email: "chiara@example.test", name: "Chiara Conti", personal: true},
		{email: "dmitri@example.test", name: "Dmitri Volkov"},
		{email: "elif@example.test", name: "Elif Yıldız", disconnected: true},
		{email: "farah@example.test", name: "Farah Haddad"},
		{email: "gael@example.test", name: "Gaël Moreau", unmatched: true},
		{email: "hana@example.test", name: "Hana Kobayashi"},
		{email: "ines@example.test", name: "Inês Carvalho", personal: true},
		{email: "jonas@example.test", name: "Jonas Weber"},
		{email: "keiko@example.test", name: "渡辺 恵子"},
		{email: "luca@example.test", name: "Luca Rossi", unmatched: true},
		{email: "room-1@example.test", name: "Room 1", room: true},
		{email: "room-2@example.test", name: "Room 2", room: true},
		{email: "room-4@example.test", name: "Room 4", room: true, unmatched: true},
	}
}

// person gives the i-th, which must exist.
func (o *organisation) person(i int) person {
	if o.fixed != nil {
		return o.fixed[i]
	}
	if i%50 == 49 {
		n := strconv.Itoa(i + 1)
		return person{email: "room-" + n + "@" + domain, name: "Room " + n, room: true}
	}
	first := [...]string{"Ada", "Ben", "Cora", "Dev", "Eva", "Finn", "Gita", "Hugo", "Iris", "Jan", "Kai", "Lea", "Mina"}
	last := [...]string{"Adler", "Brandt", "Costa", "Diaz", "Engel", "Fischer", "Garcia", "Horn", "Ito", "Jensen", "Klein"}
	f, l := first[i%len(first)], last[i/len(first)%len(last)]
	return person{
		email:        strings.ToLower(f+"."+l) + "-" + strconv.Itoa(i+1) + "@" + domain,
		name:         f + " " + l,
		unmatched:    i%20 == 7,
		disconnected: i%50 == 11,
		personal:     i%25 == 3,
	}
}

// find looks an address up, ignoring case: a choice, as matching is not documented.
func (o *organisation) find(email string) (int, bool) {
	if o.fixed != nil {
		for i, p := range o.fixed {
			if strings.EqualFold(p.email, email) {
				return i, true
			}
		}
		return 0, false
	}
	name, _, _ := strings.Cut(email, "@")
	n, err := strconv.Atoi(name[strings.LastIndexByte(name, '-')+1:])
	if err != nil || n < 1 || n > o.count {
		return 0, false
	}
	return n - 1, strings.EqualFold(o.person(n-1).email, email)
}

func accountSub(i int) string { return fmt.Sprintf("acc_6710aa01c0ffee0%09d", 123450001+i) }

func (o *organisation) account(i int) Account {
	p := o.person(i)
	return Account{
		Email: p.email, Name: p.name, Sub: accountSub(i), Room: p.room,
		AccessToken:  cronofy.NewSecret(o.token("access", i)),
		RefreshToken: cronofy.NewSecret(o.token("refresh", i)),
	}
}

// token carries its account's number, so that none of them has to be kept.
func (o *organisation) token(label string, i int) string {
	return o.rand.derive(label, i, 24) + fmt.Sprintf("%08x", i)
}

// owner tells whose token this is, if it is one of these.
func (o *organisation) owner(label, token string) (int, bool) {
	if len(token) != 32 {
		return 0, false
	}
	n, err := strconv.ParseUint(token[24:], 16, 32)
	if err != nil || int(n) >= o.count {
		return 0, false
	}
	return int(n), same(o.token(label, int(n)), token)
}

func (o *organisation) writeCSV(w io.Writer) error {
	out := csv.NewWriter(w)
	out.Write([]string{"email", "sub", "access_token", "refresh_token"}) // Flush and Error tell
	for i := range o.count {
		a := o.account(i)
		out.Write([]string{a.Email, a.Sub, a.AccessToken.Reveal(), a.RefreshToken.Reveal()})
	}
	out.Flush()
	if err := out.Error(); err != nil {
		return fmt.Errorf("write accounts: %w", err)
	}
	return nil
}

const alphabet = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"

// random makes everything that must not be guessed, or must be the same again
// with the same seed.
type random struct {
	draw *rand.Rand
	key  [32]byte
}

func newRandom(seed uint64) *random {
	var from [32]byte
	if seed == 0 {
		cryptorand.Read(from[:]) // never fails
	} else {
		from = sha256.Sum256(binary.BigEndian.AppendUint64(nil, seed))
	}
	return &random{draw: rand.New(rand.NewChaCha8(from)), key: sha256.Sum256(from[:])}
}

// text gives n characters of the alphabet, each equally likely. The Server's lock guards it.
func (r *random) text(n int) string {
	out := make([]byte, n)
	for i := range out {
		out[i] = alphabet[r.draw.IntN(len(alphabet))]
	}
	return string(out)
}

// derive gives the same n (at most 32) characters for the same label and number.
func (r *random) derive(label string, i, n int) string {
	from := make([]byte, 0, 64)
	from = append(from, r.key[:]...)
	from = append(from, label...)
	out := sha256.Sum256(binary.BigEndian.AppendUint64(from, uint64(i)))
	for i, b := range out {
		out[i] = alphabet[int(b)%len(alphabet)]
	}
	return string(out[:n])
}
