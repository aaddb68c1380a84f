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
)

// ErrNotRecords is the error of a file that ReadDone does not understand.
var ErrNotRecords = errors.New("the file holds something other than records in this format")

// eachLine gives the lines of r with their ends, which the last may lack.
func eachLine(r io.Reader) iter.Seq2[[]byte, error] {
	return func(yield func([]byte, error) bool) {
		in := bufio.NewReaderSize(r, 64<<10)
		for {
			line, err := in.ReadBytes('\n')
			last := errors.Is(err, io.EOF)
			if last {
				err = nil
			}
			if last && len(line) == 0 || !yield(line, err) || last || err != nil {
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
	exact   map[uint64]int // records by line and name
	lines   map[int]bool   // that have a record
	byName  map[uint64]int // records that tell their line
	unlined map[uint64]int // records that do not
	changed bool           // the list has another account on a line than it had
}

// ReadDone reads what a Writer wrote in the format, which must be JSON or CSV.
// In CSV an account may have several lines, so the last account counts as cut
// off. Its error is ErrNotRecords or the reader's.
func ReadDone(r io.Reader, f Format) (*Done, error) {
	d := &Done{seed: maphash.MakeSeed(), exact: map[uint64]int{}, lines: map[int]bool{}, byName: map[uint64]int{}, unlined: map[uint64]int{}}
	if f != FormatJSON && f != FormatCSV {
		return nil, fmt.Errorf("%w: %s cannot be continued", ErrNotRecords, f)
	}
	var last Record // what length bytes after Size say
	var length int64
	count := func() {
		if length > 0 {
			d.note(last)
			d.Size, length = d.Size+length, 0
		}
	}
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
		if f == FormatJSON || !rec.goesOnFrom(last) {
			count()
			last = rec
		}
		if length += int64(len(line)); f == FormatJSON {
			count()
		}
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

func (d *Done) note(r Record) {
	d.Summary.Count(r)
	if r.State == Failed {
		return
	}
	names := []string{r.Account.Email, r.Account.Sub}
	if r.Listed != "" {
		names = []string{r.Listed}
	}
	for _, n := range names {
		switch {
		case n == "":
		case r.Line == 0:
			d.unlined[d.key(0, n)]++
		default:
			d.exact[d.key(r.Line, n)]++
			d.byName[d.key(0, n)]++
		}
	}
	if r.Line > 0 {
		d.lines[r.Line] = true
	}
}

// key is a hash of a name, on a line if that is not zero. CSV may have put
// something in front of what could be a formula.
func (d *Done) key(line int, listed string) uint64 {
	return maphash.String(d.seed, strconv.Itoa(line)+"\x00"+strings.ReplaceAll(cell(strings.ToLower(listed)), "'", ""))
}

// Has tells whether there is a record of the account, other than of a failure.
// Each record counts once, so it must be asked once for each account, in the order
// of the list.
func (d *Done) Has(a Account) bool {
	listed := a.listed()
	if listed == "" {
		return false
	}
	any := d.key(0, listed)
	if take(d.exact, d.key(a.Row, listed)) {
		take(d.byName, any)
		return true
	}
	d.changed = d.changed || d.lines[a.Row]
	if d.changed && take(d.byName, any) {
		return true
	}
	if a.Sub != "" { // the better name, which records without a line have always
		any = d.key(0, a.Sub)
	}
	return take(d.unlined, any)
}

// take uses up one of what is counted.
func take(counts map[uint64]int, key uint64) bool {
	n := counts[key]
	if n > 0 {
		counts[key] = n - 1
	}
	return n > 0
}
