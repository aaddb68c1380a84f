package delegated

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"confer/cronofy"
	"confer/internal/profiles"
)

// directory is a Cronofy that is told what there is.
type directory struct {
	rooms []cronofy.Resource
	info  cronofy.UserInfo
	err   error
}

func (d directory) CheckApplication(context.Context) error { return d.err }

func (d directory) Resources(context.Context, cronofy.Secret) ([]cronofy.Resource, error) {
	return d.rooms, d.err
}

func (d directory) UserInfo(context.Context, cronofy.Secret) (cronofy.UserInfo, error) {
	return d.info, d.err
}

func serviceToken() *ServiceToken { return NewServiceToken(cronofy.NewSecret("st"), nil) }

func list(text string) func() (io.ReadCloser, error) {
	return func() (io.ReadCloser, error) { return io.NopCloser(strings.NewReader(text)), nil }
}

func TestAddresses(t *testing.T) {
	t.Parallel()
	d := directory{rooms: []cronofy.Resource{{Email: "room-1@example.test"}, {Email: "amara@example.test"}}}
	got, err := Addresses(t.Context(), d, serviceToken(), Wanted{Open: list("amara@example.test\nhana@example.test"), Rooms: true})
	require.NoError(t, err)
	require.Equal(t, []profiles.Address{{Email: "amara@example.test", Line: 1}, {Email: "hana@example.test", Line: 2}, {Email: "room-1@example.test"}}, got.All)

	for name, w := range map[string]Wanted{
		"empty":   {Open: list("\n")},
		"no list": {Open: list("amara")},
		"no file": {Open: func() (io.ReadCloser, error) { return nil, fs.ErrNotExist }},
	} {
		_, err = Addresses(t.Context(), directory{}, serviceToken(), w)
		var bad *ListError
		require.ErrorAs(t, err, &bad, name)
	}
	_, err = Addresses(t.Context(), directory{}, serviceToken(), Wanted{Rooms: true})
	require.ErrorIs(t, err, ErrNoRooms)
}

func TestScope(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		info  cronofy.UserInfo
		scope string
		known bool
		err   error
	}{
		"said":         {info: cronofy.UserInfo{Sub: "ser_1", Type: "service_account", DelegatedScope: "read_only"}, scope: "read_only", known: true},
		"not said":     {info: cronofy.UserInfo{Sub: "ser_1", Type: "service_account"}, scope: cronofy.DefaultDelegatedScope},
		"nothing said": {info: cronofy.UserInfo{Sub: "1"}, scope: cronofy.DefaultDelegatedScope},
		"an account":   {info: cronofy.UserInfo{Sub: "acc_1", Type: "account"}, err: ErrNotServiceAccount},
		"by its sub":   {info: cronofy.UserInfo{Sub: "acc_1"}, err: ErrNotServiceAccount},
	} {
		scope, known, err := Scope(t.Context(), directory{info: c.info}, serviceToken())
		require.ErrorIs(t, err, c.err, name)
		require.Equal(t, c.scope, scope, name)
		require.Equal(t, c.known, known, name)
	}
}

func TestCheckApplication(t *testing.T) {
	t.Parallel()
	require.NoError(t, CheckApplication(t.Context(), directory{}))
	require.NoError(t, CheckApplication(t.Context(), directory{err: fmt.Errorf("%w: 503", cronofy.ErrNotChecked)}), "the exchange will tell")
	refused := errors.New("refused")
	require.ErrorIs(t, CheckApplication(t.Context(), directory{err: refused}), refused)
}
