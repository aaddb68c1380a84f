package profiles

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"strings"
)

// readJSON reads one object a line.
func (in *input) readJSON(yield func(Account, error) bool) {
	for {
		in.source.n = 0
		line, err := in.ReadBytes('\n')
		if err != nil && !errors.Is(err, io.EOF) {
			yield(Account{}, in.broken(err))
			return
		}
		in.line++
		if len(bytes.TrimSpace(line)) > 0 {
			if !yield(jsonAccount(line, in.line)) {
				return
			}
		}
		if err != nil {
			return
		}
	}
}

// jsonAccount reads one line. encoding/json's own texts quote the input, so
// only its offsets are used.
func jsonAccount(line []byte, number int) (Account, error) {
	var got struct {
		Email   string `json:"email"`
		Sub     string `json:"sub"`
		Access  string `json:"access_token"`
		Refresh string `json:"refresh_token"`
	}
	err := json.Unmarshal(line, &got)
	at := Place{Line: number}
	var wrong *json.UnmarshalTypeError
	var syntax *json.SyntaxError
	switch {
	case errors.As(err, &wrong) && wrong.Field != "":
		at.Column, at.Field = int(wrong.Offset), wrong.Field
		return Account{Row: number}, &RowError{at, "must be text"}
	case errors.As(err, &syntax):
		at.Column = int(syntax.Offset)
		return Account{Row: number}, &RowError{at, "not a JSON object on one line"}
	case err != nil:
		return Account{Row: number}, &RowError{at, "not a JSON object on one line"}
	}
	c := cells{line: number, value: [columns]string{got.Email, got.Sub, got.Access, got.Refresh}}
	for i := range c.value {
		c.value[i] = strings.TrimSpace(c.value[i])
	}
	return c.account()
}
