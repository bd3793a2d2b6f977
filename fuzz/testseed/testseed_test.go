package testseed

import (
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// TestEveryRandomTestHasItsSeedHere: a package whose tests draw with rapid draws with the
// seed of this package, and no test makes a seed of its own.
func TestEveryRandomTestHasItsSeedHere(t *testing.T) {
	const rapid, here = "pgregory.net/rapid", "/fuzz/testseed"
	imports := map[string][]string{} // by directory
	root := filepath.Join("..", "..")
	err := filepath.WalkDir(root, func(path string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() || !strings.HasSuffix(path, "_test.go") {
			return err
		}
		source, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		file, err := parser.ParseFile(token.NewFileSet(), path, source, parser.SkipObjectResolution)
		if err != nil {
			return err
		}
		for _, i := range file.Imports {
			imports[filepath.Dir(path)] = append(imports[filepath.Dir(path)], strings.Trim(i.Path.Value, `"`))
		}
		for _, call := range regexp.MustCompile(`\brand\.(Uint64|Uint32|Int64|Int32|Int|Uint)\(\)`).FindAll(source, -1) {
			t.Errorf("%s makes a seed with %s, which no run repeats: testseed.Of has one", path, call)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	for dir, of := range imports {
		is := slices.ContainsFunc(of, func(path string) bool { return strings.HasSuffix(path, here) })
		if slices.Contains(of, rapid) && !is {
			t.Errorf("%s: its properties do not draw with LEDGER_SEED: import %s", dir, here)
		}
	}
	if len(imports) < 10 {
		t.Errorf("only %d directories with tests were looked at", len(imports))
	}
}
