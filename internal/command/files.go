package command

import (
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"confer/internal/links"
)

// namedFile is a file that a call names, or that confer has by itself.
type namedFile struct {
	name   string // "--out", "standard output"
	path   string // absolute, with links followed as far as there are any
	info   fs.FileInfo
	writes bool
}

// checkFiles refuses a call in which two flags name one file, before anything is
// opened: what one of them writes would be taken from under the other.
func checkFiles(cmd *cobra.Command, s streams) error {
	var flags []namedFile
	stdout := true
	cmd.Flags().VisitAll(func(f *pflag.Flag) {
		use, value := annotation(f, noteFile), f.Value.String()
		if f.Name == "secret-passphrase-fd" && value != "" {
			use, value = string(reads), "/dev/fd/"+value
		}
		if use == "" || value == "" {
			return
		}
		if f.Name == "out" || f.Name == "tokens-out" && value == "-" {
			stdout = false // the results are in that file, which is looked at itself
		}
		flags = append(flags, lookAt("--"+f.Name, value, use == string(writes), s))
	})
	if len(flags) == 0 {
		return nil
	}
	var files []namedFile
	if list, err := links.DefaultPath(); err == nil {
		files = append(files, lookAt("confer's list of links", list, true, streams{}), lookAt("confer's encrypted file", secretsPath(list), true, streams{}))
	}
	if out, errs := statOf(s.out), statOf(s.err); stdout && out != nil && (out.Mode().IsRegular() || errs == nil || !os.SameFile(out, errs)) {
		files = append(files, namedFile{name: "standard output", info: out, writes: true})
	}
	for i, a := range flags {
		for _, b := range append(flags[i+1:], files...) {
			if err := collision(a, b); err != nil {
				return err
			}
		}
	}
	return nil
}

const standardInput = "standard input"

// statOf is nil for what is no file of the system.
func statOf(stream any) fs.FileInfo {
	if file := fileOf(stream); file != nil {
		if info, err := file.Stat(); err == nil {
			return info
		}
	}
	return nil
}

// collision tells two flags that name one file. The null device is everybody's.
func collision(a, b namedFile) error {
	same := a.path != "" && a.path == b.path
	if runtime.GOOS == "windows" || runtime.GOOS == "darwin" { // names where there is no file yet
		same = a.path != "" && strings.EqualFold(a.path, b.path)
	}
	if a.info != nil && b.info != nil {
		same = same || os.SameFile(a.info, b.info) && a.info.Mode()&fs.ModeCharDevice == 0
	}
	other, isFlag := strings.CutPrefix(b.name, "--")
	switch {
	case !same, a.path == os.DevNull:
		return nil
	case !isFlag && !a.writes && (b.path != "" || !b.info.Mode().IsRegular()): // a socket may be both ends
		return nil
	case !isFlag:
		return wrong(strings.TrimPrefix(a.name, "--"), " is "+b.name, "name another file")
	case a.path == standardInput && b.path == standardInput:
		return usageAt(flagStep(other), a.name+" and "+b.name+" cannot both be standard input",
			"give one of them as a file, or the passphrase by another descriptor: --secret-passphrase-fd 3 3<FILE")
	}
	return usageAt(flagStep(other), a.name+" and "+b.name+" name one file", "name two files")
}

// lookAt finds out which file a flag names.
func lookAt(name, value string, writes bool, s streams) namedFile {
	n := namedFile{name: name, path: target(value), writes: writes}
	n.info, _ = os.Stat(value)
	switch {
	case value == "-" && writes:
		n.path, n.info = "standard output", statOf(s.out)
	case value == "-" || value == "/dev/fd/0":
		n.path, n.info = standardInput, statOf(s.in)
	}
	return n
}

// target follows links by name, also those that lead to nothing yet.
func target(path string) string {
	path, err := filepath.Abs(path)
	if err != nil {
		return ""
	}
	for range 40 { // as many links as systems follow
		to, err := os.Readlink(path)
		if err != nil {
			break
		}
		if !filepath.IsAbs(to) {
			to = filepath.Join(filepath.Dir(path), to)
		}
		path = to
	}
	if folder, err := filepath.EvalSymlinks(filepath.Dir(path)); err == nil {
		path = filepath.Join(folder, filepath.Base(path))
	}
	return path
}
