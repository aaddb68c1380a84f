package links

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"reflect"
	"strings"
	"unicode"
	"unicode/utf8"

	"confer/cronofy"
)

// version of the format. A change that an older program would misread raises it;
// members that are only added do not: programs keep members they do not know,
// but for the draft's.
const version = 1

// maxSize in bytes holds some 1,000 links with their entries in the ledger. Nothing larger is written or read.
const maxSize = 1 << 20

var (
	errNewer   = errors.New("made by a newer version")
	errDamaged = errors.New("damaged")
)

// envelope is the file as it is written; its members beyond these are kept.
type envelope struct {
	Version         int               `json:"version"`
	Links           []json.RawMessage `json:"links"`
	ServiceAccounts []json.RawMessage `json:"service_accounts"`
	Draft           *Draft            `json:"draft"`
	Browser         string            `json:"browser,omitempty"`
	Ledger          []json.RawMessage `json:"ledger,omitempty"`
}

// decode is strict about what it knows: a file that it accepts holds what this
// program could have written, and perhaps members that it does not know.
func decode(b []byte) (c Contents, err error) {
	var head struct {
		Version int `json:"version"`
	}
	if !utf8.Valid(b) {
		return c, fmt.Errorf("%w: not UTF-8", errDamaged)
	}
	if err := object(b, &head); err != nil {
		return c, err
	}
	if head.Version > version {
		return c, errNewer
	}
	if head.Version < 1 {
		return c, fmt.Errorf("%w: no version", errDamaged)
	}
	var env envelope
	if c.extra, err = withExtra(b, &env); err != nil {
		return c, err
	}
	c.Draft, c.Browser = env.Draft, env.Browser
	if c.Links, err = decodeAll(env.Links, func(l *Link) *string { return &l.extra }); err != nil {
		return c, err
	}
	if c.ServiceAccounts, err = decodeAll(env.ServiceAccounts, func(s *ServiceAccount) *string { return &s.extra }); err != nil {
		return c, err
	}
	if c.Ledger, err = decodeAll(env.Ledger, func(s *Stored) *string { return &s.extra }); err != nil {
		return c, err
	}
	if err := c.check(); err != nil {
		return c, err
	}
	c.settle()
	return c, nil
}

func decodeAll[T any](raw []json.RawMessage, extra func(*T) *string) (all []T, err error) {
	for _, b := range raw {
		var v T
		kept, err := withExtra(b, &v)
		if err != nil {
			return nil, err
		}
		*extra(&v) = kept
		all = append(all, v)
	}
	return all, nil
}

// object decodes exactly one JSON object.
func object(b []byte, v any) error {
	d := json.NewDecoder(bytes.NewReader(b))
	if !bytes.HasPrefix(bytes.TrimLeft(b, " \t\r\n"), []byte("{")) {
		return fmt.Errorf("%w: not an object", errDamaged)
	}
	if err := d.Decode(v); err != nil {
		return fmt.Errorf("%w: %w", errDamaged, err)
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return fmt.Errorf("%w: text after the end", errDamaged)
	}
	return nil
}

// withExtra decodes an object and gives the members that v has no field for.
func withExtra(b []byte, v any) (extra string, err error) {
	if err := object(b, v); err != nil {
		return "", err
	}
	var all map[string]json.RawMessage
	if err := object(b, &all); err != nil {
		return "", err
	}
	maps.DeleteFunc(all, func(member string, _ json.RawMessage) bool { return hasMember(v, member) })
	if len(all) == 0 {
		return "", nil
	}
	kept, err := json.Marshal(all)
	return string(kept), err
}

// hasMember ignores case, as encoding/json does.
func hasMember(v any, member string) bool {
	t := reflect.TypeOf(v).Elem()
	for i := range t.NumField() {
		name, _, _ := strings.Cut(t.Field(i).Tag.Get("json"), ",")
		if name != "" && strings.EqualFold(name, member) {
			return true
		}
	}
	return false
}

