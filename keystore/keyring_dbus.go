//go:build linux || netbsd || openbsd || dragonfly || freebsd

package keystore

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/godbus/dbus/v5"
)

const callLimit = CallLimit

const (
	busVariable = "DBUS_SESSION_BUS_ADDRESS"

	secretsName    = "org.freedesktop.secrets"
	secretsPath    = dbus.ObjectPath("/org/freedesktop/secrets")
	loginPath      = secretsPath + "/collection/login"
	serviceFace    = "org.freedesktop.Secret.Service"
	collectionFace = "org.freedesktop.Secret.Collection"
	itemFace       = "org.freedesktop.Secret.Item"
	promptFace     = "org.freedesktop.Secret.Prompt"
	sessionFace    = "org.freedesktop.Secret.Session"

	busName      = "org.freedesktop.DBus"
	ownerChanged = busName + ".NameOwnerChanged"
)

var (
	errNoBus     = errors.New(busVariable + " is not set")
	errNotUnix   = errors.New("the D-Bus session bus is not on a unix socket")
	errNoKeyring = errors.New("there is neither a login nor a default keyring")
	errGone      = errors.New("the keyring service ended while its window was open")
)

// programs are the keyrings that are known by another name that they have on the
// bus. KWallet's names come with the path at which its wallets can be asked.
var programs = []struct {
	name, program string
	wallets       dbus.ObjectPath
}{
	{"org.gnome.keyring", "GNOME Keyring", ""},
	{"org.keepassxc.KeePassXC.MainWindow", "KeePassXC", ""},
	{"org.kde.kwalletd5", "KWallet", "/modules/kwalletd5"},
	{"org.kde.kwalletd6", "KWallet", "/modules/kwalletd6"},
	{"org.kde.ksecretd", "KWallet", "/modules/kwalletd6"},
}

// busAddress finds the session bus of the user without starting one: as the variable
// says, or the well-known socket of systemd's user bus, see sd_bus_open_user(3). godbus'
// own search ends in running dbus-launch, which leaves a dbus-daemon behind.
func busAddress() (string, error) {
	address := os.Getenv(busVariable)
	if address != "" && address != "autolaunch:" {
		for one := range strings.SplitSeq(address, ";") {
			if !strings.HasPrefix(one, "unix:") {
				return "", errNotUnix
			}
		}
		return address, nil
	}
	for _, folder := range []string{os.Getenv("XDG_RUNTIME_DIR"), "/run/user/" + strconv.Itoa(os.Getuid())} {
		socket := filepath.Join(folder, "bus")
		if info, err := os.Stat(socket); filepath.IsAbs(folder) && err == nil && info.Mode()&os.ModeSocket != 0 {
			return "unix:path=" + dbus.EscapeBusAddressValue(socket), nil
		}
	}
	return "", errNoBus
}

// connect makes a connection of its own, which the end of ctx cuts off at any point,
// and with it whatever is asked there.
func connect(ctx context.Context) (*dbus.Conn, error) {
	address, err := busAddress()
	if err != nil {
		return nil, err
	}
	return dbus.Connect(address, dbus.WithContext(ctx))
}

// look implements Probe.
func look(ctx context.Context) Status {
	failed := func(s State, err error) Status {
		if ctx.Err() != nil {
			return Status{State: Silent}
		}
		return Status{State: s, Detail: err.Error()}
	}
	conn, err := connect(ctx)
	if err != nil {
		return failed(NoBus, err)
	}
	defer conn.Close()
	collection, err := findCollection(conn) // the bus starts the service for it, where it can
	program, wallets := findProgram(conn)
	if errors.Is(err, errNoKeyring) {
		return Status{State: NoCollection, Program: program}
	}
	var locked bool
	if err == nil {
		err = conn.Object(secretsName, collection).StoreProperty(collectionFace+".Locked", &locked)
	}
	if err != nil {
		return failed(NoService, err)
	}
	if locked && (wallets == "" || !walletOpen(conn, wallets, collection)) {
		return Status{State: Locked, Program: program, NoWindow: os.Getenv("DISPLAY") == "" && os.Getenv("WAYLAND_DISPLAY") == ""}
	}
	return Status{State: Ready, Program: program}
}

