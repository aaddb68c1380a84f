// Package ui is the wizard on a terminal: one tea.Model that routes, and screens
// that are plain structs. A screen turns messages into what the operator did, a
// flow.Event, and draws; the state changes in Model.apply alone. Nothing here
// does network, keyring or disk work: tasks do, and their reports come in as
// messages.
//
// Every screen draws a page of blocks, most important first. The page knows
// which blocks may go when the window is small, and which line has the focus, so
// that each step is usable at 40x12; below that one sentence asks for more room.
package ui
