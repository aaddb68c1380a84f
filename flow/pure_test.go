package flow

import (
	"go/ast"
	"go/parser"
	"go/token"
	"strconv"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestPure keeps the files that decide free of the world: no clock, file,
// network, goroutine or context. Tests rely on feeding events and reading states.
func TestPure(t *testing.T) {
	t.Parallel()
	allowed := map[string]bool{
		"strings": true, "time": true, // time for its types; time.Now is looked for below
		"confer/cronofy": true, "confer/internal/profiles": true,
	}
	for _, file := range []string{"step.go", "state.go"} {
		f, err := parser.ParseFile(token.NewFileSet(), file, nil, 0)
		require.NoError(t, err)
		for _, imp := range f.Imports {
			path, err := strconv.Unquote(imp.Path.Value)
			require.NoError(t, err)
			require.True(t, allowed[path], "%s imports %s", file, path)
		}
		ast.Inspect(f, func(n ast.Node) bool {
			if sel, ok := n.(*ast.SelectorExpr); ok {
				if x, ok := sel.X.(*ast.Ident); ok && x.Name == "time" {
					require.NotContains(t, []string{"Now", "After", "Sleep", "NewTimer", "Since"}, sel.Sel.Name, "%s uses time.%s", file, sel.Sel.Name)
				}
			}
			_, goes := n.(*ast.GoStmt)
			require.False(t, goes, "%s starts a goroutine", file)
			return true
		})
	}
}