// findCollection is the login keyring, or else the default one: what most programs take.
func findCollection(conn *dbus.Conn) (collection dbus.ObjectPath, err error) {
	service := conn.Object(secretsName, secretsPath)
	var all []dbus.ObjectPath
	if err := service.StoreProperty(serviceFace+".Collections", &all); err != nil {
		return "", err
	}
	if slices.Contains(all, loginPath) {
		return loginPath, nil
	}
	err = service.Call(serviceFace+".ReadAlias", 0, "default").Store(&collection)
	if err == nil && (collection == "" || collection == "/") {
		err = errNoKeyring
	}
	return collection, err
}

// findProgram tells whose keyring it is, by the other names that its process has.
func findProgram(conn *dbus.Conn) (program string, wallets dbus.ObjectPath) {
	owner := func(name string) (unique string) {
		_ = conn.BusObject().Call(busName+".GetNameOwner", 0, name).Store(&unique)
		return unique
	}
	service := owner(secretsName)
	for _, p := range programs {
		if service != "" && owner(p.name) == service {
			return p.program, p.wallets
		}
	}
	return "", ""
}

// walletOpen tells whether KWallet has the wallet open. Its Secret Service calls
// such a wallet locked until somebody asks it to unlock, which needs no window.
func walletOpen(conn *dbus.Conn, wallets, collection dbus.ObjectPath) (open bool) {
	var label string
	err := conn.Object(secretsName, collection).StoreProperty(collectionFace+".Label", &label)
	return err == nil && conn.Object(secretsName, wallets).Call("org.kde.KWallet.isOpen", 0, label).Store(&open) == nil && open
}

// secretService is the Secret Service. It keeps one connection, because KeePassXC
// asks its user once for each: another for each call would ask each time. After
// a failure the next call makes a new one, since a refusal is remembered, too.
//
// The well-known client library zalando/go-keyring is not used here, because it
// drops what a prompt came to: a refused deletion would count as done.
type secretService struct{ conn *dbus.Conn }

func newProvider() provider { return &secretService{} }

// secretValue is the structure of the same kind in the specification.
type secretValue struct {
	Session     dbus.ObjectPath
	Parameters  []byte
	Value       []byte
	ContentType string
}

// transaction is one call to the service: the collection, unlocked, and a session.
type transaction struct {
	call       *call
	conn       *dbus.Conn
	collection dbus.ObjectPath
	session    dbus.ObjectPath
}

// Get implements provider.
func (s *secretService) Get(c *call, key string) (string, error) {
	var secret secretValue
	err := s.do(c, key, func(x transaction, items []dbus.ObjectPath) error {
		if len(items) == 0 {
			return ErrNotFound
		}
		if err := x.unlock(items[0]); err != nil {
			return err
		}
		return x.object(items[0]).Call(itemFace+".GetSecret", 0, x.session).Store(&secret)
	})
	return string(secret.Value), err
}

// Has implements provider.
func (s *secretService) Has(c *call, key string) (has bool, err error) {
	err = s.do(c, key, func(_ transaction, items []dbus.ObjectPath) error { has = len(items) > 0; return nil })
	return has, err
}

// Set implements provider. It changes the item that is there: to replace it by a
// new one is what KeePassXC always asks about. Others of the same key are deleted.
func (s *secretService) Set(c *call, key, secret string) error {
	return s.do(c, key, func(x transaction, items []dbus.ObjectPath) error {
		value := secretValue{x.session, []byte{}, []byte(secret), "text/plain; charset=utf8"}
		if len(items) == 0 {
			return x.create(key, value)
		}
		if err := x.unlock(items[0]); err != nil {
			return err
		}
		if err := x.object(items[0]).Call(itemFace+".SetSecret", 0, value).Err; err != nil {
			return err
		}
		return x.delete(items[1:])
	})
}

// Delete implements provider.
func (s *secretService) Delete(c *call, key string) error {
	return s.do(c, key, func(x transaction, items []dbus.ObjectPath) error {
		if len(items) == 0 {
			return ErrNotFound
		}
		return x.delete(items)
	})
}

// Unlock implements provider. No item has an empty key.
func (s *secretService) Unlock(c *call) error {
	return s.do(c, "", func(transaction, []dbus.ObjectPath) error { return nil })
}

