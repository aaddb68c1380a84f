// Command man writes the manual pages of confer into a folder, made from the same
// texts as its help: go run -C internal/tools/man . FOLDER. It is a module of its
// own, so that what makes the pages is neither in the program nor in its go.mod.
package main

import (
	"fmt"
	"os"
	"path/filepath"

	"github.com/spf13/cobra/doc"

	"confer/internal/command"
)

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "man:", err)
		os.Exit(1)
	}
}

func run(args []string) error {
	if len(args) != 1 {
		return fmt.Errorf("name the folder for the pages")
	}
	folder, err := filepath.Abs(args[0])
	if err != nil {
		return err
	}
	if err := os.MkdirAll(folder, 0o755); err != nil {
		return err
	}
	header := &doc.GenManHeader{Title: "CONFER", Section: "1", Source: "confer", Manual: "confer manual"}
	return doc.GenManTree(command.Tree(), header, folder)
}
