package profiles

import (
	"bufio"
	"bytes"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"hash/maphash"
	"io"
	"iter"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"

	"github.com/clipperhouse/displaywidth"

	"confer/cronofy"
)

// Format is how records are written.
type Format string

// The formats, as --format names them.
const (
	FormatTable Format = "table" // for people: fixed columns, so that it streams
	FormatJSON  Format = "json"  // for scripts: one Record a line
	FormatCSV   Format = "csv"   // for spreadsheets: one profile a line
	FormatHTML  Format = "html"  // for people: a report in one file
)

// Formats lists all of them, the default first.
func Formats() []Format { return []Format{FormatTable, FormatJSON, FormatCSV, FormatHTML} }

// Writer writes records. Each Write goes to the underlying writer at once and in
// one piece, so that a reader at the other end sees whole records, whenever the
// program ends.
type Writer interface {
	Write(Record) error
	// Close writes what a list without records must still have: the heading.
	// It does not close the underlying writer.
	Close() error
}

// WriterOptions are what a Writer may need to know.
type WriterOptions struct {
	Resumed bool // records are there already, and so is the heading

	// Of a report:
	Site     cronofy.Site     // whose app host relink links may lead to; zero: any data center's
	Provider cronofy.Provider // whom the states are about; zero: AnyProvider
	Made     time.Time
}

// NewWriter writes records to w.
func NewWriter(w io.Writer, f Format, o WriterOptions) Writer {
	s := &stream{w: w}
	switch f {
	case FormatHTML:
		return newReport(w, o)
	case FormatJSON:
		s.text = jsonText
	case FormatCSV:
		s.heading, s.text = csvText(csvHeading()), csvLines
	default:
		s.heading, s.text = tableLine("STATE", "ACCOUNT", "PROVIDER", "CONNECTED", "PROFILE"), tableText
	}
	if o.Resumed {
		s.heading = ""
	}
	return s
}

// stream writes one record after the other.
type stream struct {
	w       io.Writer
	heading string // in front of what comes first, or at the end; empty: it is there, or there is none
	text    func(Record) string
}

// Write implements Writer.
func (s *stream) Write(r Record) error { return s.put(s.text(r)) }

// Close implements Writer.
func (s *stream) Close() error { return s.put("") }

func (s *stream) put(text string) error {
	text, s.heading = s.heading+text, ""
	if text == "" {
		return nil
	}
	_, err := io.WriteString(s.w, text)
	return err
}

// label is how people are told whose record it is.
func (a AccountRef) label() string {
	for _, s := range []string{a.Email, a.Name, a.Sub} {
		if s = strings.TrimSpace(name(s)); s != "" {
			return s
		}
	}
	return "-"
}

func yesNo(b bool) string {
	if b {
		return "yes"
	}
	return "no"
}

func jsonText(r Record) string {
	if r.Profiles == nil {
		r.Profiles = []Profile{}
	}
	var b strings.Builder
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false) // a relink URL keeps its "&"
	_ = enc.Encode(r)        // texts, numbers and truths alone
	return b.String()
}

// Widths in cells, a gap of two after each. A longest provider known is
// "webex_enterprise".
const (
	stateWidth     = 12
	accountWidth   = 32
	providerWidth  = 16
	connectedWidth = 9
	gap            = "  "
)

// tableText is lines whose columns stand where they stood before, because what
// comes later is not known yet. What does not fit is cut, but for the last column; a
// relink URL and an error have lines of their own and are never cut.
func tableText(r Record) string {
	var b strings.Builder
	state, account := strings.TrimSuffix(r.Words(), ownWords), r.Account.label()
	if len(r.Profiles) == 0 {
		b.WriteString(tableLine(state, account, "", "", ""))
	}
	for _, p := range r.Profiles {
		shown := p.ProfileName
		switch {
		case p.SinceLink():
			shown += " (new)"
		case p.BeforeLink():
			shown += " (their own, from before the link)"
		}
		b.WriteString(tableLine(state, account, p.ProviderName, yesNo(p.Connected), shown))
		if p.RelinkURL != "" {
			tableNote(&b, "relink: "+p.RelinkURL)
		}
		state, account = "", ""
	}
	if r.Error != nil {
		tableNote(&b, r.Error.Code+": "+r.Error.Message)
	}
	for _, w := range r.Warnings {
		tableNote(&b, "odd: "+w)
	}
	return b.String()
}

func tableLine(state, account, provider, connected, profile string) string {
	text := fit(state, stateWidth) + gap + fit(account, accountWidth) + gap + fit(provider, providerWidth) + gap +
		fit(connected, connectedWidth) + gap + name(profile)
	return strings.TrimRight(text, " ") + "\n"
}

func tableNote(b *strings.Builder, text string) {
	b.WriteString(strings.Repeat(" ", stateWidth) + gap + cronofy.CleanText(text, maxLink+maxMessage) + "\n")
}

// fit cleans, cuts and pads a text to a number of cells.
func fit(s string, cells int) string {
	s = displaywidth.TruncateString(name(s), cells, "…")
	return s + strings.Repeat(" ", max(0, cells-displaywidth.String(s)))
}

