package delegated

import (
	"bufio"
	"net"
	"net/http"
	"net/http/httptest"
	"path"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"confer/cronofy"
	"confer/internal/httpserver"
)

func TestSignatures(t *testing.T) {
	t.Parallel()
	b := codeBody("c")
	good, other := sign(secret, b), sign("CRN_another", b)
	for name, tc := range map[string]struct {
		header string
		accept bool // --accept-unsigned-webhooks
		status int
	}{
		"ours":                    {good, false, 200},
		"any of several":          {other + ", " + good, false, 200},
		"another's":               {other, false, 401},
		"none":                    {"", false, 401},
		"none, accepted":          {"", true, 200},
		"wrong is never accepted": {other, true, 401},
		"no base64":               {"%%%", false, 401},
		"of another body":         {sign(secret, b+" "), false, 401},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFake()
			cfg := config(f)
			cfg.AcceptUnsigned = tc.accept
			d := open(t, cfg, "amara@example.test")
			results := access(t.Context(), d)
			r := <-f.asked
			require.Equal(t, tc.status, post(d, r.CallbackURL, b, tc.header))
			if tc.status == 200 {
				require.NoError(t, results()[0].err)
				require.Equal(t, 404, post(d, r.CallbackURL, b, good), "a URL works once")
				return
			}
			require.Equal(t, 200, post(d, r.CallbackURL, b, good), "a refused post uses nothing up")
			require.NoError(t, results()[0].err)
		})
	}
}

func TestNothingElseIsServed(t *testing.T) {
	t.Parallel()
	f := newFake()
	d := open(t, config(f), "amara@example.test")
	results := access(t.Context(), d)
	r := <-f.asked
	id := r.CallbackURL[strings.LastIndexByte(r.CallbackURL, '/')+1:]
	b := codeBody("c")
	for name, tc := range map[string]struct {
		method, path, body string
		status             int
	}{
		"get":           {"GET", "/" + id, "", 405},
		"head":          {"HEAD", "/" + id, "", 405},
		"put":           {"PUT", "/" + id, b, 405},
		"options":       {"OPTIONS", "*", "", 405},
		"root":          {"POST", "/", b, 404},
		"no path":       {"POST", "/cronofy", b, 404},
		"another path":  {"POST", "/" + strings.Repeat("0", 32), b, 404},
		"below":         {"POST", "/" + id + "/x", b, 404},
		"too large":     {"POST", "/" + id, b + strings.Repeat(" ", maxBody), 413},
		"not JSON":      {"POST", "/" + id, "hello", 400},
		"nothing in it": {"POST", "/" + id, `{"authorization":{}}`, 400},
		"empty":         {"POST", "/" + id, "", 400},
	} {
		req := httptest.NewRequest(tc.method, "/", strings.NewReader(tc.body))
		req.URL.Path = tc.path
		req.Header.Set(cronofy.HMACHeader, sign(secret, tc.body))
		w := httptest.NewRecorder()
		d.ServeHTTP(w, req)
		require.Equal(t, tc.status, w.Code, name)
		require.Empty(t, w.Body.String(), name)
	}
	require.Equal(t, 200, post(d, "/some/prefix/"+id, b, sign(secret, b)), "none of it used the URL up")
	require.NoError(t, results()[0].err)
}

// A body may have 64 KiB and no byte more, whether its length is said or not.
func TestTheBodysLimit(t *testing.T) {
	t.Parallel()
	for _, said := range []bool{true, false} {
		f := newFake()
		d := open(t, config(f), "amara@example.test")
		results := access(t.Context(), d)
		r := <-f.asked
		send := func(length int) int {
			body := codeBody("c")
			body += strings.Repeat(" ", length-len(body))
			req := httptest.NewRequest(http.MethodPost, "/"+path.Base(r.CallbackURL), strings.NewReader(body))
			if !said {
				req.ContentLength = -1
			}
			req.Header.Set(cronofy.HMACHeader, sign(secret, body))
			w := httptest.NewRecorder()
			d.ServeHTTP(w, req)
			return w.Code
		}
		require.Equal(t, 413, send(65537))
		require.Equal(t, 200, send(65536))
		require.NoError(t, results()[0].err)
	}
}

// TestAnswerComesBeforeTheExchange: Cronofy waits seconds, an exchange under
// rate limits may take longer.
func TestAnswerComesBeforeTheExchange(t *testing.T) {
	t.Parallel()
	f := newFake()
	hold := make(chan struct{})
	f.exchange = func(string, string) (cronofy.Token, error) {
		<-hold
		return cronofy.Token{AccessToken: cronofy.NewSecret("at")}, nil
	}
	cfg := config(f)
	var err error
	cfg.Listener, err = new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	require.NoError(t, err)
	d := open(t, cfg, "amara@example.test")
	results := access(t.Context(), d)
	r := <-f.asked
	b := codeBody("c")
	req, err := http.NewRequest(http.MethodPost, "http://"+cfg.Listener.Addr().String()+"/"+r.CallbackURL[len(base)+1:], strings.NewReader(b))
	require.NoError(t, err)
	req.Header.Set(cronofy.HMACHeader, sign(secret, b))
	res, err := http.DefaultClient.Do(req)
	require.NoError(t, err)
	require.Equal(t, 200, res.StatusCode)
	require.Empty(t, body(t, res))
	close(hold)
	require.Equal(t, "at", results()[0].token)
}

