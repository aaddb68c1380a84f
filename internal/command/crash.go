package command

import (
	"io"
	"os"

	"confer/flow"
	"confer/internal/crash"
)

// exitOnPanic is deferred in main. The value of a panic may hold a secret and is
// never written: its type is, and the stack, which shows addresses only.
func exitOnPanic(w io.Writer) {
	if caught := crash.Caught(recover()); caught != nil {
		sayCrash(w, caught)
		os.Exit(flow.ExitFailed)
	}
}

func sayCrash(w io.Writer, caught *crash.Error) {
	complain(w, "confer crashed ("+caught.Kind+"). This is a mistake in confer", "the lines below hold no secret: please report them")
	_, _ = w.Write(caught.Stack)
}
