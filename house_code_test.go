package creditledger_test

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// TestHouseComments: every exported name of a package for others to import has a
// comment, and every package one of its own.
func TestHouseComments(t *testing.T) {
	documented := map[string]bool{}
	eachSource(t, parser.ParseComments|parser.SkipObjectResolution, func(files *token.FileSet, s source) {
		documented[s.room] = documented[s.room] || s.file.Doc != nil
		if s.file.Name.Name == "main" {
			return
		}
		for _, decl := range s.file.Decls {
			for _, name := range undocumented(decl) {
				t.Errorf("%s: %s has no comment", files.Position(decl.Pos()), name)
			}
		}
	})
	for _, name := range slices.Sorted(maps.Keys(documented)) {
		if !documented[name] {
			t.Errorf("package %s has no comment", name)
		}
	}
}

func undocumented(decl ast.Decl) []string {
	var names []string
	switch decl := decl.(type) {
	case *ast.FuncDecl:
		if decl.Name.IsExported() && decl.Doc == nil && exportedReceiver(decl) && !wellKnown[decl.Name.Name] {
			names = append(names, decl.Name.Name)
		}
	case *ast.GenDecl:
		for _, spec := range decl.Specs {
			switch spec := spec.(type) {
			case *ast.TypeSpec:
				if spec.Name.IsExported() && decl.Doc == nil && spec.Doc == nil {
					names = append(names, spec.Name.Name)
				}
			case *ast.ValueSpec:
				for _, name := range spec.Names {
					if name.IsExported() && decl.Doc == nil && spec.Doc == nil && spec.Comment == nil {
						names = append(names, name.Name)
					}
				}
			}
		}
	}
	return names
}

// wellKnown are methods whose names say all there is to say.
var wellKnown = map[string]bool{"Error": true}

func exportedReceiver(f *ast.FuncDecl) bool {
	if f.Recv == nil {
		return true
	}
	kind := f.Recv.List[0].Type
	if star, ok := kind.(*ast.StarExpr); ok {
		kind = star.X
	}
	if generic, ok := kind.(*ast.IndexExpr); ok {
		kind = generic.X
	}
	name, ok := kind.(*ast.Ident)
	return ok && name.IsExported()
}

// TestHouseNumbersAndClocks: credits and money are never floats, and what is recorded
// never depends on a clock that nobody can set.
func TestHouseNumbersAndClocks(t *testing.T) {
	clocks := []string{ // where time.Now may stand, and why
		"ledger.go",            // the default of Options.Clock
		"commit_",              // how long a commit waits for others
		"ledger_settings.go",   // when settings are read again
		"store/bolt/lock",      // waiting for another process
		"store/postgres/",      // waiting between attempts
		"cmd/creditledger/pro", // the progress bar
		"fuzz/", "bench/",
	}
	eachSource(t, parser.SkipObjectResolution, func(files *token.FileSet, s source) {
		if strings.HasPrefix(s.name, "fuzz/") || strings.HasPrefix(s.name, "bench/") {
			return
		}
		ast.Inspect(s.file, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.Ident:
				if n.Name == "float32" || n.Name == "float64" {
					t.Errorf("%s: a %s", files.Position(n.Pos()), n.Name)
				}
			case *ast.SelectorExpr:
				x, ok := n.X.(*ast.Ident)
				if ok && x.Name == "time" && n.Sel.Name == "Now" && !slices.ContainsFunc(clocks, func(p string) bool { return strings.HasPrefix(s.name, p) }) {
					t.Errorf("%s: time.Now", files.Position(n.Pos()))
				}
			}
			return true
		})
	})
}

// TestHouseSizes: files and functions that can be read in one sitting. A test may be longer
// than other functions, for the table of its cases.
func TestHouseSizes(t *testing.T) {
	const longestFile, longestFunc, usualFunc = 400, 70, 45
	usual, all := 0, 0
	eachFile(t, parser.SkipObjectResolution, func(files *token.FileSet, s source) {
		if n := strings.Count(s.text, "\n"); n > longestFile {
			t.Errorf("%s has %d lines", s.name, n)
		}
		for _, decl := range s.file.Decls {
			f, ok := decl.(*ast.FuncDecl)
			if !ok {
				continue
			}
			n := files.Position(f.End()).Line - files.Position(f.Pos()).Line + 1
			if all++; n <= usualFunc {
				usual++
			}
			if n > longestFunc && !strings.HasSuffix(s.name, "_test.go") {
				t.Errorf("%s: %s has %d lines", files.Position(f.Pos()), f.Name.Name, n)
			}
		}
	})
	if usual*100 < all*95 {
		t.Errorf("%d of %d functions have at most %d lines, less than 95 %%", usual, all, usualFunc)
	}
}

// TestHouseDependencies lists the modules of a program outside this module that
// imports the root and the store in memory: it needs apd and uuid and nothing else.
func TestHouseDependencies(t *testing.T) {
	if _, err := exec.LookPath("go"); err != nil {
		t.Skip("no go command here")
	}
	here, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	sums, err := os.ReadFile("go.sum")
	if err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{
		"go.sum": string(sums),
		"go.mod": fmt.Sprintf("module outside\n\ngo 1.26\n\nrequire %[1]s v0.0.0\n\nreplace %[1]s => %[2]s\n", modulePath, strconv.Quote(here)),
		"main.go": fmt.Sprintf(`package main

import (
	%q
	%q
)

func main() { creditledger.New(memory.New(), nil) }
`, modulePath, modulePath+"/store/memory"),
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	list := exec.Command("go", "list", "-deps", "-f", "{{with .Module}}{{.Path}}{{end}}", ".")
	list.Dir = dir
	list.Env = append(os.Environ(), "GOFLAGS=-mod=mod", "GOPROXY=off", "GOWORK=off")
	out, err := list.CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	modules := strings.Fields(string(out))
	slices.Sort(modules)
	want := []string{modulePath, "github.com/cockroachdb/apd/v3", "github.com/google/uuid", "outside"}
	slices.Sort(want)
	if got := slices.Compact(modules); !slices.Equal(got, want) {
		t.Errorf("it needs %v, want %v", got, want)
	}
}
