package command

import (
	"os"
	"runtime/debug"
)

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
