package flow

import (
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestPure keeps what decides free of the world: the methods of State, and how
// events are applied to one, use no clock, file, network, goroutine or context.
// Tests rely on feeding events and reading states.
func TestPure(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("*.go")
	require.NoError(t, err)
	decide := 0
	for _, file := range files {
		if strings.HasSuffix(file, "_test.go") {
			continue
		}
		f, err := parser.ParseFile(token.NewFileSet(), file, nil, 0)
		require.NoError(t, err)
		for _, d := range f.Decls {
			fn, ok := d.(*ast.FuncDecl)
			if !ok || fn.Recv == nil || fn.Name.Name != "apply" && receiver(fn) != "State" {
				continue
			}
			decide++
			ast.Inspect(fn, func(n ast.Node) bool { return pure(t, file+": "+fn.Name.Name, n) })
		}
	}
	require.NotZero(t, decide)
}

func receiver(fn *ast.FuncDecl) string {
	if id, ok := fn.Recv.List[0].Type.(*ast.Ident); ok {
		return id.Name
	}
	return ""
}

func pure(t *testing.T, where string, n ast.Node) bool {
	t.Helper()
	if sel, ok := n.(*ast.SelectorExpr); ok {
		if x, ok := sel.X.(*ast.Ident); ok {
			require.NotContains(t, []string{"os", "net", "http", "rand", "context", "sync", "callback"}, x.Name, where)
			if x.Name == "time" {
				require.NotContains(t, []string{"Now", "After", "Sleep", "NewTimer", "Since"}, sel.Sel.Name, where)
			}
		}
	}
	_, goes := n.(*ast.GoStmt)
	require.False(t, goes, "%s starts a goroutine", where)
	return true
}
