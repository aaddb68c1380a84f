// Package sandbox is a strict Cronofy over real HTTP on loopback: both hosts of
// a data center, the pages an administrator clicks through, an organisation of
// people and rooms, and every documented error on demand.
//
// It refuses what Cronofy refuses. Where Cronofy's behaviour is not documented
// the choice made here is called a choice in a comment, and is a switch where a
// client could depend on it. Nothing it holds is real, nothing is stored, and
// it neither listens on nor sends to anything but this machine.
//
// https://docs.cronofy.com/developers/conferencing-services/enterprise-conferencing/
package sandbox
