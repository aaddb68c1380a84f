package keystore

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/godbus/dbus/v5"
	"github.com/stretchr/testify/require"

	"confer/internal/keyringtest"
	"go.uber.org/goleak"
)

// TestMain is also the entry of the child processes of the tests against a real
// keyring: godbus has one session bus for each process.
func TestMain(m *testing.M) {
	if os.Getenv(childVariable) != "" {
		os.Exit(child(os.Stdin, os.Stdout))
	}
	goleak.VerifyTestMain(m)
}

const (
	markVariable = "KEYSTORE_TEST_MARK"
	nobody       = 65534
)

// rig is a place of its own for one state of the keyring: folders, a bus, a
// keyring daemon, and a child process that uses this package there.
type rig struct {
	t      *testing.T
	dir    string
	mark   string
	cred   *syscall.Credential // who everything runs as; nil for ourselves
	policy string              // more for the bus
	bus    string              // address, "" for none
	env    []string
	daemon *exec.Cmd
	busCmd *exec.Cmd
}

// needReal skips where no real keyring is wanted. With CONFER_TEST_KEYRING set,
// whatever is missing fails.
func needReal(t *testing.T) {
	t.Helper()
	keyringtest.Need(t)
	for _, tool := range []string{"dbus-daemon", "gnome-keyring-daemon", "secret-tool"} {
		_, err := exec.LookPath(tool)
		require.NoError(t, err)
	}
}

func newRig(t *testing.T) *rig {
	t.Helper()
	needReal(t)
	t.Parallel()
	dir, err := os.MkdirTemp("", "keystore")
	require.NoError(t, err)
	r := &rig{t: t, dir: dir, mark: filepath.Base(dir)}
	t.Cleanup(func() { require.NoError(t, os.RemoveAll(dir)) })
	t.Cleanup(r.noProcessLeft)
	for _, d := range []string{"run", "data", "home", "bin", "services"} {
		require.NoError(t, os.Mkdir(r.path(d), 0o700))
	}
	return r
}

// as makes everything run as another user; only root can do that.
func (r *rig) as(uid int) {
	r.cred = &syscall.Credential{Uid: uint32(uid), Gid: uint32(uid)}
	require.NoError(r.t, filepath.Walk(r.dir, func(p string, _ os.FileInfo, err error) error {
		if err != nil {
			return err
		}
		return os.Chown(p, uid, uid)
	}))
}

func (r *rig) path(name ...string) string {
	return filepath.Join(append([]string{r.dir}, name...)...)
}

// command is a process of the rig, with its environment and nothing of ours.
func (r *rig) command(name string, args ...string) *exec.Cmd {
	c := exec.Command(name, args...)
	c.Dir = r.dir
	c.Env = append([]string{
		"PATH=" + r.path("bin") + ":" + os.Getenv("PATH"), "HOME=" + r.path("home"),
		"XDG_RUNTIME_DIR=" + r.path("run"), "XDG_DATA_HOME=" + r.path("data"), markVariable + "=" + r.mark,
	}, r.env...)
	if r.bus != "" {
		c.Env = append(c.Env, busVariable+"="+r.bus)
	}
	c.SysProcAttr = &syscall.SysProcAttr{Credential: r.cred, Pdeathsig: syscall.SIGKILL}
	return c
}

func (r *rig) stop(c *exec.Cmd) {
	if c.Process != nil && c.ProcessState == nil {
		_ = c.Process.Kill()
		_ = c.Wait()
	}
}

// startBus starts a session bus that can activate what services says:
// "" nothing, "system" what is installed, otherwise the Exec line of a service.
func (r *rig) startBus(services string) {
	dirs := ""
	switch services {
	case "":
	case "system":
		dirs = "<standard_session_servicedirs/>"
	default:
		dirs = "<servicedir>" + r.path("services") + "</servicedir>"
		r.write("services/secrets.service", 0o644, "[D-BUS Service]\nName="+secretsName+"\nExec="+services+"\n")
	}
	r.write("bus.conf", 0o644, `<busconfig><type>session</type><listen>unix:path=`+r.path("sock")+`</listen>
		<auth>EXTERNAL</auth>`+dirs+`<policy context="default"><allow send_destination="*" eavesdrop="true"/>
		<allow eavesdrop="true"/><allow own="*"/>`+r.policy+`</policy></busconfig>`)
	r.busCmd = r.command("dbus-daemon", "--config-file="+r.path("bus.conf"), "--nofork", "--nopidfile", "--print-address=1")
	out, err := r.busCmd.StdoutPipe()
	require.NoError(r.t, err)
	require.NoError(r.t, r.busCmd.Start())
	r.t.Cleanup(func() { r.stop(r.busCmd) })
	line, err := bufio.NewReader(out).ReadString('\n')
	require.NoError(r.t, err)
	r.bus = strings.TrimSpace(line)
}

