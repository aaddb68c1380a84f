//go:build unix

package command

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// shells are how each is started bare, and how it takes up the completion script.
var shells = map[string]struct {
	args []string
	take string
}{
	"bash": {[]string{"--norc", "--noprofile", "-i"}, "source /usr/share/bash-completion/bash_completion; source %s; bind 'set bell-style none'; bind 'set show-all-if-ambiguous on'; PS1='rea''dy> '"},
	"zsh":  {[]string{"-f", "-i"}, "autoload -Uz compinit && compinit -u -D; source %s; setopt nobeep; PS1='rea''dy> '"},
	"fish": {[]string{"--no-config", "-i"}, "source %s; function fish_prompt; echo 'rea''dy> '; end"},
}

// TestCompletionInShells: each real shell completes commands, flags, values and what
// is saved here. The secrets are in an encrypted file that nobody opens.
func TestCompletionInShells(t *testing.T) {
	t.Parallel()
	env, h := linkedTerminal(t)
	c := h.server.Credentials()
	for name, shell := range shells {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			program, err := exec.LookPath(name)
			if err != nil {
				t.Skip(name + " is not installed")
			}
			script := filepath.Join(t.TempDir(), "script")
			out, err := exec.Command("confer", "completion", name).Output()
			require.NoError(t, err)
			require.NoError(t, os.WriteFile(script, out, 0o600))
			for line, want := range map[string][]string{
				"confer sta":                      {"confer status"},
				"confer setup --data-center ":     {"de", "uk"},
				"confer --provider ":              {"zoom_enterprise", "any"},
				"confer profiles --only ":         {"connected", "error"},
				"confer profiles --format ":       {"json", "csv"},
				"confer setup --secret-store ":    {"keyring", "file"},
				"confer --browser ":               {"system", "none"},
				"confer setup --service-account ": {c.ServiceAccountID},
				"confer setup --label A":          {"--label Acme"},
				"confer status --client-id ":      {c.ClientID},
				"confer export ":                  {"webex-", "Acme"},
				"confer completion ":              {"powershell", "fish"},
			} {
				x := startTerminal(t, terminalOptions{command: program, env: env, width: 120, height: 24}, shell.args...)
				x.press(fmt.Sprintf(shell.take, script) + "\r")
				x.until("ready>")
				x.press(line + "\t")
				x.when(func(screen string) bool {
					_, after, _ := strings.Cut(screen, "ready>")
					for _, w := range want {
						if !strings.Contains(after, w) {
							return false
						}
					}
					return true
				}, line+"<tab>")
				x.kill()
			}
		})
	}
}
