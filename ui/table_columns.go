package ui

import (
	"strings"

	"confer/flow"
	"confer/internal/profiles"
)

// columns are the widths of a row.
type columns struct{ state, account, provider, profile int }

func (c columns) widened(by columns) columns {
	return columns{max(c.state, by.state), max(c.account, by.account), max(c.provider, by.provider), max(c.profile, by.profile)}
}

const columnGap = "  "

// columnsFor gives each column what its widest cell needs, and the last what is
// left. Where that is too much, the account keeps at least three fifths of the
// room, because it says whose row it is. The widths are those of all rows: nothing
// moves while one scrolls or filters.
func columnsFor(w int, need columns) columns {
	const gap = len(columnGap)
	c := columns{state: len("disconnected"), provider: len("Provider")}
	rest := w - 4 - c.state - gap
	switch {
	case rest < 34:
		c.account, c.provider = rest, 0
	case rest < 50:
		c.account = rest - c.provider - gap
	default:
		c.provider = max(c.provider, min(need.provider, 12))
		room := rest - c.provider - 2*gap
		c.account = max(visible("Account ↓"), need.account)
		if c.account+need.profile > room {
			c.account = min(c.account, max(room*3/5, room-max(len("Profile"), need.profile)))
		}
		c.profile = room - c.account
	}
	return c
}

func (c columns) line(sign, state, account, provider, profile string) string {
	var b strings.Builder
	b.WriteString(sign)
	b.WriteString(fixed(state, c.state))
	b.WriteString(columnGap)
	b.WriteString(fixed(account, c.account))
	if c.provider > 0 {
		b.WriteString(columnGap)
		b.WriteString(fixed(provider, c.provider))
	}
	if c.profile > 0 {
		b.WriteString(columnGap)
		b.WriteString(fixed(profile, c.profile))
	}
	return b.String()
}

// fixed cuts or fills s to w cells.
func fixed(s string, w int) string {
	if n := visible(s); n > w {
		s = cutTo(s, w)
	}
	return pad(s, w)
}

// cells are the texts of a row.
type cells struct {
	state, account, provider, profile string
	more                              string // how many profiles are not shown; never cut
}

func cellsOf(row profiles.Row, of flow.Answers) cells {
	rec := row.Record
	c := cells{state: stateWord(rec.State), account: clean(accountName(row, of.Accounts.Kind))}
	shown := shownProfile(rec, of.Provider)
	switch {
	case shown != nil:
		c.provider, c.profile = providerLabel(shown.ProviderName), clean(shown.ProfileName)
		if more := len(rec.Profiles) - 1; more > 0 {
			c.more = " +" + thousands(more)
		}
		if shown.SinceLink() {
			c.profile = "new · " + c.profile
		}
	case rec.Error != nil:
		c.profile, _ = flow.AccountWords(rec.Error.Code, of.Accounts.Kind)
		c.profile = clean(c.profile)
	}
	return c
}

// widths are what the texts need whole.
func (c cells) widths() columns {
	return columns{account: visible(c.account), provider: visible(c.provider), profile: visible(c.profile) + len(c.more)}
}
