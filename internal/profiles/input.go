package profiles

import (
	"bufio"
	"bytes"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"maps"
	"regexp"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	charset "golang.org/x/text/encoding/unicode"
	"golang.org/x/text/transform"

	"confer/cronofy"
)

// The columns of a list that mean something here; others are ignored.
const (
	colEmail = iota
	colSub
	colAccess
	colRefresh
	columns
)

// titles are the names that columns have in the exports of Google Workspace,
// Microsoft Entra and 365, Exchange, Outlook, Excel and Zoom, the likelier of two
// first. They are compared without case and without anything but letters and
// digits.
var titles = [columns][]string{
	colEmail: {
		"email", "emailaddress", "emailaddressrequired", "primaryemail", "primaryemailaddress", "mail", "mailaddress",
		"primarysmtpaddress", "windowsemailaddress", "smtpaddress", "workemail", "workemailaddress", "businessemail", "useremail",
		"useremailaddress", "emailrequired", "useridemailrequired", "profileemail", "emailid", "email1value", "userprincipalname", "usernameuserprincipalnamerequired",
		"usernameuserprincipalname", "upn", "emailadresse", "mailadresse", "adresseemail", "adressemail", "courriel",
		"correoelectrónico", "correo", "benutzerprinzipalname",
	},
	colSub:     {"sub", "accountid", "cronofyaccountid"},
	colAccess:  {"accesstoken", "token", "oauthaccesstoken"},
	colRefresh: {"refreshtoken", "oauthrefreshtoken"},
}

func bareTitle(title string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsLetter(r) || unicode.IsDigit(r) {
			return unicode.ToLower(r)
		}
		return -1
	}, title)
}

// findColumns finds the columns whose titles are known, -1 for one that is not there.
func findColumns(row []string) (where [columns]int, err error) {
	bare := make([]string, len(row))
	for j, title := range row {
		bare[j] = bareTitle(title)
	}
	for column, known := range titles {
		where[column] = -1
		for _, title := range known {
			if j := slices.Index(bare, title); j >= 0 {
				where[column] = j
				if slices.Contains(bare[j+1:], title) {
					err = errors.New(name(row[j]) + " is there twice")
				}
				break
			}
		}
	}
	return where, err
}

// ListError is a line of a list that is no account. It never holds a value.
type ListError struct {
	Line   int // from 1
	Reason string
}

// Error is one line: "line 3: no access_token and no refresh_token".
func (e *ListError) Error() string { return fmt.Sprintf("line %d: %s", e.Line, e.Reason) }

// ReadAccounts streams a list of accounts: CSV with a header, JSON lines or a JSON
// array. What a list may look like is the same for ReadEmails: UTF-8 or UTF-16,
// separated by commas, semicolons, tabs or vertical bars, with cells in quotes,
// blank lines and columns of others. Each line needs at least one token. It reads
// as it is asked for, and at most a megabyte ahead.
//
// A line that is no account gives a *ListError, with whatever email and sub it has, and
// the list goes on; another error is of the list, and the last. The sequence can be
// used once. A reader that can block for ever must be closed by its owner to end the
// sequence.
func ReadAccounts(r io.Reader) iter.Seq2[Account, error] {
	check := func(where *[columns]int, _ []string) (headless bool, err error) {
		if where[colAccess] < 0 && where[colRefresh] < 0 {
			err = errors.New("the header names neither access_token nor refresh_token")
		}
		return false, err
	}
	return func(yield func(Account, error) bool) {
		for a, err := range new(input).rows(r, check) {
			a.Email, a.Sub = name(a.Email), name(a.Sub)
			switch {
			case err != nil:
			case a.AccessToken.Empty() && a.RefreshToken.Empty():
				err = &ListError{a.Row, "no access_token and no refresh_token"}
			case !a.AccessToken.Sendable(), !a.RefreshToken.Sendable():
				err = &ListError{a.Row, "a token holds characters that no token has"}
			}
			if !yield(a, err) {
				return
			}
		}
	}
}

