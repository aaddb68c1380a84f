package command

import (
	"io"
	"os"
	"runtime/debug"

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

// gcPercent is how much the heap may grow between two collections. What is alive
// is a few megabytes, and a collection of that takes about a millisecond: the
// usual 100 would only have the program hold what nobody needs, half of the
// heap. Measured: docs/performance.md.
const gcPercent = 30

// saveMemory is called before a command begins. GOGC has the last word.
func saveMemory() {
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(gcPercent)
	}
}