// encode writes the file for people to read: one member a line.
func encode(c Contents) ([]byte, error) {
	if err := c.check(); err != nil {
		return nil, err
	}
	env := envelope{Version: version, Draft: c.Draft, Browser: c.Browser}
	var err error
	if env.Links, err = encodeAll(c.Links, func(l Link) string { return l.extra }); err != nil {
		return nil, err
	}
	if env.ServiceAccounts, err = encodeAll(c.ServiceAccounts, func(s ServiceAccount) string { return s.extra }); err != nil {
		return nil, err
	}
	if env.Ledger, err = encodeAll(c.Ledger, func(s Stored) string { return s.extra }); err != nil {
		return nil, err
	}
	b, err := merged(env, c.extra)
	if err != nil {
		return nil, err
	}
	var out bytes.Buffer
	if err := json.Indent(&out, b, "", "  "); err != nil {
		return nil, err
	}
	return append(out.Bytes(), '\n'), nil
}

// encodeAll gives a list that is never null.
func encodeAll[T any](all []T, extra func(T) string) ([]json.RawMessage, error) {
	raw := make([]json.RawMessage, 0, len(all))
	for _, v := range all {
		b, err := merged(v, extra(v))
		if err != nil {
			return nil, err
		}
		raw = append(raw, b)
	}
	return raw, nil
}

// merged encodes v and puts the members it does not know behind its own.
func merged(v any, extra string) (json.RawMessage, error) {
	b, err := json.Marshal(v)
	if err != nil || extra == "" {
		return b, err
	}
	return append(append(bytes.TrimSuffix(b, []byte("}")), ','), strings.TrimPrefix(extra, "{")...), nil
}

// check refuses what no run could have made: a link or an account without the
// parts that name it, two of the same, and control characters, which would end
// in the names of stored secrets and on terminals.
func (c Contents) check() error {
	seen := map[string]bool{}
	for _, l := range c.Links {
		if err := checkParts(seen, "link", RefreshTokenKeyParts(l), l); err != nil {
			return err
		}
	}
	for _, s := range c.ServiceAccounts {
		if err := checkParts(seen, "service account", ServiceAccountKeyParts(s), s); err != nil {
			return err
		}
	}
	for _, s := range c.Ledger {
		if err := checkParts(seen, "ledger entry", append(s.KeyParts(), s.Store), s); err != nil {
			return err
		}
	}
	if strings.ContainsFunc(c.Browser, unprintable) {
		return fmt.Errorf("%w: browser with control characters", errDamaged)
	}
	if c.Draft != nil && hasControl(*c.Draft) {
		return fmt.Errorf("%w: draft with control characters", errDamaged)
	}
	return nil
}

func checkParts(seen map[string]bool, what string, parts []string, v any) error {
	for _, p := range parts {
		if p == "" {
			return fmt.Errorf("%w: %s without all its parts", errDamaged, what)
		}
	}
	key := what + "\x00" + strings.Join(parts, "\x00")
	if seen[key] {
		return fmt.Errorf("%w: the same %s twice", errDamaged, what)
	}
	seen[key] = true
	if hasControl(v) {
		return fmt.Errorf("%w: %s with control characters", errDamaged, what)
	}
	return nil
}

// hasControl looks at the text members of a struct.
func hasControl(v any) bool {
	r := reflect.ValueOf(v)
	for i := range r.NumField() {
		if isText(r.Type().Field(i)) && strings.ContainsFunc(r.Field(i).String(), unprintable) {
			return true
		}
	}
	return false
}

func unprintable(r rune) bool {
	return unicode.Is(unicode.Cc, r) || unicode.Is(unicode.Bidi_Control, r)
}

func isText(f reflect.StructField) bool { return f.IsExported() && f.Type.Kind() == reflect.String }

// longest text that is kept, in runes: no browser takes a longer redirect URI.
const longest = 2000

// scrub cleans all text members, so that what was typed or pasted cannot make
// the file one that is refused when it is read.
func (c *Contents) scrub() {
	c.Browser = cronofy.CleanText(c.Browser, longest)
	for i := range c.Links {
		scrub(&c.Links[i])
	}
	for i := range c.ServiceAccounts {
		scrub(&c.ServiceAccounts[i])
	}
	for i := range c.Ledger {
		scrub(&c.Ledger[i])
	}
	if c.Draft != nil {
		d := *c.Draft // the caller's own is left alone
		scrub(&d)
		c.Draft = &d
	}
}

func scrub(v any) {
	r := reflect.ValueOf(v).Elem()
	for i := range r.NumField() {
		if isText(r.Type().Field(i)) {
			r.Field(i).SetString(cronofy.CleanText(r.Field(i).String(), longest))
		}
	}
}
