// Package markup makes HTML in which every value is escaped.
//
// It is used in place of html/template because text/template, beneath it, calls
// methods by names that only the run knows. A linker that meets that must keep
// every exported method of the program: a sixth of the binary, and of the memory
// that it takes when it runs.
package markup

import (
	"fmt"
	"html"
	"strconv"
	"strings"
)

// HTML is finished: constants of the program, and what a Page gave.
type HTML string

// literal can be given only as a constant in the source of the caller, so no
// value from outside can ever be taken for markup.
type literal string

// Page is HTML in the making. The zero value is empty.
type Page struct{ b strings.Builder }

// Add appends a piece of HTML in which each {} stands for the next value: text
// and numbers are escaped, HTML is not. A {} may stand in text and in attributes
// with double quotes; not in style, script or comments, and as an address only
// if its beginning is in the piece. It panics when values and places differ in
// number, which is a mistake in the program.
func (p *Page) Add(piece literal, values ...any) {
	parts := strings.Split(string(piece), "{}")
	if len(parts) != len(values)+1 {
		panic(fmt.Sprintf("markup: %d values for %d places", len(values), len(parts)-1))
	}
	p.b.WriteString(parts[0])
	for i, v := range values {
		p.b.WriteString(escaped(v))
		p.b.WriteString(parts[i+1])
	}
}

// AddIf is Add on a condition.
func (p *Page) AddIf(ok bool, piece literal, values ...any) {
	if ok {
		p.Add(piece, values...)
	}
}

// HTML is what was added so far.
func (p *Page) HTML() HTML { return HTML(p.b.String()) }

// If gives a piece of HTML on a condition, else nothing.
func If(ok bool, piece literal) HTML {
	if !ok {
		return ""
	}
	return HTML(piece)
}

func escaped(v any) string {
	switch v := v.(type) {
	case HTML:
		return string(v)
	case int:
		return strconv.Itoa(v)
	case string:
		return html.EscapeString(strings.ReplaceAll(v, "\x00", "\uFFFD"))
	}
	return html.EscapeString(fmt.Sprint(v))
}
