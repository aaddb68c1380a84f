package profiles

import (
	"bytes"
	"encoding/csv"
	"errors"
	"io"
	"strings"
)

// readCSV reads what begins with a header.
func (in *input) readCSV(yield func(Account, error) bool) {
	r := csv.NewReader(in.Reader)
	r.ReuseRecord = true
	r.Comma = in.separator()
	header, err := r.Read()
	if err != nil {
		yield(Account{}, in.broken(bare(err)))
		return
	}
	where, err := in.header(header)
	if err != nil {
		yield(Account{}, err)
		return
	}
	for {
		in.source.n = 0
		row, err := r.Read()
		if errors.Is(err, io.EOF) {
			return
		}
		a, blank, err := in.csvAccount(r, where, row, err)
		if !blank && !yield(a, err) {
			return
		}
		if fatal(err) {
			return
		}
	}
}

func fatal(err error) bool {
	var e *InputError
	return errors.As(err, &e)
}

func (in *input) csvAccount(r *csv.Reader, where [columns]int, row []string, err error) (a Account, blank bool, _ error) {
	var parse *csv.ParseError
	if errors.As(err, &parse) && !errors.Is(err, csv.ErrFieldCount) {
		at := Place{Line: in.line + parse.Line, Column: parse.Column}
		return Account{Row: in.line + parse.StartLine}, false, &RowError{at, parse.Err.Error()}
	}
	if err != nil && parse == nil {
		return Account{}, false, in.broken(err)
	}
	line, _ := r.FieldPos(0)
	in.passed = in.line + line
	c := cells{line: in.passed}
	for i, j := range where {
		if j >= 0 && j < len(row) {
			c.value[i] = strings.TrimSpace(row[j])
			_, c.column[i] = r.FieldPos(j)
		}
	}
	if c.blank() && blankRow(row) {
		return Account{}, true, nil
	}
	a, accErr := c.account()
	if err != nil {
		return Account{Email: a.Email, Sub: a.Sub, Row: a.Row}, false, &RowError{Place{Line: c.line}, "not as many fields as the header"}
	}
	return a, false, accErr
}

func blankRow(row []string) bool {
	for _, f := range row {
		if strings.TrimSpace(f) != "" {
			return false
		}
	}
	return true
}

// header finds our columns; -1 is one that is not there.
func (in *input) header(row []string) ([columns]int, error) {
	where := [columns]int{-1, -1, -1, -1}
	for j, title := range row {
		for i, known := range columnNames() {
			if !strings.EqualFold(strings.TrimSpace(title), known) {
				continue
			}
			if where[i] >= 0 {
				return where, &InputError{Place: Place{Line: in.line + 1, Field: known}, Reason: "the header has this column twice"}
			}
			where[i] = j
		}
	}
	if where[colAccess] < 0 && where[colRefresh] < 0 {
		return where, &InputError{Place: Place{Line: in.line + 1}, Reason: "the header names neither access_token nor refresh_token"}
	}
	return where, nil
}

// separator is what the header uses: spreadsheets write semicolons where the
// comma is a decimal sign, and tabs on request.
func (in *input) separator() rune {
	seen, _ := in.Peek(in.Buffered())
	line, _, _ := bytes.Cut(seen, []byte("\n"))
	for _, c := range ",;\t" {
		if bytes.ContainsRune(line, c) {
			return c
		}
	}
	return ','
}

// bare drops csv's own text around an error; what is left quotes nothing.
func bare(err error) error {
	var parse *csv.ParseError
	if errors.As(err, &parse) {
		return parse.Err
	}
	return err
}
