package ui

import (
	"fmt"
	"io"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"confer/cronofy"
	"confer/flow"
	"confer/keystore"
)

// shownPages are the pages that the state can show, each as a scene that leads to
// it. A page that no scene shows fails.
func shownPages(t *testing.T) map[pageID]*Model {
	t.Helper()
	out := map[pageID]*Model{}
	for _, s := range scenes() {
		if m := s.model(t, 120, 45); !m.helping && !m.leaving && m.page().Busy == "" && out[m.at()] == nil {
			out[m.at()] = m
		}
	}
	for id := range pages {
		require.Contains(t, out, id, "no scene shows the page")
	}
	return out
}

// flat is a text without its line breaks, marks and signs.
func flat(s string) string {
	return strings.Join(strings.Fields(strings.NewReplacer("│", " ", "\\\n", " ").Replace(s)), " ")
}

// whole is a page as the screen draws it in a window that has room for all of it.
func whole(m *Model, help bool) string {
	f := m.frame()
	f.w, f.h = 400, 400
	var s sheet
	switch {
	case help:
		s = m.help(f)
	case m.table() != nil:
		s = m.profile.draw(f, m.page(), flash{})
	default:
		s = f.draw(m.page(), m.form(), flash{})
	}
	return regexp.MustCompile("\x1b\\[[0-9;]*m|\x1b\\]8;[^\x1b\x07]*(\x07|\x1b\\\\)").ReplaceAllString(strings.Join(append(stack(s.blocks, true).lines, s.foot...), "\n"), "")
}

// spoken is a page as lines say it.
func spoken(t *testing.T, m *Model) string {
	t.Helper()
	var out strings.Builder
	p := &linesWizard{wizard: wizard{trail: trail{path: m.path, opened: m.opened}, cfg: m.cfg, state: m.state, forms: map[pageID]*form{}},
		in: &linesInput{}, still: time.NewTicker(linesEvery), step: -1}
	p.cfg.Output, p.cfg.Err = io.Discard, &out
	page := m.page()
	p.heading(page)
	p.offer(page)
	for p.field = range page.Fields {
		p.say(p.prompt(page))
	}
	p.say(p.prompt(page))
	p.help(page)
	return out.String()
}

// TestEveryPageSaysAllInBothRenderings: each field, note and action of each page
// is found on the screen, with its help, and in lines.
func TestEveryPageSaysAllInBothRenderings(t *testing.T) {
	t.Parallel()
	for id, m := range shownPages(t) {
		t.Run(string(id), func(t *testing.T) {
			t.Parallel()
			page, screen := m.page(), flat(whole(m, false)+" "+whole(m, true))
			lines := ""
			if m.table() == nil && id != pageAccount { // lines say rows in their own way
				lines = flat(spoken(t, m))
			}
			both := func(what, text string) {
				if text == "" {
					return
				}
				require.Contains(t, screen, flat(screenWords(text)), "%s on the screen", what)
				if lines != "" {
					require.Contains(t, lines, flat(linesText(linesWords(text))), "%s in lines", what)
				}
			}
			if m.table() == nil { // whose counts are its title
				both("title", page.Title)
			}
			both("lead", page.Lead)
			for _, f := range page.Fields {
				if f.Kind != FieldChoice {
					both("field", f.Label)
				}
				for _, o := range f.Options {
					both("option", o.Label)
					both("note of an option", o.Note)
				}
			}
			for _, n := range slices.Concat(page.Found, page.Notes) {
				both("head", n.Head)
				both("note", n.Text)
				both("command", n.Command)
				for _, item := range n.Items {
					both("item", item)
				}
			}
			for _, a := range page.Actions {
				if a.Key != "enter" && !m.form().hasTexts() {
					require.Regexp(t, regexp.QuoteMeta(a.Key)+" +"+regexp.QuoteMeta(a.Words), screen, "action on the screen")
				}
				if lines != "" && slices.ContainsFunc(page.actions(), func(other Action) bool { return other.Key == a.Key }) {
					require.Contains(t, lines, a.Words, "action in lines")
				}
				require.True(t, a.Key == "enter" || strings.Contains(strings.ToLower(screen), strings.ToLower(a.Words)), "action on the screen: %s", a.Words)
			}
			for _, e := range page.Explain {
				both("explanation", e)
			}
		})
	}
}

