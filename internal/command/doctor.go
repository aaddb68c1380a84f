package command

import (
	"context"
	"fmt"
	"io"
	"path/filepath"
	"regexp"

	"github.com/spf13/cobra"

	"confer/cronofy"
	"confer/flow"
	"confer/internal/doctor"
	"confer/internal/links"
	"confer/internal/opener"
	"confer/keystore"
)

func newDoctor(s streams, e environment) *cobra.Command {
	f := newSettings()
	f.browser = opener.System
	cmd := &cobra.Command{
		Use:   "doctor",
		Short: "Check this machine, and tell what to register at Cronofy",
		Long: "Checks the keyring by storing, reading back and deleting a test item. Checks the loopback ports of the redirect URI, the " +
			"browser, confer's folder, and the way to Cronofy: proxy, DNS, TLS, clock. Says for each what to do. Then " +
			"prints the message with which Cronofy's support adds the redirect URIs to an application's permitted redirect URIs. " +
			"Nothing secret is sent. Exit code 1 on any problem.",
		Example: "  confer doctor\n  confer doctor --data-center de --client-id ID\n  confer doctor --json",
		Args:    arguments(0, 0, ""),
		RunE:    func(cmd *cobra.Command, _ []string) error { return examine(cmd.Context(), f, e, s) },
	}
	add(cmd, f.options(map[string]string{
		"data-center":  "check this one alone: " + either(dataCenterIDs()),
		"client-id":    "client id for the message to Cronofy",
		"redirect-uri": "redirect URI that will be used",
		"no-input":     "accepted everywhere; this command never asks",
	}, "data-center", "client-id", "no-input", "json", "redirect-uri", "listen", "browser", "ca-file", "api-url", "app-url")...)
	return cmd
}

func examine(ctx context.Context, f *settings, e environment, s streams) error {
	f.fill(e)
	a, err := f.answers()
	if err != nil {
		return err
	}
	m := &doctor.Machine{RedirectURIs: flow.RedirectURIs(), Listen: f.listen, Browser: f.browser, Opener: opener.Host(), CAFile: f.caFile,
		Files: []string{"links.json", secretsFile}, Probe: keystore.Probe, Keyring: keystore.OpenKeyring()}
	if f.redirectURI != "" {
		m.RedirectURIs = []string{f.redirectURI}
	}
	path, err := links.DefaultPath()
	m.Folder, m.FolderErr = filepath.Dir(path), err
	if m.Sites = each(cronofy.DataCenters(), cronofy.DataCenter.Site); a.Site.Chosen() {
		m.Sites = []cronofy.Site{a.Site}
	}
	ev, problems, told, left := newEvents(s.out), 0, "", false
	m.Examine(ctx, func(found doctor.Finding) (goOn bool) {
		if found.State == doctor.Problem {
			problems++
		}
		var err error
		if f.json {
			err = ev.encode("check", "check", found.Check, "state", found.State, "message", found.Message, "next?", found.Next)
		} else {
			text := fmt.Sprintf("%-8s %-12s %s\n", found.State, found.Check, found.Message)
			if found.Next != "" && found.Next != told {
				text += fmt.Sprintf("%-21s -> %s\n", "", found.Next)
			}
			told = found.Next
			_, err = io.WriteString(s.out, text)
		}
		left = readerLeft(err)
		return !left
	})
	switch {
	case ctx.Err() != nil:
		return exitWith(flow.ExitCancelled)
	case left:
		return exitWith(flow.ExitFailed)
	}
	place := doctor.SiteName(a.Site)
	text := doctor.Registration(f.clientID, place, m.RedirectURIs)
	if f.json {
		ev.write("registration", "client_id?", f.clientID, "data_center?", place, "redirect_uris", m.RedirectURIs, "to", doctor.SupportAddress, "text", text)
	} else {
		fmt.Fprintf(s.out, "\nProblems found: %d.\n\nAn application in development mode takes any redirect URI. For one in production, send this:\n\n%s",
			problems, lines.ReplaceAllString(text, "    $0"))
	}
	if problems > 0 {
		return exitWith(flow.ExitFailed)
	}
	return nil
}

// lines are those that are indented: all that are not empty.
var lines = regexp.MustCompile(`(?m)^.+`)
