package doctor

import (
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"confer/cronofy"
	"confer/flow/callback"
	"confer/internal/atomicfile"
	"confer/internal/golden"
	"confer/internal/opener"
	"confer/keystore"
)

// TestWords: what each check can say, and what to do then.
func TestWords(t *testing.T) {
	t.Parallel()
	var all strings.Builder
	tell := func(findings ...Finding) {
		for _, f := range findings {
			fmt.Fprintf(&all, "%-8s %-12s %s\n", f.State, f.Check, f.Message)
			if f.Next != "" {
				fmt.Fprintf(&all, "%-21s -> %s\n", "", f.Next)
			}
		}
	}
	for _, s := range []keystore.State{keystore.Locked, keystore.NoCollection, keystore.NoService, keystore.NoBus, keystore.Silent} {
		tell(KeyringState(keystore.Status{State: s}))
	}
	refused := &keystore.Error{Op: "set", Store: keystore.Keyring, Err: keystore.ErrRefused}
	for _, s := range []*faultyStore{{set: refused}, {get: &keystore.Error{Op: "get", Store: keystore.Keyring, Err: keystore.ErrTimeout}}, {del: refused}, {}} {
		s.SessionStore = keystore.OpenSession()
		tell(tryStore(t.Context(), s, "KWallet"))
	}
	const uri = "http://127.0.0.1:8739/callback"
	busy := &callback.PortError{Addr: "127.0.0.1:8739", Port: 8739, Class: callback.PortInUse, Holder: "nginx (pid 812)"}
	tell(portFinding(uri, false, nil), portFinding(uri, false, busy), portFinding(uri, true, busy), portFinding(uri, false, errors.New("no such address")))
	tell(browserFinding(nil, "/usr/bin/xdg-open", opener.Desktop, ""), browserFinding(opener.ErrNone, "", opener.Remote, "none"),
		browserFinding(opener.ErrNotFound, "", opener.Desktop, "firefox"), browserFinding(opener.ErrNoDisplay, "", opener.Remote, ""))
	tell((&Machine{FolderErr: errors.New("no home folder is known")}).folder(t.Context())...)
	tell(folderFinding("/home/ada/confer", "is private and can be written to.", nil), folderFinding("/home/ada/confer", "can be made.", nil),
		folderFinding("/home/ada/confer", "", &atomicfile.UnsafeError{Path: "/home/ada/confer", Why: "can be read by others"}),
		folderFinding("/home/ada/confer", "", errors.New("the disk is full")))
	empty := filepath.Join(t.TempDir(), "ca.pem")
	require.NoError(t, os.WriteFile(empty, nil, 0o600))
	tell((&Machine{CAFile: empty}).network(t.Context())...)
	for _, change := range []func(*reached){
		same, func(r *reached) { r.Proxy = "proxy.example.com:3128" }, failed(cronofy.NetworkTimeout),
		func(r *reached) { r.Dated = false; r.Status = http.StatusServiceUnavailable },
		func(r *reached) { r.Skew = -7 * time.Minute; r.Status = http.StatusFound }, func(r *reached) { r.Skew = 7 * time.Minute },
	} {
		all.WriteString("\n")
		tell(networkFindings([]reached{seen(change)})...)
	}
	app, other := ofApp(seen(failed(cronofy.NetworkDNS))), seen(failed(cronofy.NetworkDNS))
	app.Err.(*cronofy.NetworkError).Host = "app-de.cronofy.com"
	all.WriteString("\n")
	tell(networkFindings([]reached{other, app})...)
	all.WriteString("\n" + Registration("", "", []string{uri}))
	golden.Equal(t, "testdata/words.txt", all.String())
}
