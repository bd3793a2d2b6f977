package page

import (
	"os"
	"path/filepath"
	"testing"
)

// TestOnlyTheNamedPartChanges: the words around the figures are left as they are, and a
// page without a place for them is refused.
func TestOnlyTheNamedPartChanges(t *testing.T) {
	const (
		begin = "<!-- figures: begin -->\n"
		end   = "<!-- figures: end -->\n"
	)
	for name, c := range map[string]struct {
		page, want string
		refused    bool
	}{
		"one part":       {page: "a\n" + begin + "old\n" + end + "b\n", want: "a\n" + begin + "new\n" + end + "b\n"},
		"an empty part":  {page: begin + end, want: begin + "new\n" + end},
		"no part":        {page: "a\nb\n", refused: true},
		"no end":         {page: "a\n" + begin + "b\n", refused: true},
		"no beginning":   {page: "a\n" + end + "b\n", refused: true},
		"two parts":      {page: begin + end + begin + end, refused: true},
		"another's name": {page: "<!-- others: begin -->\n<!-- others: end -->\n", refused: true},
	} {
		t.Run(name, func(t *testing.T) {
			file := filepath.Join(t.TempDir(), "page.md")
			if err := os.WriteFile(file, []byte(c.page), 0o600); err != nil {
				t.Fatal(err)
			}
			err := Update(file, "figures", "new\n")
			got, readErr := os.ReadFile(file)
			if readErr != nil {
				t.Fatal(readErr)
			}
			switch {
			case c.refused && (err == nil || string(got) != c.page):
				t.Errorf("%v, and the page is %q", err, got)
			case !c.refused && (err != nil || string(got) != c.want):
				t.Errorf("%v, and the page is %q, want %q", err, got, c.want)
			}
		})
	}
}
