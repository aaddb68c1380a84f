package delegated

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"

	"confer/cronofy"
)

// directory is a Cronofy that is told what there is.
type directory struct {
	Client
	rooms []cronofy.Resource
	info  cronofy.UserInfo
	err   error
}

func (d directory) Resources(context.Context, cronofy.Secret) ([]cronofy.Resource, error) {
	return d.rooms, d.err
}

func (d directory) UserInfo(context.Context, cronofy.Secret) (cronofy.UserInfo, error) {
	return d.info, d.err
}

func serviceToken() *ServiceToken { return NewServiceToken(cronofy.NewSecret("st"), nil) }

func TestScope(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		info  cronofy.UserInfo
		scope string
		guess bool
		err   error
	}{
		"said":         {info: cronofy.UserInfo{Sub: "ser_1", Type: "service_account", DelegatedScope: "read_only"}, scope: "read_only"},
		"not said":     {info: cronofy.UserInfo{Sub: "ser_1", Type: "service_account"}, scope: cronofy.DefaultDelegatedScope, guess: true},
		"nothing said": {info: cronofy.UserInfo{Sub: "1"}, scope: cronofy.DefaultDelegatedScope, guess: true},
		"an account":   {info: cronofy.UserInfo{Sub: "acc_1", Type: "account"}, err: ErrNotServiceAccount},
		"by its sub":   {info: cronofy.UserInfo{Sub: "acc_1"}, err: ErrNotServiceAccount},
	} {
		scope, guessed, err := Scope(t.Context(), directory{info: c.info}, serviceToken())
		require.ErrorIs(t, err, c.err, name)
		require.Equal(t, c.scope, scope, name)
		require.Equal(t, c.guess, guessed, name)
	}
}
