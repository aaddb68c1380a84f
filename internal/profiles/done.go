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

// Records streams what was written as JSON lines. A line that is no record ends
// it, with an error that wraps ErrNotRecords and quotes nothing.
func Records(r io.Reader) iter.Seq2[Record, error] {
	return func(yield func(Record, error) bool) {
		in := bufio.NewReaderSize(r, 64<<10)
		for n := 1; ; n++ {
			line, err := in.ReadBytes('\n')
			if err != nil && !errors.Is(err, io.EOF) {
				yield(Record{}, err)
				return
			}
			if len(bytes.TrimSpace(line)) > 0 {
				rec, bad := recordOf(line)
				if bad != nil {
					yield(Record{}, fmt.Errorf("line %d: %w", n, bad))
					return
				}
				if !yield(rec, nil) {
					return
				}
			}
			if err != nil {
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
	var take func(line []byte) error
	switch f {
	case FormatJSON:
		take = d.takeJSON
	case FormatCSV:
		take = (&csvDone{Done: d}).take
	default:
		return nil, fmt.Errorf("%w: %s cannot be continued", ErrNotRecords, f)
	}
	in := bufio.NewReaderSize(r, 64<<10)
	for {
		line, err := in.ReadBytes('\n')
		if errors.Is(err, io.EOF) {
			return d, nil
		}
		if err != nil {
			return nil, err
		}
		if err := take(line); err != nil {
			return nil, err
		}
	}
}

// DropFailed copies the first Size bytes of the file that ReadDone read, without
// the records in state "error": a run that goes on reads those accounts again.
// The rest is what Summary is of then.
func (d *Done) DropFailed(w io.Writer, r io.Reader, f Format) error {
	in := bufio.NewReaderSize(io.LimitReader(r, d.Size), 64<<10)
	out := bufio.NewWriterSize(w, 64<<10)
	var size int64
	for {
		line, err := in.ReadBytes('\n')
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return err
		}
		if !failedLine(line, f) {
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

func failedLine(line []byte, f Format) bool {
	if f == FormatCSV {
		row, err := csv.NewReader(bytes.NewReader(line)).Read()
		return err == nil && len(row) > csvState && State(row[csvState]) == Failed
	}
	r, err := recordOf(line)
	return err == nil && r.State == Failed
}

func recordOf(line []byte) (Record, error) {
	var r Record
	if err := json.Unmarshal(line, &r); err != nil || !slices.Contains(States(), r.State) {
		return r, ErrNotRecords // encoding/json would quote the line
	}
	return r, nil
}

func (d *Done) takeJSON(line []byte) error {
	r, err := recordOf(line)
	if err != nil {
		return err
	}
	d.note(r)
	d.Size += int64(len(line))
	return nil
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

// csvDone keeps an account from counting until the next one begins: it may have
// been cut off between two lines.
type csvDone struct {
	*Done
	last   Record // the account that may go on; its state is empty: none yet
	length int64  // of its lines
}

func (c *csvDone) take(line []byte) error {
	row, err := csv.NewReader(bytes.NewReader(line)).Read()
	if err != nil {
		return ErrNotRecords
	}
	if c.Size == 0 {
		if !slices.Equal(row, csvHeading()) {
			return ErrNotRecords
		}
		c.Size += int64(len(line))
		return nil
	}
	if len(row) != len(csvHeading()) || !slices.Contains(States(), State(row[csvState])) {
		return ErrNotRecords
	}
	r := Record{Account: AccountRef{Sub: row[0], Email: row[1]}, State: State(row[csvState]), Listed: row[csvListed]}
	r.Line, _ = strconv.Atoi(row[csvLine])
	goesOn := row[csvState+1] != "" && r.Account == c.last.Account && r.Line == c.last.Line && r.Account != AccountRef{}
	if !goesOn {
		if c.last.State != "" {
			c.note(c.last)
			c.Size += c.length
		}
		c.last, c.length = r, 0
	}
	c.length += int64(len(line))
	return nil
}