// Where in csvHeading what is read again stands.
const (
	csvState  = 3
	csvLine   = 12
	csvListed = 13
)

func csvHeading() []string {
	return []string{"sub", "email", "name", "state", "provider_name", "profile_id", "profile_name", "connected", "new",
		"relink_url", "error_code", "error_message", "line", "listed", "warnings"}
}

// csvLines is one line a profile; an account without any has one line with those
// fields empty.
func csvLines(r Record) string {
	profiles := r.Profiles
	if len(profiles) == 0 {
		profiles = []Profile{{}}
	}
	var lines strings.Builder
	for _, p := range profiles {
		lines.WriteString(csvText(csvRow(r, p)))
	}
	return lines.String()
}

func csvRow(r Record, p Profile) []string {
	var code, message, connected, isNew, line string
	if r.Error != nil {
		code, message = r.Error.Code, r.Error.Message
	}
	if p != (Profile{}) {
		connected = yesNo(p.Connected)
	}
	if p.New != nil {
		isNew = yesNo(*p.New)
	}
	if r.Line > 0 {
		line = strconv.Itoa(r.Line)
	}
	row := []string{r.Account.Sub, r.Account.Email, r.Account.Name, string(r.State), p.ProviderName, p.ProfileID,
		p.ProfileName, connected, isNew, p.RelinkURL, code, message, line, r.Listed, strings.Join(r.Warnings, " ")}
	for i := range row {
		row[i] = cell(row[i])
	}
	return row
}

// csvText is a line as encoding/csv reads it. It puts into quotes whatever any
// common separator would split, since a spreadsheet that is set to another country
// splits at semicolons, and whatever begins or ends with a space.
func csvText(row []string) string {
	for i, s := range row {
		if strings.ContainsAny(s, ",;\t|\"\r\n") || strings.TrimFunc(s, unseen) != s {
			row[i] = `"` + strings.ReplaceAll(s, `"`, `""`) + `"`
		}
	}
	return strings.Join(row, ",") + "\n"
}

// cell keeps a spreadsheet from taking a text for a formula: names come from
// outside, and "=HYPERLINK(…)" is a name that anybody can give themselves. The
// text may begin a cell where any common separator stands in it, because not every
// spreadsheet splits at commas, or heeds a quote in the middle of what it takes
// for a cell.
// https://owasp.org/www-community/attacks/CSV_Injection
func cell(s string) string {
	s = cronofy.CleanText(s, maxLink)
	if !strings.ContainsAny(s, formulaSigns) {
		return s
	}
	var b strings.Builder
	for len(s) > 0 {
		part := s
		if i := strings.IndexAny(s, separators); i >= 0 {
			part = s[:i+1]
		}
		s = s[len(part):]
		bare := strings.TrimLeftFunc(part, func(r rune) bool { return r == '\'' || r == '"' || unseen(r) || unicode.Is(unicode.Mn, r) })
		if strings.IndexAny(bare, formulaSigns) == 0 {
			b.WriteByte('\'')
		}
		b.WriteString(part)
	}
	return b.String()
}

const (
	formulaSigns = "=+-@＝＋－＠"
	separators   = ",;|" // a tab has become a space
)

// ErrNotRecords is the error of a file that ReadDone does not understand.
var ErrNotRecords = errors.New("the file holds something other than records in this format")

// eachLine gives the lines of r with their ends, which the last may lack.
func eachLine(r io.Reader) iter.Seq2[[]byte, error] {
	return func(yield func([]byte, error) bool) {
		in := bufio.NewReaderSize(r, 64<<10)
		for {
			line, err := in.ReadBytes('\n')
			if errors.Is(err, io.EOF) {
				if len(line) > 0 {
					yield(line, nil)
				}
				return
			}
			if !yield(line, err) || err != nil {
				return
			}
		}
	}
}

// Records streams what was written as JSON lines. A line that is no record ends
// it, with an error that wraps ErrNotRecords and quotes nothing.
func Records(r io.Reader) iter.Seq2[Record, error] {
	return func(yield func(Record, error) bool) {
		n := 0
		for line, err := range eachLine(r) {
			n++
			var rec Record
			switch {
			case err != nil:
			case len(bytes.TrimSpace(line)) == 0:
				continue
			default:
				if rec, err = recordOf(line, FormatJSON); err != nil {
					err = fmt.Errorf("line %d: %w", n, err)
				}
			}
			if !yield(rec, err) || err != nil {
				return
			}
		}
	}
}

// Done is what a file of records says of an earlier run that did not come to its
// end. An account of the list was read if there is a record of its line and its
// name in the list. Where the list has changed since then, or a record does not
// tell its line, the names alone count, each as often as there are records of it.
// An account that could not be read is not done; see DropFailed.
type Done struct {
	Size    int64   // bytes of the file that count: what a crash cut off does not
	Summary Summary // of the records in them

	seed    maphash.Seed
	left    map[uint64][]int // by name: the lines of records that count for nobody yet; 0: the record does not tell
	lines   map[int]bool     // that have a record
	changed bool             // the list has another account on a line than it had
}

