// Command confer links an organisation's calendars with its Zoom, Webex or
// Indeed account through Cronofy's Enterprise Conferencing. Without arguments
// it is a wizard; see the README for the commands and their contract.
package main

import "confer/internal/command"

func main() { command.Main() }