// Addresses are what ReadEmails found in a list.
type Addresses struct {
	All     []Account // without tokens; Row is 0 of those that are not from a list
	Column  string    // the title of the column they are from; empty for one address a line
	Without int       // lines that have no address in that column
}

// ReadEmails reads a list of addresses: one a line, or one of the forms that
// ReadAccounts reads. The title has to say which of several columns it is: a guess
// could be the addresses of others. An address that was there before is left out. Its
// error is of the first line that does not fit, or of a list without any; no address is
// given then.
func ReadEmails(r io.Reader) (list Addresses, err error) {
	check := func(where *[columns]int, first []string) (headless bool, err error) {
		switch {
		case where[colEmail] >= 0:
			list.Column = name(trim(first[where[colEmail]]))
		case len(first) == 1: // a line that is no address is told as any other
			where[colEmail], headless = 0, true
		default:
			err = errors.New("the header does not say which column has the e-mail addresses; call it email")
		}
		return headless, err
	}
	for a, err := range new(input).rows(r, check) {
		if err != nil {
			return Addresses{}, err
		}
		if a.Email == "" {
			list.Without++
			continue
		}
		if reason := badAddress(a.Email); reason != "" {
			return Addresses{}, &ListError{a.Row, reason}
		}
		list.All = append(list.All, Account{Email: a.Email, Row: a.Row})
	}
	if len(list.All) == 0 {
		return Addresses{}, errors.New("there are no addresses in it")
	}
	list.All = eachOnce(list.All)
	return list, nil
}

// AddRooms puts the addresses of rooms behind a list, but for those that are in
// it already. What is no address cannot be asked for.
func AddRooms(list []Account, rooms []cronofy.Resource) []Account {
	for _, r := range rooms {
		if email := trim(r.Email); badAddress(email) == "" {
			list = append(list, Account{Email: email})
		}
	}
	return eachOnce(list)
}

// eachOnce leaves out addresses that were there before. Upper and lower case count as
// the same in the whole address, as they do at Google and Microsoft.
func eachOnce(list []Account) []Account {
	seen := map[string]bool{}
	return slices.DeleteFunc(list, func(a Account) bool {
		key := strings.ToLower(a.Email)
		before := seen[key]
		seen[key] = true
		return before
	})
}

// input is a list that is being read.
type input struct {
	*bufio.Reader
	source *textReader
	line   int // the last one that was passed
}

// columnCheck refuses a list without the columns that are needed. headless: its first
// line is not a header but counts itself.
type columnCheck func(where *[columns]int, first []string) (headless bool, err error)

// account is a line, whose columns are where they are.
func account(line int, where [columns]int, row []string) Account {
	var value [columns]string
	for i, j := range where {
		if j >= 0 && j < len(row) {
			value[i] = trim(row[j])
		}
	}
	return Account{Email: value[colEmail], Sub: value[colSub], Row: line,
		AccessToken: cronofy.NewSecret(value[colAccess]), RefreshToken: cronofy.NewSecret(value[colRefresh])}
}

// rows gives the lines of a list that are not blank, as they are. Its errors are as
// those of ReadAccounts.
func (in *input) rows(r io.Reader, check columnCheck) iter.Seq2[Account, error] {
	return func(yield func(Account, error) bool) {
		start, err := in.open(r)
		switch what := foreign(start); {
		case errors.Is(err, io.EOF): // nothing is in it
		case err != nil:
			yield(Account{}, in.broken(err))
		case what != "":
			yield(Account{}, errors.New(what))
		case start[0] == '{':
			in.jsonLines(yield)
		case start[0] == '[':
			in.jsonArray(yield)
		default:
			in.table(check, yield)
		}
	}
}