func (r *rig) write(name string, mode os.FileMode, text string) {
	require.NoError(r.t, os.WriteFile(r.path(name), []byte(text), mode))
	require.NoError(r.t, os.Chmod(r.path(name), mode))
	if r.cred != nil {
		require.NoError(r.t, os.Chown(r.path(name), int(r.cred.Uid), int(r.cred.Gid)))
	}
}

// startKeyring starts gnome-keyring; password unlocks it, or makes its keyring;
// without one it stays locked.
func (r *rig) startKeyring(password string) {
	args := []string{"--foreground", "--components=secrets"}
	if password != "" {
		args = append(args, "--unlock")
	}
	conn := r.connect()
	defer conn.Close()
	owned := make(chan *dbus.Signal, 16)
	conn.Signal(owned)
	require.NoError(r.t, conn.AddMatchSignal(dbus.WithMatchInterface(busName), dbus.WithMatchMember("NameOwnerChanged"), dbus.WithMatchArg(0, secretsName)))
	r.daemon = r.command("gnome-keyring-daemon", args...)
	r.daemon.Stdin = strings.NewReader(password)
	require.NoError(r.t, r.daemon.Start())
	daemon := r.daemon
	r.t.Cleanup(func() { r.stop(daemon) })
	for s := range owned { // also NameAcquired, which every connection gets
		if s.Name == busName+".NameOwnerChanged" && s.Body[2] != "" {
			return
		}
	}
	r.t.Fatal("the bus went away")
}

// unlock types the password, as a desktop's login or its dialog would.
func (r *rig) unlock(password string) {
	conn := r.connect()
	defer conn.Close()
	service := conn.Object(secretsName, secretsPath)
	var none dbus.Variant
	var session dbus.ObjectPath
	require.NoError(r.t, service.Call(serviceFace+".OpenSession", 0, "plain", dbus.MakeVariant("")).Store(&none, &session))
	secret := struct {
		Session     dbus.ObjectPath
		Parameters  []byte
		Value       []byte
		ContentType string
	}{session, []byte{}, []byte(password), "text/plain"}
	require.NoError(r.t, service.Call("org.gnome.keyring.InternalUnsupportedGuiltRiddenInterface.UnlockWithMasterPassword", 0, loginPath, secret).Err)
}

func (r *rig) connect() *dbus.Conn {
	conn, err := dbus.Connect(r.bus)
	require.NoError(r.t, err)
	return conn
}

// helper is a child process in the rig.
type helper struct {
	t      *testing.T
	in     io.Writer
	out    *bufio.Reader
	stderr *bytes.Buffer
	end    func() error
	kill   func()
}

func (r *rig) helper() *helper {
	exe, err := os.Executable()
	require.NoError(r.t, err)
	if r.cred != nil { // the folder of the test binary is ours alone
		// By cp: a file that this process wrote may be "busy", in a child that is being forked.
		require.NoError(r.t, exec.Command("cp", exe, r.path("bin", "child")).Run())
		exe = r.path("bin", "child")
		require.NoError(r.t, os.Chmod(exe, 0o755))
	}
	return startHelper(r.t, r.command(exe))
}

func startHelper(t *testing.T, c *exec.Cmd) *helper {
	if c.Env == nil {
		c.Env = os.Environ()
	}
	c.Env = append(c.Env, childVariable+"=1")
	h := &helper{t: t, stderr: &bytes.Buffer{}}
	c.Stderr = h.stderr
	in, err := c.StdinPipe()
	require.NoError(t, err)
	out, err := c.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, c.Start())
	h.in, h.out = in, bufio.NewReader(out)
	h.end = func() error { _ = in.Close(); return c.Wait() }
	h.kill = func() { _ = c.Process.Kill() }
	t.Cleanup(func() { h.kill(); _ = h.end() })
	return h
}

func (h *helper) do(o order) reply {
	h.t.Helper()
	b, err := json.Marshal(o)
	require.NoError(h.t, err)
	_, err = h.in.Write(append(b, '\n'))
	require.NoError(h.t, err, "%s", h.stderr)
	line, err := h.out.ReadBytes('\n')
	require.NoError(h.t, err, "the child ended: %s", h.stderr)
	var r reply
	require.NoError(h.t, json.Unmarshal(line, &r))
	return r
}

func (h *helper) op(op string) reply {
	h.t.Helper()
	return h.do(order{Op: op, Key: "k", Secret: []byte("v")})
}

// clean asserts that nothing is left in the child and that it ends by itself.
func (h *helper) clean(ops ...string) {
	h.t.Helper()
	for _, op := range ops {
		require.False(h.t, h.op(op).Failed)
	}
	require.Empty(h.t, h.op("leaks").Leaks)
	require.NoError(h.t, h.end(), "%s", h.stderr)
}

// noProcessLeft fails when a process of the rig outlives it: its environment is
// inherited, so that the mark finds children of children too.
func (r *rig) noProcessLeft() {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		left := r.processes()
		if len(left) == 0 {
			return
		}
		select {
		case <-tick.C: // killed ones need a moment
		case <-ctx.Done():
			require.Empty(r.t, left, "processes left behind")
		}
	}
}

