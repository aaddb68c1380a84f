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

func columnNames() [columns]string {
	return [columns]string{"email", "sub", "access_token", "refresh_token"}
}

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

// columnOf finds what a title means; rank is smaller for what is likelier meant.
func columnOf(title string) (column, rank int, ok bool) {
	title = bareTitle(title)
	for column, known := range titles {
		if rank := slices.Index(known, title); rank >= 0 {
			return column, rank, true
		}
	}
	return 0, 0, false
}

func bareTitle(title string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsLetter(r) || unicode.IsDigit(r) {
			return unicode.ToLower(r)
		}
		return -1
	}, title)
}

const (
	maxLine  = 1 << 20 // bytes
	maxToken = 4096    // bytes; Cronofy's have 32, a JWT rarely more than 2000
	maxEmail = 254     // bytes: what fits a path of RFC 5321 section 4.5.3.1.3
	maxLocal = 64      // bytes: RFC 5321 section 4.5.3.1.1
	maxList  = 1 << 20 // addresses
)

// RowError is a line that is no account. It never holds a value. The lines
// after it are still read.
type RowError struct {
	Line   int    // from 1; 0: there is none to name
	Field  string // the column's name, when it is one of ours
	Reason string // "no access_token and no refresh_token"
}

// Error is one line: "line 3, access_token: longer than 4096 bytes".
func (e *RowError) Error() string {
	switch {
	case e.Line == 0:
		return e.Reason
	case e.Field == "":
		return fmt.Sprintf("line %d: %s", e.Line, e.Reason)
	}
	return fmt.Sprintf("line %d, %s: %s", e.Line, e.Field, e.Reason)
}

// InputError is a list that cannot be read, or not any further. It never holds
// a value.
type InputError struct {
	At  RowError
	Err error // of the reader, or ErrLineTooLong; nil if the list itself is wrong
}

// Error is one line: "line 1: the header names neither access_token nor refresh_token".
func (e *InputError) Error() string {
	if e.Err == nil {
		return e.At.Error()
	}
	return e.At.Error() + ": " + e.Err.Error()
}

// Unwrap gives the reader's error.
func (e *InputError) Unwrap() error { return e.Err }

// ErrLineTooLong ends a list at a line of more than a megabyte, because nothing
// that long is an account; an unclosed quote looks like this.
var ErrLineTooLong = errors.New("more than 1 MiB in one line")

// ErrNoAddresses is a list of addresses that holds none.
var ErrNoAddresses = errors.New("there are no addresses in it")

var errEmpty = &InputError{At: RowError{Reason: "the list is empty"}}

// ReadAccounts streams a list of accounts: CSV with a header, JSON lines or a JSON
// array. What a list may look like is the same for ReadEmails: UTF-8 or UTF-16,
// separated by commas, semicolons, tabs or vertical bars, with cells in quotes,
// blank lines and columns of others. Each line needs at least one token. It reads
// as it is asked for, and at most a megabyte ahead.
//
// A line that is no account gives a *RowError, with whatever email and sub it
// has, and the list goes on; any other error is an *InputError and the last.
// Neither ever quotes a value. The sequence can be used once. A reader that can
// block for ever must be closed by its owner to end the sequence.
func ReadAccounts(r io.Reader) iter.Seq2[Account, error] {
	return func(yield func(Account, error) bool) {
		in := &input{}
		for c, err := range in.rows(r, accountColumns) {
			var a Account
			if err == nil {
				a, err = c.account()
			} else {
				a = Account{Email: name(c.value[colEmail]), Sub: name(c.value[colSub]), Row: c.line}
			}
			if !yield(a, err) {
				return
			}
		}
	}
}

// Address is a person or a room of a list of addresses.
type Address struct {
	Email string
	Line  int // in the list, from 1; 0: it is not from a list
}