// open decodes the list and skips blank lines. It gives what is there to read, from the
// first character that is not blank.
func (in *input) open(r io.Reader) ([]byte, error) {
	raw := bufio.NewReader(r)
	start, _ := raw.Peek(4)
	unmarked := transform.Transformer(transform.Nop) // without a byte order mark
	if len(start) == 4 && start[0] != 0 && start[1] == 0 && start[2] != 0 && start[3] == 0 {
		unmarked = charset.UTF16(charset.LittleEndian, charset.IgnoreBOM).NewDecoder()
	} else if len(start) == 4 && start[0] == 0 && start[1] != 0 && start[2] == 0 && start[3] != 0 {
		unmarked = charset.UTF16(charset.BigEndian, charset.IgnoreBOM).NewDecoder()
	}
	in.source = &textReader{r: transform.NewReader(raw, charset.BOMOverride(unmarked))}
	in.Reader = bufio.NewReaderSize(in.source, 64<<10)
	for {
		c, _, err := in.ReadRune()
		switch {
		case err != nil:
			return nil, err
		case c == '\ufeff': // a byte order mark that is there twice
		case c == '\n':
			in.line++
			in.source.n = 0
		case c != ' ' && c != '\t':
			_ = in.UnreadRune()
			return in.Peek(in.Buffered())
		}
	}
}

// foreign tells what a file is that is no list but is often sent as one; empty: it
// may be a list.
func foreign(start []byte) string {
	const save = "; save the list as CSV (UTF-8)"
	begins := func(magics ...string) bool {
		return slices.ContainsFunc(magics, func(magic string) bool { return bytes.HasPrefix(start, []byte(magic)) })
	}
	switch {
	case begins("PK\x03\x04"):
		return "an Excel workbook (.xlsx) or another zip archive" + save
	case begins("\xd0\xcf\x11\xe0", `{\rtf`):
		return "an old Excel workbook (.xls) or another Office document" + save
	case begins("\x1f\x8b", "BZh", "\xfd7zX", "\x28\xb5\x2f\xfd", "7z\xbc\xaf"):
		return "compressed (gzip or the like); unpack it first"
	case begins("%PDF"):
		return "a PDF" + save
	case begins("<"):
		return "a web page or XML, whatever its name says" + save
	case bytes.IndexByte(start, 0) >= 0:
		return "not a text file" + save
	}
	return ""
}

func (in *input) broken(err error) error {
	return fmt.Errorf("line %d: read the list: %w", in.line+1, err)
}

// table reads CSV.
func (in *input) table(check columnCheck, yield func(Account, error) bool) {
	comma, err := in.separator()
	if err != nil {
		yield(Account{}, in.broken(err))
		return
	}
	before := in.line // lines that r does not see
	r := csv.NewReader(in.Reader)
	r.Comma = comma
	row, err := r.Read()
	if errors.Is(err, io.EOF) { // nothing is behind "sep=;"
		return
	}
	if err != nil {
		yield(Account{}, errors.New(in.notCSV(err, before).Error())) // of the list: without a header no line can be read
		return
	}
	where, err := findColumns(row)
	headless := false
	if err == nil {
		headless, err = check(&where, row)
	}
	if err != nil {
		yield(Account{}, fmt.Errorf("line %d: %w", in.line+1, err))
		return
	}
	r.ReuseRecord = true
	next := func() ([]string, error) {
		in.source.n = 0
		return r.Read()
	}
	if !headless {
		row, err = next()
	}
	for ; !errors.Is(err, io.EOF); row, err = next() {
		a, goesOn := Account{}, true
		if err == nil || errors.Is(err, csv.ErrFieldCount) {
			line, _ := r.FieldPos(0)
			in.line = before + line
			if !slices.ContainsFunc(row, func(s string) bool { return trim(s) != "" }) {
				continue
			}
			a = account(in.line, where, row)
		}
		if err != nil {
			err = in.notCSV(err, before)
			_, goesOn = errors.AsType[*ListError](err)
			a.Row = in.line
		}
		if !yield(a, err) || !goesOn {
			return
		}
	}
}

// notCSV leaves csv's own text out, for it may quote the list.
func (in *input) notCSV(err error, before int) error {
	reason := "not as many fields as the first line"
	if parse, ok := errors.AsType[*csv.ParseError](err); !ok {
		return in.broken(err)
	} else if !errors.Is(err, csv.ErrFieldCount) {
		in.line, reason = before+parse.StartLine, parse.Err.Error()
	}
	return &ListError{in.line, reason}
}

