// Package page writes figures into pages that people write: what stands between
//
//	<!-- NAME: begin -->
//	<!-- NAME: end -->
//
// is replaced, and nothing else is touched.
package page

import (
	"bytes"
	"fmt"
	"os"
)

// Update replaces the part of a file that has the given name.
func Update(file, name, text string) error {
	old, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	changed, err := replace(old, name, text)
	if err != nil {
		return fmt.Errorf("%s: %w", file, err)
	}
	return os.WriteFile(file, changed, 0o644)
}

func replace(page []byte, name, text string) ([]byte, error) {
	begin, end := fmt.Appendf(nil, "<!-- %s: begin -->\n", name), fmt.Appendf(nil, "<!-- %s: end -->\n", name)
	head, rest, begun := bytes.Cut(page, begin)
	_, tail, ended := bytes.Cut(rest, end)
	if !begun || !ended || bytes.Contains(tail, begin) {
		return nil, fmt.Errorf("the page needs one part between %q and %q", begin, end)
	}
	return bytes.Join([][]byte{head, begin, []byte(text), end, tail}, nil), nil
}