// Addresses are what ReadEmails found in a list.
type Addresses struct {
	All     []Address
	Column  string // what the column they are from is called: its title, or "column 2"; empty for one address a line
	Guessed bool   // the title is not one that is known for this
	Without int    // lines that have no address in that column
}

// ReadEmails reads a list of addresses: one a line, or one of the forms that
// ReadAccounts reads. An address that was there before is left out; upper and
// lower case count as the same in the whole address, as they do at Google and
// Microsoft. Its error is a *RowError at the first line that does not fit, an
// *InputError, or ErrNoAddresses; no address is given then.
func ReadEmails(r io.Reader) (Addresses, error) {
	in := &input{}
	var out Addresses
	seen := map[string]bool{}
	for c, err := range in.rows(r, emailColumn) {
		if errors.Is(err, errEmpty) {
			break
		}
		if err != nil {
			return Addresses{}, err
		}
		email := c.value[colEmail]
		if email == "" {
			out.Without++
			continue
		}
		if reason := badAddress(email); reason != "" {
			return Addresses{}, &RowError{Line: c.line, Reason: reason}
		}
		key := strings.ToLower(email)
		if seen[key] {
			continue
		}
		if len(out.All) == maxList {
			return Addresses{}, &RowError{Line: c.line, Reason: "more addresses than can be asked for in one run"}
		}
		seen[key] = true
		out.All = append(out.All, Address{Email: email, Line: c.line})
	}
	if len(out.All) == 0 {
		return Addresses{}, ErrNoAddresses
	}
	out.Column, out.Guessed = in.column, in.guessed
	return out, nil
}

// AddRooms puts the addresses of rooms behind a list, but for those that are in
// it already. What is no address cannot be asked for.
func AddRooms(list []Address, rooms []cronofy.Resource) []Address {
	seen := map[string]bool{}
	for _, a := range list {
		seen[strings.ToLower(a.Email)] = true
	}
	for _, r := range rooms {
		email := trim(r.Email)
		if key := strings.ToLower(email); badAddress(email) == "" && !seen[key] {
			seen[key] = true
			list = append(list, Address{Email: email})
		}
	}
	return list
}

// input is a list that is being read.
type input struct {
	*bufio.Reader
	source  *textReader
	line    int // lines before what the format's reader begins with
	passed  int // the last line that gave something
	column  string
	guessed bool
}

// cells are one line's values and where it stands.
type cells struct {
	value [columns]string
	line  int
}

// columnChoice finds the columns in the first line, -1 for one that is not there.
// headless: the line is not a header but the first that counts.
type columnChoice func(in *input, first []string) (where [columns]int, headless bool, err error)

// rows gives the lines of a list that are not blank. Its errors are as those of
// ReadAccounts.
func (in *input) rows(r io.Reader, choose columnChoice) iter.Seq2[cells, error] {
	return func(yield func(cells, error) bool) {
		first, err := in.open(r)
		switch {
		case err != nil:
			yield(cells{}, err)
		case first == '{':
			in.jsonLines(yield)
		case first == '[':
			in.jsonArray(yield)
		default:
			in.table(choose, yield)
		}
	}
}

// open looks at what the list is: its encoding, and whether it is a list at all. It
// gives the first character that is not blank.
func (in *input) open(r io.Reader) (byte, error) {
	const buffer = 64 << 10
	raw := bufio.NewReaderSize(r, buffer)
	start, _ := raw.Peek(4)
	for _, f := range foreignFiles() {
		if bytes.HasPrefix(start, []byte(f.magic)) {
			return 0, &InputError{At: RowError{Reason: f.what}}
		}
	}
	text := io.Reader(raw)
	switch {
	case bytes.HasPrefix(start, []byte("\ufeff")):
		_, _ = raw.Discard(3)
	case bytes.HasPrefix(start, []byte("\xff\xfe")), len(start) == 4 && start[0] != 0 && start[1] == 0 && start[2] != 0 && start[3] == 0:
		text = fromUTF16(raw, charset.LittleEndian)
	case bytes.HasPrefix(start, []byte("\xfe\xff")), len(start) == 4 && start[0] == 0 && start[1] != 0 && start[2] == 0 && start[3] != 0:
		text = fromUTF16(raw, charset.BigEndian)
	}
	in.source = &textReader{r: text}
	in.Reader = bufio.NewReaderSize(in.source, buffer)
	return in.first()
}

