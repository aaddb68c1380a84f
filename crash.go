package main

import (
	"fmt"
	"io"
	"os"
	"runtime/debug"

	"confer/flow"
)

// exitOnPanic is deferred in main. The value of a panic may hold a secret and is
// never written: its type is, and the stack, which shows addresses only.
func exitOnPanic(w io.Writer) {
	if v := recover(); v != nil {
		sayCrash(w, fmt.Sprintf("%T", v), debug.Stack())
		os.Exit(flow.ExitFailed)
	}
}

func sayCrash(w io.Writer, kind string, stack []byte) {
	complain(w, "confer crashed ("+kind+"). This is a mistake in confer", "the lines below hold no secret: please report them")
	_, _ = w.Write(stack)
}
