// Command man writes the manual pages of confer into a folder, made from the same
// texts as its help: go run -C internal/tools/man . FOLDER. It is a module of its
// own, so that what makes the pages is neither in the program nor in its go.mod.
package main

import (
	"log"
	"os"

	"github.com/spf13/cobra/doc"

	"confer/internal/command"
)

func main() {
	if len(os.Args) != 2 {
		log.Fatal("man: name the folder for the pages")
	}
	header := &doc.GenManHeader{Title: "CONFER", Section: "1", Source: "confer", Manual: "confer manual"}
	if err := doc.GenManTree(command.Tree(), header, os.Args[1]); err != nil {
		log.Fatal("man: ", err)
	}
}
