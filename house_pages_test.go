package creditledger_test

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// TestSecurityNamesTests: every test that SECURITY.md leans on is there.
func TestSecurityNamesTests(t *testing.T) {
	page, err := os.ReadFile("SECURITY.md")
	if err != nil {
		t.Fatal(err)
	}
	var sources strings.Builder
	for _, dir := range []string{".", "opsfile", "cmd/creditledger", "store/bolt", "store/postgres", "fuzz/field", "fuzz/crash"} {
		files, err := filepath.Glob(filepath.Join(dir, "*_test.go"))
		if err != nil || len(files) == 0 {
			t.Fatal(dir, err)
		}
		for _, name := range files {
			data, err := os.ReadFile(name)
			if err != nil {
				t.Fatal(err)
			}
			sources.Write(data)
		}
	}
	names := regexp.MustCompile("`(Test\\w+)`").FindAllSubmatch(page, -1)
	for _, name := range names {
		if !strings.Contains(sources.String(), "func "+string(name[1])+"(t ") {
			t.Errorf("there is no %s", name[1])
		}
	}
	if len(names) < 30 {
		t.Errorf("%d tests are named", len(names))
	}
}

// TestHousePages: docs/README.md lists every page of its folder.
func TestHousePages(t *testing.T) {
	index, err := os.ReadFile("docs/README.md")
	if err != nil {
		t.Fatal(err)
	}
	pages := 0
	err = filepath.WalkDir("docs", func(path string, _ fs.DirEntry, err error) error {
		if filepath.Ext(path) != ".md" || path == filepath.Join("docs", "README.md") {
			return err
		}
		pages++
		name, err := filepath.Rel("docs", path)
		if !strings.Contains(string(index), "]("+filepath.ToSlash(name)+")") {
			t.Errorf("docs/README.md does not list %s", name)
		}
		return err
	})
	if err != nil || pages < 40 {
		t.Errorf("%d pages, %v", pages, err)
	}
}