// separator is what gives the first line the columns that are known, or else the
// most: spreadsheets write semicolons where the comma is a decimal sign, and tabs
// on request. A line "sep=;" before it says so itself.
// https://support.microsoft.com/office/import-or-export-text-txt-or-csv-files-5250ac4c-663c-47ce-937b-339e391393ba
func (in *input) separator() (rune, error) {
	head, err := in.header()
	if err != nil {
		return ',', err
	}
	line, rest, _ := bytes.Cut(head, []byte("\n"))
	said, says := strings.CutPrefix(strings.ToLower(strings.Trim(string(line), "\" ")), "sep=")
	if comma, size := utf8.DecodeRuneInString(said); says && len(said) == size && comma != utf8.RuneError && comma != '"' {
		_, _ = in.Discard(len(head) - len(rest))
		in.line++
		return comma, nil
	}
	best, most := ',', -1
	for _, comma := range ",;\t|" {
		r := csv.NewReader(bytes.NewReader(head))
		r.Comma = comma
		row, err := r.Read()
		if err != nil {
			continue
		}
		score := len(row)
		where, _ := findColumns(row)
		for _, j := range where {
			if j >= 0 {
				score += maxLine // a title counts more than any number of columns
			}
		}
		if score > most {
			best, most = comma, score
		}
	}
	return best, nil
}

// header looks at the first line, which in quotes may go on over several. It asks
// for more only while the line is not complete, since a pipe may stay open.
func (in *input) header() ([]byte, error) {
	for {
		seen, _ := in.Peek(in.Buffered())
		if i := bytes.LastIndexByte(seen, '\n'); i >= 0 && bytes.Count(seen[:i], []byte{'"'})%2 == 0 {
			return seen, nil
		}
		more, err := in.Peek(len(seen) + 1)
		switch {
		case errors.Is(err, io.EOF), errors.Is(err, bufio.ErrBufferFull):
			return more, nil
		case err != nil:
			return nil, err
		}
	}
}

// jsonLines reads one object a line.
func (in *input) jsonLines(yield func(Account, error) bool) {
	for {
		in.source.n = 0
		line, err := in.ReadBytes('\n')
		if err != nil && !errors.Is(err, io.EOF) {
			yield(Account{}, in.broken(err))
			return
		}
		in.line++
		if len(bytes.TrimSpace(line)) > 0 && !yield(jsonAccount(line, in.line)) || err != nil {
			return
		}
	}
}

// jsonArray reads an array of objects.
func (in *input) jsonArray(yield func(Account, error) bool) {
	d := json.NewDecoder(in.Reader)
	_, err := d.Token() // the [ that was seen
	for err == nil && d.More() {
		in.source.n = 0
		var object json.RawMessage
		if err = d.Decode(&object); err == nil {
			in.line = in.lineOf(d) - bytes.Count(object, []byte("\n"))
			if !yield(jsonAccount(object, in.line)) {
				return
			}
		}
	}
	if err == nil {
		_, err = d.Token() // the ] of the array
	}
	if err == nil {
		if _, err = d.Token(); errors.Is(err, io.EOF) {
			return
		}
	}
	var syntax *json.SyntaxError // its text quotes the list
	if err == nil || errors.As(err, &syntax) || errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		yield(Account{}, fmt.Errorf("line %d: not a JSON array of objects from here on", in.lineOf(d)))
		return
	}
	yield(Account{}, in.broken(err))
}

// lineOf is the line up to which d has decoded.
func (in *input) lineOf(d *json.Decoder) int {
	ahead, _ := io.ReadAll(d.Buffered()) // of a bytes.Reader
	unread, _ := in.Peek(in.Buffered())
	return 1 + in.source.lines - bytes.Count(ahead, []byte("\n")) - bytes.Count(unread, []byte("\n"))
}

