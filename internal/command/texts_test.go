package command

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
)

// A text is a string of the source that people may come to read.
type text struct {
	at    string // file and line
	words string
}

// notForPeople are folders whose strings only programs and engineers read.
var notForPeople = regexp.MustCompile(`^(internal/(golden|screentest|keyringtest|faultlist|testhost|chromium|tools|crash|markup|suspend|atomicfile)|cronofy/sandbox|testdata)/`)

// prose is at least two words in a row, as they do not stand in code and patterns.
var prose = regexp.MustCompile(`[a-z’']{2,} [a-z]{1,}`)

// markup is what HTML has around its words.
var markup = regexp.MustCompile(`(?s)<[^>]*>?|^[^<]*=""?>`)

// readTexts gives every text of the production code, constants joined by + as one.
var readTexts = sync.OnceValues(func() (texts []text, err error) {
	files := token.NewFileSet()
	err = filepath.WalkDir("../..", func(path string, _ fs.DirEntry, err error) error {
		name := strings.TrimPrefix(filepath.ToSlash(path), "../../")
		if err != nil || !strings.HasSuffix(name, ".go") || strings.HasSuffix(name, "_test.go") || notForPeople.MatchString(name) {
			return err
		}
		parsed, err := parser.ParseFile(files, path, nil, 0)
		if err != nil {
			return err
		}
		ast.Inspect(parsed, func(n ast.Node) bool {
			if unread(n) {
				return false
			}
			e, ok := n.(ast.Expr)
			if !ok {
				return true
			}
			words, ok := joined(e)
			if visible := markup.ReplaceAllString(words, ""); ok && prose.MatchString(visible) && !strings.Contains(words, "-src 'none'") {
				texts = append(texts, text{fmt.Sprintf("%s:%d", name, files.Position(n.Pos()).Line), visible})
			}
			return !ok
		})
		return nil
	})
	return texts, err
})

// unread tells what holds words that nobody reads as they stand.
func unread(n ast.Node) bool {
	switch n := n.(type) {
	case *ast.FuncDecl: // the sentence of an error type is flow.Explain's; Error is for a file of --debug
		return n.Name.Name == "Error" && n.Recv != nil
	case *ast.ValueSpec:
		// Errors that are told apart by name have their sentence where they are
		// explained; constants of a type of their own are compared.
		of, typed := n.Type.(*ast.Ident)
		return strings.HasPrefix(strings.ToLower(n.Names[0].Name), "err") || typed && of.Name != "string"
	case *ast.CallExpr:
		f, ok := n.Fun.(*ast.SelectorExpr)
		if !ok || len(n.Args) == 0 {
			return false
		}
		switch first, _ := joined(n.Args[0]); f.Sel.Name {
		case "Errorf": // says where an error was on its way: people read the cause, or a sentence
			return strings.Contains(first, "%w")
		case "Contains", "HasPrefix", "TrimPrefix", "CutPrefix": // looks for words of others
			pkg, ok := f.X.(*ast.Ident)
			return ok && pkg.Name == "strings"
		case "Format": // of a time
			return true
		}
	}
	return false
}

// joined is the constant text of an expression.
func joined(e ast.Expr) (string, bool) {
	switch e := e.(type) {
	case *ast.BasicLit:
		if e.Kind == token.STRING {
			words, err := strconv.Unquote(e.Value)
			return words, err == nil
		}
	case *ast.BinaryExpr:
		left, okLeft := joined(e.X)
		right, okRight := joined(e.Y)
		return left + right, okLeft && okRight && e.Op == token.ADD
	case *ast.ParenExpr:
		return joined(e.X)
	}
	return "", false
}

// TestTexts holds the words of confer: sentences of a length that is read at once,
// one name for one thing, and none that no test and no scene shows.
// With -v it lists them.
func TestTexts(t *testing.T) {
	t.Parallel()
	texts, err := readTexts()
	require.NoError(t, err)
	require.NotEmpty(t, texts)
	shown := wordsOfTests(t)
	for _, x := range texts {
		if testing.Verbose() { // without -v, an error would stand behind all of them
			t.Logf("%s\t%q", x.at, x.words)
		}
		for _, sentence := range sentences.Split(x.words, -1) {
			if n := len(strings.Fields(sentence)); n > longestSentence {
				t.Errorf("%s: a sentence of %d words, more than %d: %q", x.at, n, longestSentence, sentence)
			}
		}
		for _, other := range otherNames {
			if found := other.pattern.FindString(x.words); found != "" {
				t.Errorf("%s: %q is called %q: %q", x.at, found, other.name, x.words)
			}
		}
		if !shown.any(x.words) {
			t.Errorf("%s: no test and no scene shows %q", x.at, x.words)
		}
	}
}

// longestSentence is in words.
const longestSentence = 25

var sentences = regexp.MustCompile(`[.:;?!…]["”)]?(\s|$)|\n| · `)

// otherNames are what a thing is not to be called, and its name.
var otherNames = []struct {
	pattern *regexp.Regexp
	name    string
}{
	{regexp.MustCompile(`(?i)\b(real|fresh|authori[sz]ation) link\b`), "approval link"},
	{regexp.MustCompile(`(?i)\b(whitelist|allow-?list|permitted list)`), "permitted redirect URIs"},
	{regexp.MustCompile(`(?i)\b(customers?|tenants?|organizations?)\b`), "organisation"},
	{regexp.MustCompile(`(?i)\b(admins?|calendar administrators?)\b`), "administrator"},
	{regexp.MustCompile(`(?i)\b(see it at work|proof)\b`), "check accounts"},
	{regexp.MustCompile(`(?i)\bsecrets? file\b`), "encrypted file"},
	{regexp.MustCompile(`(?i)\blog(ged)? in to\b`), "sign in"},
}

// corpus is what tests and scenes show, as runs of words.
type corpus map[string]bool

const inARow = 4 // words that stand together nowhere by chance

var word = regexp.MustCompile(`[\p{L}\p{N}'’_-]+`)

// wordsOfTests reads the tests, their goldens and their scripts.
func wordsOfTests(t *testing.T) corpus {
	t.Helper()
	shown := corpus{}
	require.NoError(t, filepath.WalkDir("../..", func(path string, entry fs.DirEntry, err error) error {
		name := filepath.ToSlash(path)
		if err != nil || entry.IsDir() || !strings.HasSuffix(name, "_test.go") && !strings.Contains(name, "/testdata/") {
			return err
		}
		b, err := os.ReadFile(path)
		words := word.FindAllString(strings.NewReplacer(`\n`, " ", `\"`, `"`, `" +`, "").Replace(string(b)), -1)
		for i := range words {
			for n := 2; n <= inARow && i+n <= len(words); n++ {
				shown[strings.Join(words[i:i+n], " ")] = true
			}
		}
		return err
	}))
	return shown
}

var verb = regexp.MustCompile(`%[-+#0-9.*]*[a-zA-Z]|\n|\t`)

// any tells whether something of a text is shown.
func (c corpus) any(words string) bool {
	return slices.ContainsFunc(verb.Split(words, -1), func(part string) bool {
		w := word.FindAllString(part, -1)
		n := min(inARow, len(w))
		for i := 0; n > 1 && i+n <= len(w); i++ {
			if c[strings.Join(w[i:i+n], " ")] {
				return true
			}
		}
		return false
	})
}
