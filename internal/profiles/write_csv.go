package profiles

import (
	"bytes"
	"encoding/csv"
	"io"
	"strings"

	"confer/cronofy"
)

// csvWriter writes one line a profile; an account without any has one line with
// those fields empty.
type csvWriter struct {
	w      io.Writer
	headed bool
}

func (c *csvWriter) Write(r Record) error {
	var rows [][]string
	if !c.headed {
		rows = append(rows, csvHeading())
	}
	profiles := r.Profiles
	if len(profiles) == 0 {
		profiles = []Profile{{}}
	}
	for _, p := range profiles {
		rows = append(rows, csvRow(r, p))
	}
	return c.write(rows)
}

func (c *csvWriter) Close() error {
	if c.headed {
		return nil
	}
	return c.write([][]string{csvHeading()})
}

func (c *csvWriter) write(rows [][]string) error {
	var b bytes.Buffer
	w := csv.NewWriter(&b)
	if err := w.WriteAll(rows); err != nil {
		return err
	}
	c.headed = true
	_, err := c.w.Write(b.Bytes())
	return err
}

func csvHeading() []string {
	return []string{"sub", "email", "name", "state", "provider_name", "profile_id",
		"profile_name", "connected", "new", "relink_url", "error_code", "error_message"}
}

func csvRow(r Record, p Profile) []string {
	var code, message, connected, isNew string
	if r.Error != nil {
		code, message = r.Error.Code, r.Error.Message
	}
	if p != (Profile{}) {
		connected = yesNo(p.Connected)
	}
	if p.New != nil {
		isNew = yesNo(*p.New)
	}
	row := []string{r.Account.Sub, r.Account.Email, r.Account.Name, string(r.State), p.ProviderName, p.ProfileID,
		p.ProfileName, connected, isNew, p.RelinkURL, code, message}
	for i := range row {
		row[i] = cell(row[i])
	}
	return row
}

// cell keeps a spreadsheet from taking a text for a formula: names come from
// outside, and "=HYPERLINK(…)" is a name that anybody can give themselves.
// https://owasp.org/www-community/attacks/CSV_Injection
func cell(s string) string {
	s = cronofy.CleanText(s, maxLink)
	if strings.IndexAny(strings.TrimLeft(s, " '\u00a0"), "=+-@＝＋－＠") == 0 {
		return "'" + s
	}
	return s
}
