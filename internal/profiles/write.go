package profiles

import (
	"fmt"
	"io"
	"strings"
)

// Format is how records are written.
type Format string

// The formats, as --format names them.
const (
	FormatTable Format = "table" // for people: fixed columns, so that it streams
	FormatJSON  Format = "json"  // for scripts: one Record a line
	FormatCSV   Format = "csv"   // for spreadsheets: one profile a line
)

// Formats lists all of them, the default first.
func Formats() []Format { return []Format{FormatTable, FormatJSON, FormatCSV} }

// FindFormat looks a flag's value up, ignoring case and surrounding space.
func FindFormat(name string) (Format, bool) {
	name = strings.ToLower(strings.TrimSpace(name))
	for _, f := range Formats() {
		if string(f) == name {
			return f, true
		}
	}
	return "", false
}

// Writer writes records. Each Write goes to the underlying writer at once and in
// one piece, so that a reader at the other end sees whole records, whenever the
// program ends.
type Writer interface {
	Write(Record) error
	// Close writes what a list without records must still have: the heading.
	// It does not close the underlying writer.
	Close() error
}

// ResumeWriter writes records behind those that w has already; see Done.
func ResumeWriter(w io.Writer, f Format, d *Done) (Writer, error) {
	if f == FormatCSV && d.Size > 0 {
		return &csvWriter{w: w, headed: true}, nil
	}
	return NewWriter(w, f)
}

// NewWriter writes records to w.
func NewWriter(w io.Writer, f Format) (Writer, error) {
	switch f {
	case FormatTable:
		return &tableWriter{w: w}, nil
	case FormatJSON:
		return newJSONWriter(w), nil
	case FormatCSV:
		return &csvWriter{w: w}, nil
	}
	return nil, fmt.Errorf("unknown format %q", string(f))
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