// jsonAccount reads one object. What is not text is not one of ours, unless it is called
// as docs/profiles.md calls them. encoding/json's own texts quote the input, so they are
// not used.
func jsonAccount(object []byte, line int) (Account, error) {
	var got map[string]any
	if json.Unmarshal(object, &got) != nil {
		return Account{Row: line}, &ListError{line, "not one JSON object"}
	}
	var members, values []string
	for _, member := range slices.Sorted(maps.Keys(got)) {
		text, ok := got[member].(string)
		if trim(text) != "" {
			members, values = append(members, member), append(values, text)
		}
		if !ok && got[member] != nil && slices.ContainsFunc(titles[:], func(known []string) bool { return known[0] == bareTitle(member) }) {
			return Account{Row: line}, &ListError{line, name(member) + " must be text"}
		}
	}
	where, err := findColumns(members)
	a := account(line, where, values)
	if err != nil {
		return a, &ListError{line, err.Error()}
	}
	return a, nil
}

// badAddress says what is wrong with an address; empty: nothing. It is stricter
// than RFC 5321, where no calendar service that Cronofy reads is any laxer: no
// quotes, ASCII alone, a domain of names.
func badAddress(s string) string {
	const (
		not      = "not an e-mail address"
		maxEmail = 254 // bytes: what fits a path of RFC 5321 section 4.5.3.1.3
		maxLocal = 64  // bytes: RFC 5321 section 4.5.3.1.1
		maxHost  = 63  // bytes: RFC 1035 section 2.3.4
	)
	for _, r := range s {
		if r > unicode.MaxASCII || !unicode.IsPrint(r) { // most likely one that nobody sees
			return fmt.Sprintf("%s: it holds the character %U", not, r)
		}
	}
	at := strings.IndexByte(s, '@')
	hosts := strings.Split(s[at+1:], ".")
	long := slices.ContainsFunc(hosts, func(host string) bool { return len(host) > maxHost })
	if len(s) > maxEmail || at > maxLocal || long || !addressForm.MatchString(s) || strings.Trim(hosts[len(hosts)-1], "0123456789") == "" {
		return not
	}
	return ""
}

// addressForm is names with dots between them, an @, and two or more names of hosts.
// Counted repetitions would cost each start 80 kB: they are compiled one by one.
var addressForm = func() *regexp.Regexp {
	const local, host = "[\\w!#$%&'*+/=?^{|}~`-]+", "[a-zA-Z0-9]([a-zA-Z0-9-]*[a-zA-Z0-9])?"
	return regexp.MustCompile(`^` + local + `(\.` + local + `)*@` + host + `(\.` + host + `)+$`)
}()

// trim takes spaces of all kinds and characters that cannot be seen off the ends:
// they come along when people copy from web pages and mails.
func trim(s string) string { return strings.TrimFunc(s, unseen) }

// unseen tells whether a character shows nothing: spaces, format characters
// (zero-width spaces, byte order marks, soft hyphens, tags, directions), variation
// selectors, and the fillers that are letters or symbols by their category.
func unseen(r rune) bool {
	const emptyBraille = '\u2800'
	return r == emptyBraille || unicode.IsSpace(r) ||
		unicode.In(r, unicode.Cc, unicode.Cf, unicode.Zs, unicode.Variation_Selector, unicode.Other_Default_Ignorable_Code_Point)
}

// maxLine bounds a line, in bytes: nothing that long is an account. An unclosed quote
// looks like this.
const maxLine = 1 << 20

var errLineTooLong = errors.New("more than 1 MiB in one line")

// textReader makes one \n of each of the line breaks \n, \r\n and \r, and gives up
// when more than maxLine bytes come before n is set back.
type textReader struct {
	r     io.Reader
	n     int
	lines int  // breaks so far
	skip  bool // the last byte was \r
}

func (t *textReader) Read(p []byte) (int, error) {
	for t.n <= maxLine {
		n, err := t.r.Read(p)
		t.n += n
		out := p[:0]
		for _, b := range p[:n] {
			after := t.skip
			t.skip = b == '\r'
			switch {
			case t.skip || b == '\n' && !after:
				out = append(out, '\n')
				t.lines++
			case b != '\n':
				out = append(out, b)
			}
		}
		if len(out) > 0 || err != nil || n == 0 {
			return len(out), err
		}
	}
	return 0, errLineTooLong
}
