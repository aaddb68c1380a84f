package opener

import "strings"

// arguments splits a command line and puts the address in.
func arguments(command, address string) ([]string, error) {
	words, err := split(command)
	if err != nil || len(words) == 0 {
		return nil, err
	}
	placed := false
	for i, w := range words[1:] {
		if strings.Contains(w, "%s") {
			words[i+1], placed = strings.ReplaceAll(w, "%s", address), true
		}
	}
	if !placed {
		words = append(words, address)
	}
	return words, nil
}

// split parts words at white space outside of quotes. A backslash is an
// ordinary character, because Windows' paths have them.
func split(command string) ([]string, error) {
	var (
		words []string
		word  strings.Builder
		quote rune
		begun bool
	)
	for _, r := range command {
		switch {
		case quote != 0 && r == quote:
			quote = 0
		case quote == 0 && (r == '"' || r == '\''):
			quote, begun = r, true
		case quote == 0 && (r == ' ' || r == '\t'):
			if begun {
				words = append(words, word.String())
			}
			word.Reset()
			begun = false
		default:
			word.WriteRune(r)
			begun = true
		}
	}
	if quote != 0 {
		return nil, ErrCommand
	}
	if begun {
		words = append(words, word.String())
	}
	return words, nil
}