func fromUTF16(r io.Reader, order charset.Endianness) io.Reader {
	return charset.UTF16(order, charset.IgnoreBOM).NewDecoder().Reader(r)
}

// first skips blank lines.
func (in *input) first() (byte, error) {
	for {
		c, err := in.ReadByte()
		switch {
		case errors.Is(err, io.EOF):
			return 0, errEmpty
		case err != nil:
			return 0, in.broken(err)
		case c == '\n':
			in.line++
			in.source.n = 0
			continue
		case c == ' ' || c == '\t':
			continue
		}
		_ = in.UnreadByte()
		seen, _ := in.Peek(in.Buffered())
		switch {
		case bytes.HasPrefix(seen, []byte("\ufeff")): // behind UTF-16's own, or twice
			_, _ = in.Discard(3)
			continue
		case bytes.IndexByte(seen, 0) >= 0:
			return 0, &InputError{At: RowError{Reason: "not a text file; save the list as CSV (UTF-8)"}}
		case c == '<':
			return 0, &InputError{At: RowError{Reason: "a web page or XML, whatever its name says; save the list as CSV (UTF-8)"}}
		case bytes.HasPrefix(seen, []byte(`{\rtf`)):
			return 0, &InputError{At: RowError{Reason: "a document (RTF); save the list as plain text or CSV (UTF-8)"}}
		}
		return c, nil
	}
}

// foreign is a kind of file that is no list but is often sent as one.
type foreign struct{ magic, what string }

func foreignFiles() []foreign {
	const save = "; save the list as CSV (UTF-8)"
	return []foreign{
		{"PK\x03\x04", "an Excel workbook (.xlsx) or another zip archive" + save},
		{"\xd0\xcf\x11\xe0", "an old Excel workbook (.xls) or another Office document" + save},
		{"\x1f\x8b", "compressed (gzip); unpack it first"},
		{"BZh", "compressed (bzip2); unpack it first"},
		{"\xfd7zX", "compressed (xz); unpack it first"},
		{"\x28\xb5\x2f\xfd", "compressed (zstd); unpack it first"},
		{"7z\xbc\xaf", "a 7z archive; unpack it first"},
		{"%PDF", "a PDF" + save},
	}
}

func (in *input) broken(err error) error {
	return &InputError{RowError{Line: max(in.line, in.passed) + 1, Reason: "read the list"}, err}
}

// table reads CSV.
func (in *input) table(choose columnChoice, yield func(cells, error) bool) {
	r := csv.NewReader(in.Reader)
	var err error
	if r.Comma, err = in.separator(); err != nil {
		yield(cells{}, in.broken(err))
		return
	}
	first, err := r.Read()
	if err != nil {
		yield(cells{}, in.broken(bareCSV(err)))
		return
	}
	where, headless, err := choose(in, first)
	if err != nil {
		yield(cells{}, err)
		return
	}
	r.ReuseRecord = true
	row := first
	if !headless {
		in.source.n = 0
		row, err = r.Read()
	}
	for ; !errors.Is(err, io.EOF); row, err = r.Read() {
		in.source.n = 0
		c, blank, err := in.cells(r, where, row, err)
		if !blank && !yield(c, err) || errors.As(err, new(*InputError)) {
			return
		}
	}
}

