// Package doctor finds out whether this machine can do a set-up: the loopback
// ports, the way to Cronofy's hosts with its proxy, names, certificates and
// clock, and the folder for confer's own files. It gives facts; nothing is
// changed, nothing secret is sent, and every check has a limit.
package doctor
