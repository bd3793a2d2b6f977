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

// marshalName is the text of an enumeration's value that may be written: a name from
// first on, and nothing for a zero value without one.
func marshalName[T ~uint8](names []string, first T, field string, v T) ([]byte, error) {
	switch {
	case v >= first && int(v) < len(names):
		return []byte(names[v]), nil
	case v == 0:
		return nil, nil
	}
	return nil, invalid(field, "%s has no name", name(names, v))
}

// unmarshalName reads what marshalName writes. On an error v stays as it was.
func unmarshalName[T ~uint8](v *T, names []string, first T, field string, text []byte) error {
	if len(text) == 0 && first > 0 {
		*v = 0
		return nil
	}
	read, err := parseName(names, first, field, string(text))
	if err == nil {
		*v = read
	}
	return err
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
