package profiles

import (
	"bufio"
	"errors"
	"io"
	"iter"

	"confer/cronofy"
)

// The columns of the list.
const (
	colEmail = iota
	colSub
	colAccess
	colRefresh
	columns
)

func columnNames() [columns]string {
	return [columns]string{"email", "sub", "access_token", "refresh_token"}
}

const (
	maxLine  = 1 << 20 // bytes
	maxToken = 4096    // bytes; Cronofy's have 32, a JWT rarely more than 2000
)

// ReadAccounts streams a list of accounts: CSV with a header (separated by
// commas, semicolons or tabs), or JSON lines. The columns or members are email,
// sub, access_token and refresh_token, in any order and any case, at least one
// token on each line; others are ignored, and so are blank lines and a byte
// order mark. It reads as it is asked for, and at most a megabyte ahead.
//
// A line that is no account gives a *RowError, with whatever email and sub it
// has, and the list goes on; any other error is an *InputError and the last.
// Neither ever quotes a value. The sequence can be used once. A reader that can
// block for ever must be closed by its owner to end the sequence.
func ReadAccounts(r io.Reader) iter.Seq2[Account, error] {
	return func(yield func(Account, error) bool) {
		in := newInput(r)
		first, err := in.sniff()
		switch {
		case err != nil:
			yield(Account{}, err)
		case first == '{':
			in.readJSON(yield)
		default:
			in.readCSV(yield)
		}
	}
}

// input reads text and knows how much came for the current line.
type input struct {
	*bufio.Reader
	source *bounded
	line   int // lines before what the format's reader begins with
	passed int // the last line that gave something
}

func newInput(r io.Reader) *input {
	const buffer = 64 << 10
	b := &bounded{r: r}
	return &input{Reader: bufio.NewReaderSize(b, buffer), source: b}
}

// sniff skips a byte order mark and blank lines, and looks at the first
// character that says what the list is.
func (in *input) sniff() (byte, error) {
	if bom, _ := in.Peek(2); string(bom) == "\xff\xfe" || string(bom) == "\xfe\xff" {
		return 0, &InputError{Reason: "the list is UTF-16; save it as UTF-8"}
	}
	if bom, _ := in.Peek(3); string(bom) == "\ufeff" {
		_, _ = in.Discard(len(bom))
	}
	for {
		c, err := in.ReadByte()
		switch {
		case errors.Is(err, io.EOF):
			return 0, &InputError{Reason: "the list is empty"}
		case err != nil:
			return 0, in.broken(err)
		case c == '\n':
			in.line++
			in.source.n = 0
		case c == '[':
			return 0, &InputError{Place: Place{Line: in.line + 1}, Reason: "a JSON array; the list must have one object a line"}
		case c != ' ' && c != '\t' && c != '\r':
			return c, in.UnreadByte()
		}
	}
}

func (in *input) broken(err error) error {
	return &InputError{Place: Place{Line: max(in.line, in.passed) + 1}, Reason: "read the list", Err: err}
}

// bounded gives up when more than maxLine bytes come before n is set back.
type bounded struct {
	r io.Reader
	n int
}

func (b *bounded) Read(p []byte) (int, error) {
	if b.n > maxLine {
		return 0, ErrLineTooLong
	}
	n, err := b.r.Read(p)
	b.n += n
	return n, err
}

// cells are one line's values and where they stand.
type cells struct {
	value  [columns]string
	line   int
	column [columns]int // 0 if not known
}

func (c cells) at(i int) Place {
	return Place{Line: c.line, Column: c.column[i], Field: columnNames()[i]}
}

func (c cells) blank() bool { return c.value == [columns]string{} }

// account checks a line. It gives what names the account even with an error.
func (c cells) account() (Account, error) {
	a := Account{Email: name(c.value[colEmail]), Sub: name(c.value[colSub]), Row: c.line}
	for _, i := range []int{colAccess, colRefresh} {
		if reason := badToken(c.value[i]); reason != "" {
			return a, &RowError{c.at(i), reason}
		}
	}
	a.AccessToken = cronofy.NewSecret(c.value[colAccess])
	a.RefreshToken = cronofy.NewSecret(c.value[colRefresh])
	if a.AccessToken.Empty() && a.RefreshToken.Empty() {
		return a, &RowError{Place{Line: c.line}, "no access_token and no refresh_token"}
	}
	return a, nil
}

// badToken says what is wrong with a token: RFC 6749 appendix A.12 and A.17
// allow visible ASCII, and a space, which no bearer header can carry.
func badToken(s string) string {
	if len(s) > maxToken {
		return "longer than 4096 bytes"
	}
	for i := range len(s) {
		if s[i] <= ' ' || s[i] > '~' {
			return "holds characters that no token has"
		}
	}
	return ""
}