// ReadDone reads what a Writer wrote in the format, which must be JSON or CSV.
// In CSV an account may have several lines, so the last account counts as cut
// off. Its error is ErrNotRecords or the reader's.
func ReadDone(r io.Reader, f Format) (*Done, error) {
	d := &Done{seed: maphash.MakeSeed(), left: map[uint64][]int{}, lines: map[int]bool{}}
	if f != FormatJSON && f != FormatCSV {
		return nil, fmt.Errorf("%w: %s cannot be continued", ErrNotRecords, f)
	}
	var last Record // what length bytes after Size say
	var length int64
	for line, err := range eachLine(r) {
		if err != nil {
			return nil, err
		}
		if !bytes.HasSuffix(line, []byte("\n")) {
			break // cut off
		}
		if f == FormatCSV && d.Size == 0 {
			if string(line) != csvText(csvHeading()) {
				return nil, ErrNotRecords
			}
			d.Size = int64(len(line))
			continue
		}
		rec, err := recordOf(line, f)
		if err != nil {
			return nil, err
		}
		if f == FormatCSV && rec.goesOnFrom(last) {
			length += int64(len(line))
			continue
		}
		d.note(last, length)
		last, length = rec, int64(len(line))
	}
	if f == FormatJSON {
		d.note(last, length)
	}
	return d, nil
}

// goesOnFrom tells whether a line of CSV is another profile of the account before.
func (r Record) goesOnFrom(last Record) bool {
	return len(r.Profiles) > 0 && r.Account == last.Account && r.Line == last.Line && r.Account != AccountRef{}
}

// DropFailed copies the first Size bytes of the file that ReadDone read, without
// the records in state "error": a run that goes on reads those accounts again.
// The rest is what Summary is of then.
func (d *Done) DropFailed(w io.Writer, r io.Reader, f Format) error {
	out := bufio.NewWriterSize(w, 64<<10)
	var size int64
	for line, err := range eachLine(io.LimitReader(r, d.Size)) {
		if err != nil {
			return err
		}
		if rec, err := recordOf(line, f); err != nil || rec.State != Failed {
			n, _ := out.Write(line) // Flush tells
			size += int64(n)
		}
	}
	if err := out.Flush(); err != nil {
		return err
	}
	d.Size, d.Summary.Read, d.Summary.Failed = size, d.Summary.Read-d.Summary.Failed, 0
	return nil
}

// recordOf reads a line. Of CSV it gives what Done needs, and the name of a profile's
// provider.
func recordOf(line []byte, f Format) (r Record, err error) {
	if f == FormatJSON {
		err = json.Unmarshal(line, &r)
	} else if row, readErr := csv.NewReader(bytes.NewReader(line)).Read(); readErr != nil || len(row) != len(csvHeading()) {
		err = ErrNotRecords
	} else {
		r = Record{Account: AccountRef{Sub: row[0], Email: row[1]}, State: State(row[csvState]), Listed: row[csvListed]}
		r.Line, _ = strconv.Atoi(row[csvLine])
		if provider := row[csvState+1]; provider != "" {
			r.Profiles = []Profile{{ProviderName: provider}}
		}
	}
	if err != nil || !slices.Contains(States(), r.State) {
		return r, ErrNotRecords // the errors of encoding/json quote the line
	}
	return r, nil
}

// note counts a record of so many bytes; without any there is none.
func (d *Done) note(r Record, length int64) {
	if length == 0 {
		return
	}
	d.Size += length
	d.Summary.Count(r)
	if r.State == Failed {
		return
	}
	names := []string{r.Account.Email, r.Account.Sub}
	if r.Listed != "" {
		names = []string{r.Listed}
	}
	for _, n := range names {
		if n != "" {
			d.left[d.key(n)] = append(d.left[d.key(n)], r.Line)
		}
	}
	if r.Line > 0 {
		d.changed = d.changed || d.lines[r.Line] // it had another account in each run
		d.lines[r.Line] = true
	}
}

// key is a hash of a name. CSV may have put something in front of what could be a
// formula.
func (d *Done) key(name string) uint64 {
	return maphash.String(d.seed, strings.ReplaceAll(cell(strings.ToLower(name)), "'", ""))
}

// Has tells whether there is a record of the account, other than of a failure.
// Each record counts once, so it must be asked once for each account, in the order
// of the list.
func (d *Done) Has(a Account) bool {
	listed := a.listed()
	if listed == "" {
		return false
	}
	if d.take(listed, func(line int) bool { return line == a.Row }) {
		return true
	}
	d.changed = d.changed || d.lines[a.Row]
	if d.changed && d.take(listed, func(line int) bool { return line > 0 }) {
		return true
	}
	if a.Sub != "" { // the better name, which records without a line have always
		listed = a.Sub
	}
	return d.take(listed, func(line int) bool { return line == 0 })
}

// take uses up a record of that name with such a line.
func (d *Done) take(name string, such func(line int) bool) bool {
	key := d.key(name)
	i := slices.IndexFunc(d.left[key], such)
	if i < 0 {
		return false
	}
	d.left[key] = slices.Delete(d.left[key], i, i+1)
	return true
}
