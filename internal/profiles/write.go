package profiles

import (
	"bufio"
	"bytes"
	"cmp"
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

// WriterOptions are what a report needs to know.
type WriterOptions struct {
	Site     cronofy.Site     // whose app host relink links may lead to; zero: any data center's
	Provider cronofy.Provider // whom the states are about; zero: AnyProvider
	Made     time.Time
}

// NewWriter writes records to w.
func NewWriter(w io.Writer, f Format, o WriterOptions) Writer {
	switch f {
	case FormatHTML:
		return &report{w: w, o: o}
	case FormatJSON:
		return &stream{w, "", jsonText}
	case FormatCSV:
		return &stream{w, csvHeading, csvLines}
	default:
		return &stream{w, tableLine("STATE", "ACCOUNT", "PROVIDER", "CONNECTED", "PROFILE"), tableText}
	}
}

// stream writes one record after the other.
type stream struct {
	w       io.Writer
	heading string // in front of what comes first, or at the end; empty: it was written, or there is none
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
	return cmp.Or(strings.TrimSpace(name(a.Email)), strings.TrimSpace(name(a.Name)), strings.TrimSpace(name(a.Sub)), "-")
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
	// The longest provider known is "webex_enterprise".
	text := fit(state, noteIndent) + fit(account, 34) + fit(provider, 18) + fit(connected, 11) + name(profile)
	return strings.TrimRight(text, " ") + "\n"
}

const noteIndent = 14

func tableNote(b *strings.Builder, text string) {
	b.WriteString(strings.Repeat(" ", noteIndent) + cronofy.CleanText(text, maxLink+maxMessage) + "\n")
}

// fit cleans, cuts and pads a text to a number of cells, of which the last two are a gap.
func fit(s string, cells int) string {
	s = displaywidth.TruncateString(name(s), cells-2, "…")
	return s + strings.Repeat(" ", max(0, cells-displaywidth.String(s)))
}

const csvHeading = "sub,email,name,state,provider_name,profile_id,profile_name,connected,new,relink_url,error_code,error_message,line,listed,warnings\n"

// csvLines is one line a profile; an account without any has one line with those
// fields empty. encoding/csv reads it. In quotes is whatever any common separator
// would split, since a spreadsheet that is set to another country splits at
// semicolons, and whatever begins or ends with a space.
func csvLines(r Record) string {
	var lines strings.Builder
	var code, message, line string
	if r.Error != nil {
		code, message = r.Error.Code, r.Error.Message
	}
	if r.Line > 0 {
		line = strconv.Itoa(r.Line)
	}
	for i := range max(1, len(r.Profiles)) {
		var p Profile
		var connected, isNew string
		if i < len(r.Profiles) {
			p = r.Profiles[i]
			connected = yesNo(p.Connected)
		}
		if p.New != nil {
			isNew = yesNo(*p.New)
		}
		row := []string{r.Account.Sub, r.Account.Email, r.Account.Name, string(r.State), p.ProviderName, p.ProfileID,
			p.ProfileName, connected, isNew, p.RelinkURL, code, message, line, r.Listed, strings.Join(r.Warnings, " ")}
		for i, text := range row {
			if row[i] = cell(text); strings.ContainsAny(row[i], ",;\t|\"\r\n") || strings.TrimFunc(row[i], unseen) != row[i] {
				row[i] = `"` + strings.ReplaceAll(row[i], `"`, `""`) + `"`
			}
		}
		lines.WriteString(strings.Join(row, ",") + "\n")
	}
	return lines.String()
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

// ErrNotRecords is the error of a file that holds something other than JSON records.
var ErrNotRecords = errors.New("the file holds something other than records in JSON lines")

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
			if err == nil && len(bytes.TrimSpace(line)) == 0 {
				continue
			}
			var rec Record
			if err == nil {
				if rec, err = recordOf(line); err != nil {
					err = fmt.Errorf("line %d: %w", n, err)
				}
			}
			if !yield(rec, err) || err != nil {
				return
			}
		}
	}
}

// recordOf reads a line. The errors of encoding/json quote it, so they are not passed on.
func recordOf(line []byte) (r Record, err error) {
	if json.Unmarshal(line, &r) != nil || !slices.Contains(States(), r.State) {
		return r, ErrNotRecords
	}
	return r, nil
}

// Done is what a file of records says of an earlier run that did not come to its
// end. An account of the list was read if there is a record of its line and its
// name in the list. Where the list has changed since then, or a record does not
// tell its line, the names alone count, each as often as there are records of it.
// An account that could not be read is not done.
type Done struct {
	Summary Summary // of all records in the file

	left    map[uint64][]int // by name: the lines of records that count for nobody yet; 0: the record does not tell
	lines   map[int]bool     // that have a record
	changed bool             // the list has another account on a line than it had
}

// nameSeed keys the hashes of names, which take less memory than the names.
var nameSeed = maphash.MakeSeed()

func nameKey(name string) uint64 { return maphash.String(nameSeed, strings.ToLower(name)) }

// ReadDone reads what a Writer wrote as JSON lines, and copies to kept what a run that
// goes on adds to: not what a crash cut off, and not the records in state "error", whose
// accounts are read again. Its error is ErrNotRecords, or of r or kept.
func ReadDone(r io.Reader, kept io.Writer) (*Done, error) {
	d := &Done{left: map[uint64][]int{}, lines: map[int]bool{}}
	out := bufio.NewWriterSize(kept, 64<<10)
	for line, err := range eachLine(r) {
		if err != nil {
			return nil, err
		}
		if !bytes.HasSuffix(line, []byte("\n")) {
			break // cut off
		}
		rec, err := recordOf(line)
		if err != nil {
			return nil, err
		}
		d.Summary.Count(rec)
		if rec.State != Failed {
			d.note(rec)
			_, _ = out.Write(line) // Flush tells
		}
	}
	return d, out.Flush()
}

// note remembers whose record it is.
func (d *Done) note(r Record) {
	names := []string{r.Account.Email, r.Account.Sub}
	if r.Listed != "" {
		names = []string{r.Listed}
	}
	for _, n := range names {
		if n != "" {
			d.left[nameKey(n)] = append(d.left[nameKey(n)], r.Line)
		}
	}
	if r.Line > 0 {
		d.changed = d.changed || d.lines[r.Line] // it had another account in each run
		d.lines[r.Line] = true
	}
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
	key := nameKey(name)
	i := slices.IndexFunc(d.left[key], such)
	if i < 0 {
		return false
	}
	d.left[key] = slices.Delete(d.left[key], i, i+1)
	return true
}