// do works on the items of a key, in the collection, which is unlocked for it.
func (s *secretService) do(c *call, key string, f func(transaction, []dbus.ObjectPath) error) (err error) {
	defer func() {
		if err != nil && !errors.Is(err, ErrNotFound) {
			s.close()
		}
	}()
	if s.conn == nil || !s.conn.Connected() {
		// What was begun is seen to its end; the store bounds the caller's wait.
		if s.conn, err = connect(context.Background()); err != nil {
			return err
		}
	}
	x := transaction{call: c, conn: s.conn}
	if x.collection, err = findCollection(s.conn); err != nil {
		return err
	}
	if err := x.unlock(x.collection); err != nil {
		return err
	}
	var none dbus.Variant
	if err := x.object(secretsPath).Call(serviceFace+".OpenSession", 0, "plain", dbus.MakeVariant("")).Store(&none, &x.session); err != nil {
		return err
	}
	defer x.object(x.session).Call(sessionFace+".Close", 0)
	var items []dbus.ObjectPath
	if err := x.object(x.collection).Call(collectionFace+".SearchItems", 0, attributes(key)).Store(&items); err != nil {
		return err
	}
	return f(x, items)
}

func (s *secretService) close() {
	if s.conn != nil {
		_ = s.conn.Close()
		s.conn = nil
	}
}

func (x transaction) object(path dbus.ObjectPath) dbus.BusObject {
	return x.conn.Object(secretsName, path)
}

func attributes(key string) map[string]string {
	return map[string]string{"service": Service, "username": key}
}

func (x transaction) create(key string, value secretValue) error {
	properties := map[string]dbus.Variant{
		itemFace + ".Label":      dbus.MakeVariant("confer: " + key),
		itemFace + ".Attributes": dbus.MakeVariant(attributes(key)),
	}
	var item, prompt dbus.ObjectPath
	if err := x.object(x.collection).Call(collectionFace+".CreateItem", 0, properties, value, true).Store(&item, &prompt); err != nil {
		return err
	}
	return x.prompt(prompt)
}

func (x transaction) delete(items []dbus.ObjectPath) error {
	for _, item := range items {
		var prompt dbus.ObjectPath
		if err := x.object(item).Call(itemFace+".Delete", 0).Store(&prompt); err != nil {
			return err
		}
		if err := x.prompt(prompt); err != nil {
			return err
		}
	}
	return nil
}

// tooQuick is for a person who has to see a window first.
const tooQuick = 50 * time.Millisecond

// unlock asks twice where the first no came too fast to be a person's: KWallet
// says it once more, without a window, to whoever asks after somebody refused.
func (x transaction) unlock(path dbus.ObjectPath) error {
	for first := true; ; first = false {
		var unlocked []dbus.ObjectPath
		var prompt dbus.ObjectPath
		if err := x.object(secretsPath).Call(serviceFace+".Unlock", 0, []dbus.ObjectPath{path}).Store(&unlocked, &prompt); err != nil {
			return err
		}
		start := time.Now()
		err := x.prompt(prompt)
		if !first || !errors.Is(err, ErrDismissed) || time.Since(start) > tooQuick {
			return err
		}
	}
}

// prompt has the service show the window that it wants to show, and waits for its
// end. "/" is none.
func (x transaction) prompt(path dbus.ObjectPath) error {
	if path == "/" {
		return nil
	}
	signals := make(chan *dbus.Signal, 16)
	x.conn.Signal(signals)
	defer x.conn.RemoveSignal(signals)
	for _, match := range [][]dbus.MatchOption{
		{dbus.WithMatchObjectPath(path), dbus.WithMatchInterface(promptFace)},
		{dbus.WithMatchInterface(busName), dbus.WithMatchMember("NameOwnerChanged"), dbus.WithMatchArg(0, secretsName)},
	} {
		if err := x.conn.AddMatchSignal(match...); err != nil {
			return err
		}
		defer func() { _ = x.conn.RemoveMatchSignal(match...) }()
	}
	program, _ := findProgram(x.conn)
	x.call.window(&program)
	defer x.call.window(nil)
	if err := x.object(path).Call(promptFace+".Prompt", 0, "").Err; err != nil {
		return err
	}
	for s := range signals {
		switch {
		case s.Name == ownerChanged && len(s.Body) == 3 && s.Body[0] == secretsName:
			return errGone
		case s.Path != path || s.Name != promptFace+".Completed":
		case len(s.Body) > 0 && s.Body[0] == true:
			return ErrDismissed
		default:
			return nil
		}
	}
	return errGone
}
