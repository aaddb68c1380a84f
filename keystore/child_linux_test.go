package keystore

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"io"
	"syscall"
	"time"

	"github.com/godbus/dbus/v5"
	"go.uber.org/goleak"
)

const childVariable = "KEYSTORE_TEST_CHILD"

// order is one line to a child process.
type order struct {
	Op     string // probe get set delete unlock settle, or one of those in (*servant).arrange
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

// servant is the child's side.
type servant struct {
	ctx     context.Context
	out     *json.Encoder
	store   *KeyringStore
	service *secretService // under store
	first   bool           // the next probe is the one before a call
}

// blind sees Ready before a call and the truth after it.
func (s *servant) blind(ctx context.Context) Status {
	if s.first {
		s.first = false
		return Status{State: Ready}
	}
	return Probe(ctx)
}

func child(in io.Reader, out io.Writer) int {
	lines, enc := bufio.NewReader(in), json.NewEncoder(out)
	s := &servant{ctx: context.Background(), out: enc, store: OpenKeyring(), service: &secretService{}}
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

func (s *servant) serve(o order) (r reply) {
	ctx := OnWait(s.ctx, func(w Wait) { r.Waits = append(r.Waits, w) })
	if o.Limit != 0 {
		s.store.call, s.store.guard.prompt = o.Limit, o.Limit
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
	case "settle":
		settle(s.store)
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

func (s *servant) arrange(o order, r *reply) error {
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
