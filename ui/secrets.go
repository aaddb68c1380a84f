package ui

import (
	"errors"

	"confer/flow"
)

// errMisplaced says that an answer is a secret and its field is for something else.
var errMisplaced = errors.New("a secret in another field")

// misplaced refuses what looks like a secret in a field that shows what is typed,
// and whose answer is written down. typed are those that stand in other fields.
func misplaced(f Field, text string, s flow.State, typed []string) *flow.Problem {
	if f.Kind != FieldText || text == "" {
		return nil
	}
	bad := s.CheckNoSecret(text)
	for _, secret := range typed {
		s.Answers.ClientSecret = Values{"": secret}.Secret("")
		if bad == nil {
			bad = s.CheckNoSecret(text)
		}
	}
	if bad == nil && f.Shy {
		bad = f.check(text)
	}
	if bad == nil {
		return nil
	}
	return &flow.Problem{Summary: bad.Summary, Hint: bad.Hint, Code: bad.Code, Err: errMisplaced}
}

// check is the field's own, after what holds for all.
func (f Field) check(text string) *flow.Problem {
	if len(text) > maxEntry && f.Name != fieldAddress {
		return &flow.Problem{Summary: "That is too long for the " + f.called() + ".", Hint: "Paste it again, alone."}
	}
	if f.Check == nil {
		return nil
	}
	return f.Check(text)
}

// missing says what an empty field wants.
func (f Field) missing() *flow.Problem {
	if p := f.check(""); p != nil {
		return p
	}
	return &flow.Problem{Summary: "The " + f.called() + " is missing."}
}

// maxEntry bounds an answer, in bytes: a URL may be long.
const maxEntry = 2048