func (r *rig) processes() []string {
	files, err := filepath.Glob("/proc/[0-9]*/environ")
	require.NoError(r.t, err)
	var left []string
	for _, f := range files {
		env, err := os.ReadFile(f)
		if err != nil || !bytes.Contains(env, []byte(markVariable+"="+r.mark+"\x00")) {
			continue
		}
		name, _ := os.ReadFile(filepath.Join(filepath.Dir(f), "comm"))
		left = append(left, fmt.Sprint(filepath.Base(filepath.Dir(f)), " ", strings.TrimSpace(string(name))))
	}
	return left
}

func pidFrom(t *testing.T, file string) int {
	b, err := os.ReadFile(file)
	require.NoError(t, err)
	pid, err := strconv.Atoi(strings.TrimSpace(string(b)))
	require.NoError(t, err)
	return pid
}

const childVariable = "KEYSTORE_TEST_CHILD"

// order is one line to a child process.
type order struct {
	Op     string // probe get set delete unlock wait, or one of those in (*server).arrange
	Key    string
	Secret []byte
	Limit  time.Duration // of this call, in place of the store's own
	PID    int
}

// reply is its answer.
type reply struct {
	Status  Status
	Secret  []byte
	Failed  bool
	Err     string // the name of the sentinel, or a text when there is none
	Text    string // the whole message
	State   State
	Detail  string
	Pending bool
	Leaks   string
	Has     bool
	Waits   []Wait
}

// server is the child's side.
type server struct {
	ctx     context.Context
	out     *json.Encoder
	store   *KeyringStore
	service *secretService // under store
	first   bool           // the next probe is the one before a call
}

// blind sees Ready before a call and the truth after it.
func (s *server) blind(ctx context.Context) Status {
	if s.first {
		s.first = false
		return Status{State: Ready}
	}
	return Probe(ctx)
}

func child(in io.Reader, out io.Writer) int {
	lines, enc := bufio.NewReader(in), json.NewEncoder(out)
	s := &server{ctx: context.Background(), out: enc, store: OpenKeyring(), service: &secretService{}}
	s.store.provider = s.service
	for {
		line, err := lines.ReadBytes('\n')
		if err != nil {
			return 0
		}
		var o order
		if err := json.Unmarshal(line, &o); err != nil {
			return 3
		}
		if err := enc.Encode(s.serve(o)); err != nil {
			return 4
		}
	}
}

func (s *server) serve(o order) (r reply) {
	ctx := OnWait(s.ctx, func(w Wait) { r.Waits = append(r.Waits, w) })
	if o.Limit != 0 {
		s.store.call, s.store.prompt = o.Limit, o.Limit
	}
	s.first = true
	var err error
	switch o.Op {
	case "probe":
		r.Status = Probe(ctx)
	case "get":
		var secret string
		secret, err = s.store.Get(ctx, o.Key)
		r.Secret = []byte(secret)
	case "set":
		err = s.store.Set(ctx, o.Key, string(o.Secret))
	case "delete":
		err = s.store.Delete(ctx, o.Key)
	case "unlock":
		err = s.store.Unlock(ctx)
	case "wait":
		waitIdle(s.store)
	case "has":
		r.Has, err = s.store.Has(ctx, o.Key)
	case "test write":
		var left error
		left, err = TestWrite(ctx, s.store)
		err = errors.Join(left, err)
	default:
		err = s.arrange(o, &r)
	}
	r.failed(err)
	return r
}

func (s *server) arrange(o order, r *reply) error {
	switch o.Op {
	case "blind": // from now on go-keyring is called whatever the state
		s.store.probe = s.blind
	case "freeze": // stops process PID between the probe and the storing
		s.store.provider = freezer{s.service, o.PID}
	case "bare": // the bus by the library's own search
		conn, err := dbus.ConnectSessionBus()
		if err == nil {
			err = conn.Close()
		}
		return err
	case "close": // the connection that is kept
		s.service.close()
	case "churn":
		return s.churn(o)
	case "leaks":
		if err := goleak.Find(); err != nil {
			r.Leaks = err.Error()
		}
	default:
		return errors.New("no such order")
	}
	return nil
}

func (r *reply) failed(err error) {
	if err == nil {
		return
	}
	r.Failed, r.Text, r.Err = true, err.Error(), err.Error()
	var e *Error
	if errors.As(err, &e) {
		r.Err, r.State, r.Detail, r.Pending = e.Err.Error(), e.State, e.Detail, e.Pending
	}
}

// freezer stops a process at the moment of storing.
type freezer struct {
	provider
	pid int
}

func (f freezer) Set(c *call, key, secret string) error {
	if err := syscall.Kill(f.pid, syscall.SIGSTOP); err != nil {
		return err
	}
	return f.provider.Set(c, key, secret)
}
