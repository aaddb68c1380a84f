package links

import (
	"fmt"
	"os"
	"path/filepath"
	"runtime"
)

const (
	folder   = "confer"
	fileName = "links.json"
)

// DefaultPath is where the file is by the customs of the system: under
// XDG_STATE_HOME if that is set to an absolute path, as the specification
// demands (https://specifications.freedesktop.org/basedir-spec/latest/), else
// ~/.local/state, ~/Library/Application Support or %LocalAppData%. It makes
// nothing. Its error is ErrNoHome.
func DefaultPath() (string, error) {
	return pathFor(runtime.GOOS, os.Getenv, os.UserHomeDir)
}

func pathFor(system string, env func(string) string, home func() (string, error)) (string, error) {
	if dir := env("XDG_STATE_HOME"); filepath.IsAbs(dir) {
		return filepath.Join(dir, folder, fileName), nil
	}
	if dir := env("LocalAppData"); system == "windows" && dir != "" {
		return filepath.Join(dir, folder, fileName), nil
	}
	dir, err := home()
	if err != nil || !filepath.IsAbs(dir) {
		return "", fmt.Errorf("%w: neither a home folder nor XDG_STATE_HOME", ErrNoHome)
	}
	switch system {
	case "windows":
		dir = filepath.Join(dir, "AppData", "Local")
	case "darwin", "ios":
		dir = filepath.Join(dir, "Library", "Application Support")
	default:
		dir = filepath.Join(dir, ".local", "state")
	}
	return filepath.Join(dir, folder, fileName), nil
}