// TestActionsHaveOneKeyEach, which is not one that the page needs for itself.
func TestActionsHaveOneKeyEach(t *testing.T) {
	t.Parallel()
	for id, m := range shownPages(t) {
		seen := map[string]bool{}
		for _, a := range m.page().Actions {
			require.False(t, seen[a.Key], "%s: %s is there twice", id, a.Key)
			require.False(t, slices.Contains([]string{"b", "?", "/", "j", "k", "g", "G"}, a.Key), "%s: %s", id, a.Key)
			require.NotEmpty(t, a.Words, "%s: %s", id, a.Key)
			require.False(t, a.Act.none(), "%s: %s does nothing", id, a.Key)
			seen[a.Key] = true
		}
	}
}

// TestEnterSubmitsAPageWithoutFields, on the screen and in lines, and is named.
func TestEnterSubmitsAPageWithoutFields(t *testing.T) {
	t.Parallel()
	m := newModel(t, walk(t, flow.Start(flow.Initial{}), toAuthorize()...))
	resize(m, 80, 24)
	page := pages[pageAuthorize](m.context())
	require.Empty(t, page.Fields)
	require.False(t, slices.ContainsFunc(page.Actions, func(a Action) bool { return a.Key == "enter" }), "the page itself needs no such action")
	require.Contains(t, footer(m), "enter make the approval link")
	require.Contains(t, spoken(t, m), "Your choice [make the approval link]: ")
	press(m, "enter")
	require.IsType(t, flow.Authorize{}, m.state.Running.Effect)

	page.Enter = ""
	require.Equal(t, "next", page.submitted().Actions[0].Words)
}

// TestTextsNameNoKey: a text has a place for it, for the screen and lines call
// keys differently.
func TestTextsNameNoKey(t *testing.T) {
	t.Parallel()
	named := regexp.MustCompile(`(?i)\b(press|esc|enter key|tab key|f1)\b|\bEnter (makes|goes|takes)`)
	for id, m := range shownPages(t) {
		p := m.page()
		texts := append([]string{p.Title, p.Lead}, p.Explain...)
		for _, n := range slices.Concat(p.Found, p.Notes) {
			texts = append(append(texts, n.Text), n.Items...)
		}
		for _, text := range texts {
			require.NotRegexp(t, named, text, id)
		}
	}
}

// TestMissingNamesTheFlagsOfAllSteps: a run that asks nothing walks the same
// fields.
func TestMissingNamesTheFlagsOfAllSteps(t *testing.T) {
	t.Parallel()
	require.Equal(t, []string{"--data-center", "--client-id", "--service-account", "--provider"}, Missing(flow.State{}))
	require.Empty(t, Missing(walk(t, flow.Start(flow.Initial{}), toAuthorize()...)))
	for _, s := range flow.Steps() {
		require.NotEmpty(t, steps[s].page, "%s has no page", s)
	}
}

// TestNoSecretInAnotherField pastes each secret into each field of each page: it
// is refused at once with a sentence, and never drawn, in the field or in a
// filter.
func TestNoSecretInAnotherField(t *testing.T) {
	t.Parallel()
	const token = "bRf8Ucn4kLq0ZsXe7VtYw2Dh9GjPm3Aa"
	for id, m := range shownPages(t) {
		for i, f := range m.page().Fields {
			for name, secret := range map[string]string{"prefix": "CRN_0123456789abcdef", "known": testSecret, "token": token} {
				if name == "token" && !f.Shy || f.Exact { // it may be the answer
					continue
				}
				t.Run(fmt.Sprint(id, " ", f.Name, " ", name), func(t *testing.T) {
					m.state.Answers.ClientSecret = Values{"": testSecret}.Secret("")
					fm := m.form()
					if f.Kind == FieldChoice {
						press(m, "/", "paste:"+secret)
						require.NotContains(t, text(m), secret)
						press(m, "esc")
						return
					}
					fm.focus = i
					press(m, "ctrl+e", "ctrl+u", "paste:"+secret)
					require.NotContains(t, text(m), secret)
					if f.Kind == FieldText {
						require.True(t, m.refuse(f, m.form().value(f.Name)) != nil, "%s is taken", f.Label)
						before := m.state
						press(m, "enter")
						require.Equal(t, before.Answers, m.state.Answers)
						require.NotContains(t, text(m), secret)
					}
					press(m, "ctrl+e", "ctrl+u")
				})
			}
		}
	}
}

