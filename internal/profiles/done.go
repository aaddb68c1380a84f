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
	"strings"
)

// ErrNotRecords is the error of a file that ReadDone does not understand.
var ErrNotRecords = errors.New("the file holds something other than records in this format")

// Done is what a file of records says of an earlier run that did not come to its
// end. Accounts are told apart by sub and e-mail address. An account that could
// not be read is not done; see DropFailed.
type Done struct {
	Size    int64   // bytes of the file that count: what a crash cut off does not
	Summary Summary // of the records in them
	seed    maphash.Seed
	keys    map[uint64]bool
}

// ReadDone reads what a Writer wrote in the format, which must be JSON or CSV.
// In CSV an account may have several lines, so the last account counts as cut
// off. Its error is ErrNotRecords or the reader's.
func ReadDone(r io.Reader, f Format) (*Done, error) {
	d := &Done{seed: maphash.MakeSeed(), keys: map[uint64]bool{}}
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
		return err == nil && len(row) > 3 && State(row[3]) == Failed
	}
	r, err := recordOf(line)
	return err == nil && r.State == Failed
}

func recordOf(line []byte) (Record, error) {
	var r Record
	if err := json.Unmarshal(line, &r); err != nil || !knownState(r.State) {
		return r, ErrNotRecords // encoding/json would quote the line
	}
	return r, nil
}

func (d *Done) takeJSON(line []byte) error {
	r, err := recordOf(line)
	if err != nil {
		return err
	}
	d.note(r.Account.Sub, r.Account.Email, r.State)
	d.Size += int64(len(line))
	return nil
}

func knownState(s State) bool {
	return slices.Contains([]State{Connected, Disconnected, Missing, Failed}, s)
}

func (d *Done) note(sub, email string, s State) {
	d.Summary.Count(Record{State: s})
	if s == Failed {
		return
	}
	for _, k := range d.ids(sub, email) {
		d.keys[k] = true
	}
}

// ids are hashes of what names an account; the two kinds never meet.
func (d *Done) ids(sub, email string) []uint64 {
	var out []uint64
	if sub != "" {
		out = append(out, maphash.String(d.seed, "sub\x00"+cell(sub)))
	}
	if email != "" {
		out = append(out, maphash.String(d.seed, "email\x00"+cell(strings.ToLower(email))))
	}
	return out
}

// Has tells whether there is a record of the account, other than of a failure.
func (d *Done) Has(a Account) bool {
	return slices.ContainsFunc(d.ids(a.Sub, a.Email), func(k uint64) bool { return d.keys[k] })
}

// Skip leaves out the accounts of which there is a record. An account without
// sub and e-mail address ends the list with an *InputError, because nobody can
// tell whether it was read.
func (d *Done) Skip(accounts iter.Seq2[Account, error]) iter.Seq2[Account, error] {
	return func(yield func(Account, error) bool) {
		for a, err := range accounts {
			if err == nil && a.Sub == "" && a.Email == "" {
				yield(Account{}, &InputError{Place: Place{Line: a.Row}, Reason: "neither email nor sub: nobody can tell whether this account was read before"})
				return
			}
			if d.Has(a) && !fatal(err) {
				continue
			}
			if !yield(a, err) {
				return
			}
		}
	}
}

// csvDone holds an account back until the next one begins: it may have been cut
// off between two lines.
type csvDone struct {
	*Done
	headed     bool
	sub, email string // of the account that may go on
	state      State  // empty: none yet
	length     int64  // of its lines
}

func (c *csvDone) take(line []byte) error {
	row, err := csv.NewReader(bytes.NewReader(line)).Read()
	if err != nil || len(row) != len(csvHeading()) {
		return ErrNotRecords
	}
	if !c.headed {
		if !slices.Equal(row, csvHeading()) {
			return ErrNotRecords
		}
		c.headed = true
		c.Size += int64(len(line))
		return nil
	}
	sub, email, state := row[0], row[1], State(row[3])
	if !knownState(state) {
		return ErrNotRecords
	}
	if same := row[4] != "" && sub == c.sub && email == c.email && sub+email != ""; !same {
		c.settle()
		c.sub, c.email, c.state = sub, email, state
	}
	c.length += int64(len(line))
	return nil
}

// settle counts the account that is complete now.
func (c *csvDone) settle() {
	if c.state != "" {
		c.note(uncell(c.sub), uncell(c.email), c.state)
		c.Size += c.length
	}
	c.length, c.state = 0, ""
}

// uncell takes away what cell put in front.
func uncell(s string) string {
	if rest, ok := strings.CutPrefix(s, "'"); ok && cell(rest) == s {
		return rest
	}
	return s
}