func (in *input) cells(r *csv.Reader, where [columns]int, row []string, err error) (c cells, blank bool, _ error) {
	var parse *csv.ParseError
	if errors.As(err, &parse) && !errors.Is(err, csv.ErrFieldCount) {
		return cells{line: in.line + parse.StartLine}, false, &RowError{Line: in.line + parse.Line, Reason: parse.Err.Error()}
	}
	if err != nil && parse == nil {
		return cells{}, false, in.broken(err)
	}
	line, _ := r.FieldPos(0)
	in.passed = in.line + line
	c.line = in.passed
	for i, j := range where {
		if j >= 0 && j < len(row) {
			c.value[i] = trim(row[j])
		}
	}
	if !slices.ContainsFunc(row, func(s string) bool { return trim(s) != "" }) {
		return c, true, nil
	}
	if err != nil {
		return c, false, &RowError{Line: c.line, Reason: "not as many fields as the first line"}
	}
	return c, false, nil
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
	said := strings.Trim(string(line), "\" ")
	if len(said) > 4 && strings.EqualFold(said[:4], "sep=") {
		comma, size := utf8.DecodeRuneInString(said[4:])
		if len(said) == 4+size && comma != utf8.RuneError && comma != '"' {
			_, _ = in.Discard(len(head) - len(rest))
			in.line++
			return comma, nil
		}
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
		for _, title := range row {
			if _, _, known := columnOf(title); known {
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

// bareCSV drops csv's own text around an error; what is left quotes nothing.
func bareCSV(err error) error {
	var parse *csv.ParseError
	if errors.As(err, &parse) {
		return parse.Err
	}
	return err
}

// findColumns finds the columns whose titles are known.
func (in *input) findColumns(row []string) (where [columns]int, err error) {
	where = [columns]int{-1, -1, -1, -1}
	var ranks [columns]int
	for j, title := range row {
		column, rank, ok := columnOf(title)
		switch {
		case !ok:
		case where[column] >= 0 && rank == ranks[column]:
			return where, &InputError{At: RowError{Line: in.line + 1, Field: columnNames()[column], Reason: "the header has this column twice"}}
		case where[column] < 0 || rank < ranks[column]:
			where[column], ranks[column] = j, rank
		}
	}
	return where, nil
}

func accountColumns(in *input, first []string) (where [columns]int, headless bool, err error) {
	if where, err = in.findColumns(first); err != nil {
		return where, false, err
	}
	if where[colAccess] < 0 && where[colRefresh] < 0 {
		return where, false, &InputError{At: RowError{Line: in.line + 1, Reason: "the header names neither access_token nor refresh_token"}}
	}
	return where, false, nil
}

// emailColumn finds the column with addresses: by its title, else by a word in it,
// else because the first line has one address. Whatever it takes is told.
func emailColumn(in *input, first []string) (where [columns]int, headless bool, err error) {
	if where, err = in.findColumns(first); err != nil {
		return where, false, err
	}
	if at := where[colEmail]; at >= 0 {
		in.column = name(trim(first[at]))
		return where, false, nil
	}
	var titled, addresses []int
	for j, cell := range first {
		switch title := bareTitle(cell); {
		case badAddress(trim(cell)) == "":
			addresses = append(addresses, j)
		case strings.Contains(title, "mail") && !strings.Contains(cell, "@") && !slices.ContainsFunc(othersMail(), func(w string) bool { return strings.Contains(title, w) }):
			titled = append(titled, j)
		}
	}
	switch {
	case len(addresses) == 0 && len(titled) == 1:
		where[colEmail] = titled[0]
		in.column, in.guessed = name(trim(first[titled[0]])), true
		return where, false, nil
	case len(first) == 1: // a line that is no address is told as any other
		where[colEmail] = 0
		return where, true, nil
	case len(addresses) == 1 && len(titled) == 0:
		where[colEmail] = addresses[0]
		in.column, in.guessed = fmt.Sprintf("column %d", addresses[0]+1), true
		return where, true, nil
	}
	return where, false, &InputError{At: RowError{Line: in.line + 1, Reason: "the header does not say which column has the e-mail addresses; call it email"}}
}

// othersMail are words in the titles of columns whose addresses are not those of
// the line's person, or not those of their calendar.
func othersMail() []string {
	return []string{"manager", "supervisor", "boss", "recovery", "secondary", "alternat", "personal", "private", "backup",
		"assistant", "delegate", "parent", "external", "guest", "home", "other", "forward", "alias",
		"owner", "sponsor", "approver", "lead", "emergency", "creat", "report", "invite", "contact", "notif",
		"vorgesetzt", "privat", "responsable", "supérieur", "jefe"}
}

// jsonLines reads one object a line.
func (in *input) jsonLines(yield func(cells, error) bool) {
	for {
		in.source.n = 0
		line, err := in.ReadBytes('\n')
		if err != nil && !errors.Is(err, io.EOF) {
			yield(cells{}, in.broken(err))
			return
		}
		in.line++
		if len(bytes.TrimSpace(line)) > 0 && !yield(jsonCells(line, in.line, " on one line")) {
			return
		}
		if err != nil {
			return
		}
	}
}

// jsonArray reads an array of objects.
func (in *input) jsonArray(yield func(cells, error) bool) {
	breaks := &breakCounter{r: in.Reader, line: in.line + 1}
	d := json.NewDecoder(breaks)
	_, _ = d.Token() // the [ that was seen
	for d.More() {
		in.source.n = 0
		var object json.RawMessage
		if err := d.Decode(&object); err != nil {
			in.passed = breaks.lineAt(d.InputOffset()) - 1
			yield(cells{}, in.notArray(err))
			return
		}
		in.passed = breaks.lineAt(d.InputOffset() - int64(len(object)))
		if !yield(jsonCells(object, in.passed, "")) {
			return
		}
	}
	_, err := d.Token() // the ] of the array
	if err == nil {
		if _, err = d.Token(); errors.Is(err, io.EOF) {
			return
		}
	}
	in.passed = max(in.passed-1, in.line)
	if err == nil {
		err = io.ErrUnexpectedEOF // there is more behind the array
	}
	yield(cells{}, in.notArray(err))
}

// notArray keeps the reader's error, and of encoding/json's nothing, which would
// quote the list.
func (in *input) notArray(err error) error {
	var syntax *json.SyntaxError
	if errors.As(err, &syntax) || errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return &InputError{At: RowError{Line: max(in.line, in.passed) + 1, Reason: "not a JSON array of objects from here on"}}
	}
	return in.broken(err)
}

// jsonCells reads one object. encoding/json's own texts quote the input, so they are
// not used.
func jsonCells(object []byte, line int, where string) (cells, error) {
	c := cells{line: line}
	var got map[string]json.RawMessage
	if json.Unmarshal(object, &got) != nil {
		return c, &RowError{Line: line, Reason: "not a JSON object" + where}
	}
	ranks := [columns]int{}
	for _, member := range slices.Sorted(maps.Keys(got)) {
		column, rank, ok := columnOf(member)
		if !ok || c.value[column] != "" && rank > ranks[column] {
			continue
		}
		var text *string
		if json.Unmarshal(got[member], &text) != nil {
			if rank > 0 { // something else of that name
				continue
			}
			return c, &RowError{line, columnNames()[column], "must be text"}
		}
		if text == nil || trim(*text) == "" {
			continue
		}
		if c.value[column] != "" && rank == ranks[column] {
			return c, &RowError{line, columnNames()[column], "the object has this member twice"}
		}
		c.value[column], ranks[column] = trim(*text), rank
	}
	return c, nil
}

// account checks a line. It gives what names the account even with an error.
func (c cells) account() (Account, error) {
	a := Account{Email: name(c.value[colEmail]), Sub: name(c.value[colSub]), Row: c.line}
	for _, i := range []int{colAccess, colRefresh} {
		if reason := badToken(c.value[i]); reason != "" {
			return a, &RowError{c.line, columnNames()[i], reason}
		}
	}
	a.AccessToken = cronofy.NewSecret(c.value[colAccess])
	a.RefreshToken = cronofy.NewSecret(c.value[colRefresh])
	if a.AccessToken.Empty() && a.RefreshToken.Empty() {
		return a, &RowError{Line: c.line, Reason: "no access_token and no refresh_token"}
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

// badAddress says what is wrong with an address; empty: nothing. It is stricter
// than RFC 5321, where no calendar service that Cronofy reads is any laxer: no
// quotes, ASCII alone, a domain of names.
func badAddress(s string) string {
	const not = "not an e-mail address"
	at := strings.LastIndexByte(s, '@')
	switch {
	case len(s) > maxEmail:
		return "longer than an e-mail address can be"
	case len(s) > 7 && strings.EqualFold(s[:7], "mailto:"):
		return not + ": it begins with mailto:"
	case at >= 0 && strings.ContainsAny(s, "<>"):
		return not + " alone: there is a name, or < and >, beside it"
	case at < 1 || at > maxLocal || strings.Count(s, "@") != 1:
		return not
	}
	for _, r := range s {
		if r > unicode.MaxASCII || !unicode.IsPrint(r) {
			return fmt.Sprintf("%s: it holds the character %U", not, r)
		}
	}
	if last := s[strings.LastIndexByte(s, '.')+1:]; !addressForm.MatchString(s) || strings.Trim(last, "0123456789") == "" {
		return not
	}
	return ""
}

// addressForm is names with dots between them, an @, and two or more names of hosts.
var addressForm = func() *regexp.Regexp {
	const local, host = "[\\w!#$%&'*+/=?^{|}~`-]+", "[a-zA-Z0-9]([a-zA-Z0-9-]{0,61}[a-zA-Z0-9])?"
	return regexp.MustCompile(`^` + local + `(\.` + local + `)*@` + host + `(\.` + host + `)+$`)
}()

// trim takes spaces of all kinds and characters that cannot be seen off the ends:
// they come along when people copy from web pages and mails.
func trim(s string) string { return strings.TrimFunc(s, unseen) }

// unseen tells whether a character shows nothing: spaces, format characters
// (zero-width spaces, byte order marks, soft hyphens, tags, directions), variation
// selectors, and the fillers that are letters by their category.
func unseen(r rune) bool {
	switch r {
	case '\u034f', '\u115f', '\u1160', '\u17b4', '\u17b5', '\u2800', '\u3164', '\uffa0':
		return true
	}
	return unicode.IsSpace(r) || unicode.In(r, unicode.Cc, unicode.Cf, unicode.Zs, unicode.Variation_Selector)
}

// textReader makes one \n of each of the line breaks \n, \r\n and \r, and gives up
// when more than maxLine bytes come before n is set back.
type textReader struct {
	r    io.Reader
	n    int
	skip bool // the last byte was \r
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
			case t.skip:
				out = append(out, '\n')
			case b != '\n' || !after:
				out = append(out, b)
			}
		}
		if len(out) > 0 || err != nil || n == 0 {
			return len(out), err
		}
	}
	return 0, ErrLineTooLong
}

// breakCounter knows on which line a byte that was read stands.
type breakCounter struct {
	r      io.Reader
	offset int64
	line   int     // of the last byte that was asked for
	ahead  []int64 // line breaks behind that
}

func (b *breakCounter) Read(p []byte) (int, error) {
	n, err := b.r.Read(p)
	for i, c := range p[:n] {
		if c == '\n' {
			b.ahead = append(b.ahead, b.offset+int64(i))
		}
	}
	b.offset += int64(n)
	return n, err
}

// lineAt is the line of a byte; the bytes asked for must come in order.
func (b *breakCounter) lineAt(offset int64) int {
	for len(b.ahead) > 0 && b.ahead[0] < offset {
		b.ahead = b.ahead[1:]
		b.line++
	}
	return b.line
}