func TestBusyPortOfTheServiceAccount(t *testing.T) {
	t.Parallel()
	rec := &recorder{}
	m := newModel(t, walk(t, flow.Start(flow.Initial{}), toAccount()...), func(c *Config) { c.Tasks = rec })
	resize(m, 120, 40)
	press(m, "tab", "tab", "enter", "enter")
	report(t, m, fail(portErr()))
	press(m, "tab", "tab", "tab", "enter")
	require.Equal(t, "http://127.0.0.1:8740/callback", m.state.Answers.RedirectURI)
	press(m, "enter")
	require.IsType(t, flow.Connect{}, rec.tasks[len(rec.tasks)-1].Effect)
	require.Equal(t, flow.PhasePreparing, m.state.Attempt.Phase)
}

// TestAnotherPageLeavesItsProblemBehind: what was wrong with the id is not
// wrong with an authorization, nor the other way round.
func TestAnotherPageLeavesItsProblemBehind(t *testing.T) {
	t.Parallel()
	m := newModel(t, walk(t, flow.Start(flow.Initial{}), append(toAccount(), account())...))
	resize(m, 120, 40)
	report(t, m, fail(&cronofy.Error{Status: 404}))
	require.Contains(t, text(m), "does not know this service account")
	press(m, "tab", "tab", "enter")
	require.Contains(t, text(m), "Delegated scope")
	require.NotContains(t, text(m), "does not know this service account")
	press(m, "enter")
	report(t, m, linkReady(), fail(&cronofy.Error{Code: "access_denied"}))
	require.Contains(t, text(m), "refused")
	press(m, "esc")
	require.NotContains(t, text(m), "refused")
}

// TestSecretsFileIsOpenedWithOnePassphrase: it is there already, so a typing
// mistake is found out.
func TestSecretsFileIsOpenedWithOnePassphrase(t *testing.T) {
	t.Parallel()
	rec := &recorder{}
	m := newModel(t, walk(t, flow.Start(*fileFound()), flow.ApplicationEntered{ClientID: testClient, RedirectURI: flow.DefaultRedirectURI},
		askedToOpen()), func(c *Config) { c.Tasks = rec })
	resize(m, 80, 24)
	require.NotContains(t, text(m), "Repeat the passphrase")
	press(m, "enter")
	require.Contains(t, text(m), "The passphrase is missing.")
	press(m, "type:correct horse", "enter")
	require.Len(t, rec.tasks, 1)
	require.True(t, rec.tasks[0].Effect.(flow.CheckApplication).Chosen)
	require.Contains(t, text(m), "•")
	m.apply(flow.Report{Task: rec.tasks[0].ID, Event: fail(&keystore.Error{Op: "open", Store: keystore.File, Err: keystore.ErrPassphrase, Path: secretsPath})})
	require.Contains(t, text(m), "does not open")
	require.NotContains(t, text(m), "•", "a mistake in it cannot be seen: it is typed anew")
}

func TestAccountsUsedBeforeAreListedOnce(t *testing.T) {
	t.Parallel()
	found := usedFound()
	again := found.Used[1]
	again.Label = "Example Ltd"
	found.Used = append(found.Used, found.Used[0], again)
	used := usedHere(flow.Start(*found))
	require.Len(t, used, 2)
	require.Equal(t, []string{"Example GmbH", "Example Ltd"}, []string{used[0].Label, used[1].Label})
}
