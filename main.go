// Command confer links an organisation's calendars with its Zoom, Webex or
// Indeed account through Cronofy's Enterprise Conferencing. Without arguments
// it is a wizard; see the README for the commands and their contract.
package main

import (
	"os"

	"confer/internal/command"
)

// version is set for a release, with -ldflags "-X main.version=v1.2.3".
var version string

func main() { os.Exit(command.Main(version)) }