// orderly is a sender that takes its time: whatever can happen before the answer
// is sent has happened when it goes.
type orderly struct {
	*httptest.ResponseRecorder
	exchanges *atomic.Int32
	early     int32 // exchanges before the answer was sent
}

func (o *orderly) Flush() {
	synctest.Wait()
	o.early = o.exchanges.Load()
	o.ResponseRecorder.Flush()
}

func TestTheAnswerIsSentBeforeTheCodeIsUsed(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := newFake()
		var exchanges atomic.Int32
		f.exchange = func(string, string) (cronofy.Token, error) {
			exchanges.Add(1)
			return cronofy.Token{AccessToken: cronofy.NewSecret("at")}, nil
		}
		cfg := config(f)
		d := open(t, cfg, "amara@example.test")
		results := access(t.Context(), d)
		r, b := <-f.asked, codeBody("c")
		req := httptest.NewRequest(http.MethodPost, r.CallbackURL, strings.NewReader(b))
		req.Header.Set(cronofy.HMACHeader, sign(secret, b))
		w := &orderly{ResponseRecorder: httptest.NewRecorder(), exchanges: &exchanges}
		d.ServeHTTP(w, req)
		require.True(t, w.Flushed, "the answer does not wait for the handler's end")
		require.Equal(t, 200, w.Code)
		require.Zero(t, w.early)
		require.Equal(t, "at", results()[0].token)
		require.EqualValues(t, 1, exchanges.Load())
	})
}

// TestSlowSendersAreCut on a clock that jumps: header, body, and silence.
func TestSlowSendersAreCut(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		begin func(id string) string
		limit time.Duration
	}{
		"silence":     {func(string) string { return "" }, httpserver.Patience},
		"half a head": {func(id string) string { return "POST /" + id + " HTTP/1.1\r\nHost: x\r\n" }, httpserver.Patience},
		"half a body": {func(id string) string {
			return "POST /" + id + " HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n{"
		}, httpserver.Patience},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				f := newFake()
				m := memory()
				cfg := config(f)
				cfg.Listener = m
				d := open(t, cfg, "amara@example.test")
				results := access(t.Context(), d)
				r := <-f.asked
				c := m.dial()
				defer c.Close()
				began := time.Now()
				_, err := c.Write([]byte(tc.begin(r.CallbackURL[len(base)+1:])))
				require.NoError(t, err)
				drain(c)
				require.LessOrEqual(t, time.Since(began), tc.limit+time.Second)
				d.Close()
				require.ErrorIs(t, results()[0].err, ErrClosed)
			})
		})
	}
}

// drain reads until the other side has closed.
func drain(c interface{ Read([]byte) (int, error) }) {
	in := bufio.NewReader(c)
	for {
		if _, err := in.ReadByte(); err != nil {
			return
		}
	}
}

// TestFloodsCutTheOldest: so many silent connections, and the webhook still
// comes through.
func TestFloodsCutTheOldest(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := newFake()
		m := memory()
		cfg := config(f)
		cfg.Listener = m
		d := open(t, cfg, "amara@example.test")
		results := access(t.Context(), d)
		r := <-f.asked
		for range 3 * limits.Connections {
			c := m.dial()
			defer c.Close()
		}
		synctest.Wait()
		c := m.dial()
		defer c.Close()
		b := codeBody("c")
		go func() {
			req := httptest.NewRequest(http.MethodPost, r.CallbackURL, strings.NewReader(b))
			req.Header.Set(cronofy.HMACHeader, sign(secret, b))
			_ = req.Write(c)
		}()
		res, err := http.ReadResponse(bufio.NewReader(c), nil)
		require.NoError(t, err)
		require.Equal(t, 200, res.StatusCode)
		require.NoError(t, results()[0].err)
	})
}

// FuzzWebhook: no request makes the handler panic, answer with a body, take a
// code without a good signature, or use the URL up without one.
func FuzzWebhook(f *testing.F) {
	f.Add("POST", "", codeBody("c"), "", true)
	f.Add("POST", "", codeBody("c"), sign(secret, codeBody("c")), true)
	f.Add("POST", "x/", `{"authorization":{"error":"access_denied"}}`, "a,b,=", true)
	f.Add("GET", "/../", "[]", ",", false)
	f.Add("POST", "", `{"authorization":{"code":1}}`, "\x00", true)
	f.Fuzz(func(t *testing.T, method, prefix, body, header string, right bool) {
		fk := newFake()
		d := open(t, config(fk), "amara@example.test")
		results := access(t.Context(), d)
		r := <-fk.asked
		id := r.CallbackURL[len(base)+1:]
		req := httptest.NewRequest(http.MethodPost, "/", strings.NewReader(body))
		req.Method, req.URL.Path = method, "/"+prefix+id
		req.Header.Add(cronofy.HMACHeader, header)
		if right {
			req.Header.Add(cronofy.HMACHeader, sign(secret, body))
		}
		w := httptest.NewRecorder()
		d.ServeHTTP(w, req)
		require.Empty(t, w.Body.String())
		_, parse := cronofy.ParseWebhook([]byte(body))
		signed := right || cronofy.VerifyHMAC(header, []byte(body), cronofy.NewSecret(secret))
		taken := method == http.MethodPost && path.Base(req.URL.Path) == id && signed && parse == nil && len(body) <= maxBody
		require.Equal(t, taken, w.Code == http.StatusOK)
		require.Equal(t, taken, d.find(id) == nil)
		d.Close()
		results()
	})
}
