package cronofy

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestSecretsAreNeverPrinted(t *testing.T) {
	t.Parallel()
	s := NewSecret("hunter2")
	app := App{ClientID: "x", ClientSecret: s}
	hidden := struct{ s Secret }{s}
	for _, v := range []any{s, &s, app, &app, hidden, []Secret{s}, map[string]Secret{"k": s}, Token{AccessToken: s}, Webhook{Code: s}, New(Site{}, app, Options{})} {
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d", "%t"} {
			text := fmt.Sprintf(verb, v)
			require.NotContains(t, text, "hunter2", verb)
			require.NotContains(t, text, "68756e74657232", verb)
		}
		_, err := json.Marshal(v)
		if _, private := v.(struct{ s Secret }); !private && fmt.Sprintf("%T", v) != "*cronofy.Client" {
			require.Error(t, err, "%T", v)
		}
	}
	var b bytes.Buffer
	slog.New(slog.NewJSONHandler(&b, nil)).Info("x", "secret", s, "app", app)
	slog.New(slog.NewTextHandler(&b, nil)).Info("x", "secret", s, "app", app)
	require.NotContains(t, b.String(), "hunter2")
}

func TestSecret(t *testing.T) {
	t.Parallel()
	require.True(t, NewSecret("").Empty())
	require.Equal(t, Secret{}, NewSecret(""))
	require.Empty(t, Secret{}.Reveal())
	require.Equal(t, "hunter2", NewSecret("hunter2").Reveal())
	require.True(t, NewSecret("a").Equal(NewSecret("a")))
	require.False(t, NewSecret("a").Equal(Secret{}))
}
