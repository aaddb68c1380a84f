package delegated

import (
	"bufio"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"confer/cronofy"
)

const (
	maxEmail = 320     // bytes: 64 + 1 + 255 (RFC 5321 section 4.5.3.1)
	maxList  = 1 << 20 // addresses
	maxLine  = 1 << 16 // bytes
)

// EmailError is a line of a list that holds no usable address. It quotes nothing.
type EmailError struct {
	Line   int // from 1
	Reason string
}

func (e *EmailError) Error() string { return fmt.Sprintf("line %d: %s", e.Line, e.Reason) }

// ReadEmails reads a list of addresses: one a line, or CSV (separated by commas,
// semicolons or tabs) with a column email. Blank lines and repeated addresses
// are left out; upper and lower case count as the same. Its error is an
// *EmailError or the reader's.
func ReadEmails(r io.Reader) ([]string, error) {
	in := bufio.NewReaderSize(r, maxLine)
	if bom, _ := in.Peek(3); string(bom) == "\ufeff" {
		_, _ = in.Discard(len(bom))
	}
	head, _ := in.Peek(maxLine)
	first, _, _ := strings.Cut(string(head), "\n")
	list := &emails{seen: map[string]bool{}}
	var err error
	if comma, column, ok := emailColumn(first); ok {
		err = list.readCSV(in, comma, column)
	} else {
		err = list.readLines(in)
	}
	if err != nil {
		return nil, err
	}
	return list.all, nil
}

// emailColumn finds the column email in a header.
func emailColumn(line string) (comma rune, column int, ok bool) {
	comma = ','
	for _, c := range ",;\t" {
		if strings.ContainsRune(line, c) {
			comma = c
			break
		}
	}
	for i, title := range strings.Split(line, string(comma)) {
		if strings.EqualFold(strings.Trim(strings.TrimSpace(title), `"`), "email") {
			return comma, i, true
		}
	}
	return comma, 0, false
}

type emails struct {
	all  []string
	seen map[string]bool
}

func (l *emails) readLines(in *bufio.Reader) error {
	lines := bufio.NewScanner(in)
	lines.Buffer(nil, maxLine)
	n := 0
	for lines.Scan() {
		n++
		if err := l.add(lines.Text(), n); err != nil {
			return err
		}
	}
	if errors.Is(lines.Err(), bufio.ErrTooLong) {
		return &EmailError{n + 1, "too long for an e-mail address"}
	}
	return lines.Err()
}

func (l *emails) readCSV(in io.Reader, comma rune, column int) error {
	r := csv.NewReader(in)
	r.Comma, r.ReuseRecord, r.FieldsPerRecord = comma, true, -1
	for header := true; ; header = false {
		fields, err := r.Read()
		var parse *csv.ParseError
		switch {
		case errors.Is(err, io.EOF):
			return nil
		case errors.As(err, &parse):
			return &EmailError{parse.Line, parse.Err.Error()}
		case err != nil:
			return err
		case header || column >= len(fields):
			continue
		}
		line, _ := r.FieldPos(column)
		if err := l.add(fields[column], line); err != nil {
			return err
		}
	}
}

func (l *emails) add(email string, line int) error {
	email = strings.TrimSpace(email)
	key := strings.ToLower(email)
	switch {
	case email == "" || l.seen[key]:
		return nil
	case !plausible(email):
		return &EmailError{line, "not an e-mail address"}
	case len(l.all) == maxList:
		return &EmailError{line, "more addresses than can be asked for in one run"}
	}
	l.seen[key] = true
	l.all = append(l.all, email)
	return nil
}

// plausible keeps out what is certainly no address; the rest is Cronofy's to say.
func plausible(s string) bool {
	at := strings.LastIndexByte(s, '@')
	return at > 0 && at < len(s)-1 && len(s) <= maxEmail && cronofy.CleanText(s, maxEmail) == s &&
		!strings.ContainsAny(s, " \"<>,;")
}

// AddRooms puts the addresses of rooms behind a list, but for those that are in
// it already.
func AddRooms(list []string, rooms []cronofy.Resource) []string {
	l := emails{all: slices.Clone(list), seen: map[string]bool{}}
	for _, e := range list {
		l.seen[strings.ToLower(e)] = true
	}
	for _, r := range rooms {
		_ = l.add(r.Email, 0) // what is no address cannot be asked for
	}
	return l.all
}
