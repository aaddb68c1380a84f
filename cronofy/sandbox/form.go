package sandbox

import (
	"errors"
	"html"
	"net/url"
	"strings"

	"confer/cronofy"
)

// element is a start tag: all that reading our own forms needs.
type element struct {
	name  string
	attrs map[string]string
}

// form is a form of the sandbox's pages.
type form struct {
	action   string
	controls []element // input and button
}

// findForm gives the form with an id.
func findForm(page, id string) (form, bool) {
	var f form
	inside := false
	for _, e := range elements(page) {
		switch {
		case e.name == "form":
			inside = e.attrs["id"] == id
			if inside {
				f.action = e.attrs["action"]
			}
		case e.name == "/form" && inside:
			return f, true
		case inside && (e.name == "input" || e.name == "button"):
			f.controls = append(f.controls, e)
		}
	}
	return form{}, false
}

// fill gives what a browser sends when the button is clicked.
func (f form) fill(button string, sc Script) (url.Values, error) {
	values := url.Values{}
	clicked := false
	for _, c := range f.controls {
		name, value := c.attrs["name"], c.attrs["value"]
		_, checked := c.attrs["checked"]
		switch kind := c.attrs["type"]; {
		case c.name == "button":
			if c.attrs["id"] == button {
				values.Set(name, value)
				clicked = true
			}
		case kind == "radio":
			if checked && !values.Has(name) || sc.chooses(name, value) {
				values.Set(name, value)
			}
		case kind == "hidden" || kind == "text":
			values.Set(name, value)
		}
	}
	if !clicked {
		return nil, errors.New("the page has no button " + button)
	}
	if sc.NewUnit != "" && values.Has("unit_name") {
		values.Set("unit_name", sc.NewUnit)
	}
	return values, nil
}

func (sc Script) chooses(name, value string) bool {
	return name == "provider" && value == string(sc.Provider) || name == "unit" && value == "new" && sc.NewUnit != ""
}

// title is a page's title, for an error.
func title(page string) string {
	_, rest, ok := strings.Cut(page, "<title>")
	if !ok {
		return "no title"
	}
	text, _, _ := strings.Cut(rest, "</title>")
	return cronofy.CleanText(html.UnescapeString(text), 100)
}

func metaRefresh(page string) string {
	for _, e := range elements(page) {
		if e.name == "meta" && strings.EqualFold(e.attrs["http-equiv"], "refresh") {
			return e.attrs["content"]
		}
	}
	return ""
}

// elements gives the tags of a page in their order; end tags begin with "/".
// What is no well-formed tag is passed over.
func elements(page string) []element {
	var out []element
	for {
		_, rest, ok := strings.Cut(page, "<")
		if !ok {
			return out
		}
		e, after, ok := readTag(rest)
		if ok {
			out = append(out, e)
		}
		page = after
	}
}

func isSpace(r rune) bool { return strings.ContainsRune(" \t\r\n\f", r) }

// readTag reads from behind "<" to behind ">".
func readTag(s string) (element, string, bool) {
	end := strings.IndexFunc(s, func(r rune) bool { return isSpace(r) || r == '>' })
	if end <= 0 || s[0] == '!' {
		return element{}, s, false
	}
	e := element{name: strings.ToLower(s[:end]), attrs: map[string]string{}}
	s = s[end:]
	for {
		s = strings.TrimLeftFunc(s, func(r rune) bool { return isSpace(r) || r == '/' })
		if s == "" {
			return element{}, "", false
		}
		if s[0] == '>' {
			return e, s[1:], true
		}
		var name, value string
		name, value, s = readAttribute(s)
		if _, twice := e.attrs[name]; !twice {
			e.attrs[name] = value
		}
	}
}

// readAttribute reads a name and, if there is one, a quoted or bare value.
func readAttribute(s string) (name, value, rest string) {
	end := strings.IndexFunc(s, func(r rune) bool { return isSpace(r) || r == '>' || r == '=' })
	switch {
	case end < 0:
		return strings.ToLower(s), "", ""
	case end == 0: // a stray "="
		return "", "", s[1:]
	}
	name, s = strings.ToLower(s[:end]), s[end:]
	if s[0] != '=' {
		return name, "", s
	}
	s = s[1:]
	if s != "" && (s[0] == '"' || s[0] == '\'') {
		value, rest, _ = strings.Cut(s[1:], s[:1])
		return name, html.UnescapeString(value), rest
	}
	if end = strings.IndexFunc(s, func(r rune) bool { return isSpace(r) || r == '>' }); end < 0 {
		end = len(s)
	}
	return name, html.UnescapeString(s[:end]), s[end:]
}
