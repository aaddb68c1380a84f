//go:build linux || netbsd || openbsd || ((dragonfly || freebsd) && cgo)

package keystore

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/godbus/dbus/v5"
)

const callLimit = CallLimit

const (
	busVariable = "DBUS_SESSION_BUS_ADDRESS"

	secretsName = "org.freedesktop.secrets"
	secretsPath = dbus.ObjectPath("/org/freedesktop/secrets")
	loginPath   = secretsPath + "/collection/login"
	serviceFace = "org.freedesktop.Secret.Service"
	boxFace     = "org.freedesktop.Secret.Collection"

	busName  = "org.freedesktop.DBus"
	busError = busName + ".Error."
)

var (
	errNoBus  = errors.New(busVariable + " is not set")
	errNotOur = errors.New("the D-Bus session bus is not on a unix socket")
)

// busAddress finds the session bus of the user without starting one. godbus'
// own search ends in running dbus-launch, which leaves a dbus-daemon behind.
func busAddress() (string, error) {
	address := os.Getenv(busVariable)
	if address == "" || address == "autolaunch:" {
		return socketAddress()
	}
	for one := range strings.SplitSeq(address, ";") {
		if !strings.HasPrefix(one, "unix:") {
			return "", errNotOur
		}
	}
	return address, nil
}

// socketAddress is the well-known socket of systemd's user bus, see sd_bus_open_user(3).
func socketAddress() (string, error) {
	folders := []string{os.Getenv("XDG_RUNTIME_DIR"), "/run/user/" + strconv.Itoa(os.Getuid())}
	for _, folder := range folders {
		socket := filepath.Join(folder, "bus")
		if info, err := os.Stat(socket); filepath.IsAbs(folder) && err == nil && info.Mode()&os.ModeSocket != 0 {
			return "unix:path=" + dbus.EscapeBusAddressValue(socket), nil
		}
	}
	return "", errNoBus
}

// reach makes sure that go-keyring uses the bus that busAddress found and has no
// reason to look for one itself. godbus takes the address from the environment
// only, and writes what it finds there too.
func reach() error {
	address, err := busAddress()
	if err != nil {
		return err
	}
	if os.Getenv(busVariable) == address {
		return nil
	}
	return os.Setenv(busVariable, address)
}

// look implements Probe. The connection is its own, so that ctx can cut it off at any point.
func look(ctx context.Context) Status {
	conn, err := connect(ctx)
	if err != nil {
		return lookFailed(ctx, NoBus, err)
	}
	defer conn.Close()
	if err := findService(ctx, conn); err != nil {
		return lookFailed(ctx, NoService, err)
	}
	box, err := findCollection(ctx, conn)
	if err != nil {
		return lookFailed(ctx, NoService, err)
	}
	if box == "" || box == "/" {
		return Status{State: NoCollection}
	}
	var locked bool
	if err := property(ctx, conn.Object(secretsName, box), boxFace+".Locked", &locked); err != nil {
		return lookFailed(ctx, NoService, err)
	}
	if locked {
		return Status{State: Locked, NoWindow: os.Getenv("DISPLAY") == "" && os.Getenv("WAYLAND_DISPLAY") == ""}
	}
	return Status{State: Ready}
}

func lookFailed(ctx context.Context, s State, err error) Status {
	if ctx.Err() != nil {
		return Status{State: Silent}
	}
	return Status{State: s, Detail: detail(err, "")}
}

func connect(ctx context.Context) (*dbus.Conn, error) {
	address, err := busAddress()
	if err != nil {
		return nil, err
	}
	conn, err := dbus.Dial(address, dbus.WithContext(ctx)) // the end of ctx closes it, also during Auth
	if err != nil {
		return nil, err
	}
	if err = conn.Auth(nil); err == nil {
		err = conn.Hello()
	}
	if err != nil {
		conn.Close()
		return nil, err
	}
	return conn, nil
}

// findService makes the bus start the service if it is one that it can start.
func findService(ctx context.Context, conn *dbus.Conn) error {
	var owned bool
	err := conn.BusObject().CallWithContext(ctx, busName+".NameHasOwner", 0, secretsName).Store(&owned)
	if err != nil || owned {
		return err
	}
	return conn.BusObject().CallWithContext(ctx, busName+".StartServiceByName", 0, secretsName, uint32(0)).Err
}

// findCollection makes the same choice as go-keyring: login, or else the default.
func findCollection(ctx context.Context, conn *dbus.Conn) (dbus.ObjectPath, error) {
	service := conn.Object(secretsName, secretsPath)
	var boxes []dbus.ObjectPath
	if err := property(ctx, service, serviceFace+".Collections", &boxes); err != nil {
		return "", err
	}
	for _, b := range boxes {
		if b == loginPath {
			return b, nil
		}
	}
	var box dbus.ObjectPath
	err := service.CallWithContext(ctx, serviceFace+".ReadAlias", 0, "default").Store(&box)
	return box, err
}

func property[T any](ctx context.Context, o dbus.BusObject, name string, dst *T) error {
	dot := strings.LastIndexByte(name, '.')
	var v dbus.Variant
	err := o.CallWithContext(ctx, busName+".Properties.Get", 0, name[:dot], name[dot+1:]).Store(&v)
	if err != nil {
		return err
	}
	return v.Store(dst)
}

// classify leaves it to another probe, which tells more than go-keyring's errors:
// locked, cancelled and missing have the same text there.
func classify(error) State { return "" }
