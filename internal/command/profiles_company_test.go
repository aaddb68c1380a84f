package command

import (
	"encoding/csv"
	"fmt"
	"os"
	"strconv"
	"strings"

	"github.com/rogpeppe/go-internal/testscript"

	"confer/cronofy"
	"confer/cronofy/sandbox"
	"confer/internal/testhost"
)

// startCompany ARG...: serves the API as "cronofy" does, and writes more of what
// an application would have: both.csv (with refresh tokens), refresh.csv
// and refresh.jsonl (without access tokens), emails.txt, service.txt (the service account's access
// token) and account.txt (an account's). LISTEN and CALLBACK are an address that
// was free just now.
//
// accounts=N makes an organisation of that size, linked has a Zoom link,
// expired ends all access tokens; rotate, unsigned and nodata turn switches.
func startCompany(ts *testscript.TestScript, _ bool, args []string) {
	o := sandbox.Options{Seed: 1}
	var then []func(*sandbox.Server)
	for _, a := range args {
		name, value, _ := strings.Cut(a, "=")
		switch name {
		case "accounts":
			n, err := strconv.Atoi(value)
			ts.Check(err)
			o.Accounts = n
		case "rotate":
			o.Switches.RotateRefreshTokens = true
		case "unsigned":
			o.Switches.UnsignedWebhooks = true
		case "linked":
			then = append(then, func(s *sandbox.Server) { s.Link(cronofy.Zoom) })
		case "expired":
			then = append(then, (*sandbox.Server).ExpireAccessTokens)
		case "nodata":
			o.Switches.OmitCronofyData = true
		case "lost":
			o.Faults = append(o.Faults, sandbox.Fault{Endpoint: sandbox.Delegated, Status: 500})
		case "unknown": // the client, when a code is exchanged
			o.Faults = append(o.Faults, sandbox.Fault{Endpoint: sandbox.Exchange, Status: 401})
		case "forbidden":
			o.Faults = append(o.Faults, sandbox.Fault{Endpoint: sandbox.Delegated, Status: 403})
		case "nobody": // userinfo fails for a while
			o.Faults = append(o.Faults, sandbox.Fault{Endpoint: sandbox.UserInfo, Account: value, Status: 404})
		default:
			ts.Fatalf("unknown argument %s", a)
		}
	}
	s := sandbox.New(o)
	ts.Check(s.Start())
	ts.Defer(func() { _ = s.Close() })
	for _, f := range then {
		f(s)
	}
	c := s.Credentials()
	ts.Setenv("CRONOFY_API_URL", s.APIURL())
	ts.Setenv("CRONOFY_APP_URL", s.AppURL())
	ts.Setenv("CRONOFY_CLIENT_ID", c.ClientID)
	listen := freeAddress(ts)
	ts.Setenv("LISTEN", listen)
	ts.Setenv("CALLBACK", "http://"+listen+"/hooks")
	write := func(name, text string) { ts.Check(os.WriteFile(ts.MkAbs(name), []byte(text), 0o600)) }
	write("secret.txt", c.ClientSecret.Reveal()+"\n")
	write("service.txt", c.ServiceAccountToken.Reveal()+"\n")
	write("account.txt", s.Accounts()[0].AccessToken.Reveal()+"\n")
	writeCompany(write, s.Accounts())
}

func writeCompany(write func(name, text string), accounts []sandbox.Account) {
	var people, both, refresh, emails strings.Builder
	writers := []*csv.Writer{csv.NewWriter(&people), csv.NewWriter(&both), csv.NewWriter(&refresh)}
	for i, header := range []string{"email,sub,access_token", "email,access_token,refresh_token", "sub,refresh_token"} {
		_ = writers[i].Write(strings.Split(header, ","))
	}
	for _, a := range accounts {
		_ = writers[0].Write([]string{a.Email, a.Sub, a.AccessToken.Reveal()})
		_ = writers[1].Write([]string{a.Email, a.AccessToken.Reveal(), a.RefreshToken.Reveal()})
		_ = writers[2].Write([]string{a.Sub, a.RefreshToken.Reveal()})
		if !a.Room {
			fmt.Fprintln(&emails, a.Email)
		}
	}
	for _, w := range writers {
		w.Flush()
	}
	write("people.csv", people.String())
	write("both.csv", both.String())
	write("refresh.csv", refresh.String())
	var lines strings.Builder
	for _, a := range accounts {
		fmt.Fprintf(&lines, "{\"email\":%q,\"refresh_token\":%q}\n", a.Email, a.RefreshToken.Reveal())
	}
	write("refresh.jsonl", lines.String())
	write("emails.txt", emails.String())
}

func freeAddress(ts *testscript.TestScript) string {
	addr, err := testhost.Address()
	ts.Check(err)
	return addr
}
