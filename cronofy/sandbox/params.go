package sandbox

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"mime"
	"net/url"
	"strings"
)

var (
	errMediaType = errors.New("the media type is neither JSON nor a form")
	errMalformed = errors.New("the body is malformed")
)

// params are a request's parameters: strings from a form, anything from JSON.
type params map[string]any

// text gives a parameter that is a string and not blank.
func (p params) text(name string) (string, bool) {
	s, ok := p[name].(string)
	if strings.TrimSpace(s) == "" {
		return "", false
	}
	return s, ok
}

// parseParams reads a body whose Content-Type must say what it is. A parameter
// given twice is an error: RFC 6749 section 3.2 forbids it.
func parseParams(contentType string, body []byte) (params, error) {
	kind, _, err := mime.ParseMediaType(contentType)
	if err != nil {
		return nil, errMediaType
	}
	switch kind {
	case "application/json":
		return parseObject(body)
	case "application/x-www-form-urlencoded":
		return parseForm(string(body))
	}
	return nil, errMediaType
}

func parseForm(body string) (params, error) {
	values, err := url.ParseQuery(body)
	if err != nil {
		return nil, errMalformed
	}
	p := params{}
	for name, v := range values {
		if len(v) != 1 {
			return nil, errMalformed
		}
		p[name] = v[0]
	}
	return p, nil
}

func parseObject(body []byte) (params, error) {
	d := json.NewDecoder(bytes.NewReader(body))
	if t, err := d.Token(); err != nil || t != json.Delim('{') {
		return nil, errMalformed
	}
	p := params{}
	for d.More() {
		t, err := d.Token()
		name, ok := t.(string)
		if _, twice := p[name]; err != nil || !ok || twice {
			return nil, errMalformed
		}
		var v any
		if err := d.Decode(&v); err != nil {
			return nil, errMalformed
		}
		p[name] = v
	}
	if _, err := d.Token(); err != nil { // the closing brace
		return nil, errMalformed
	}
	if _, err := d.Token(); err != io.EOF { // More does not see a stray bracket
		return nil, errMalformed
	}
	return p, nil
}
