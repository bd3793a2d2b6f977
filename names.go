package creditledger

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// name is the text of a small enumeration's value.
func name[T ~uint8](names []string, v T) string {
	if int(v) < len(names) && names[v] != "" {
		return names[v]
	}
	return fmt.Sprintf("unknown(%d)", v)
}

// parseName finds text among the names from first on.
func parseName[T ~uint8](names []string, first T, field, text string) (T, error) {
	if i := slices.Index(names[first:], text); i >= 0 {
		return first + T(i), nil
	}
	return 0, invalid(field, "%s is not one of %s", quote(text), strings.Join(names[first:], ", "))
}

// plainOrQuoted leaves a name of everyday characters alone and quotes any other.
func plainOrQuoted(s string) string {
	plain := s != "" && len(s) <= 80 && strings.IndexFunc(s, func(r rune) bool {
		return r <= ' ' || r > '~' || r == '"' || r == '/' || r == '\\'
	}) < 0
	if plain {
		return s
	}
	if len(s) > 80 {
		return quote(s)
	}
	return strconv.Quote(s)
}
