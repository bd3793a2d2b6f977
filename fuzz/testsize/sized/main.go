// Command sized prints a pattern of the tests in some directories that do more in the
// proofs than under the race detector, or that write figures of the proofs: those that
// name, themselves or through what they call in their package, package testsize,
// testing.Short, results.Start, or what is in a file that is built without the race
// detector only.
//
//	go test -run "$(go run ./fuzz/testsize/sized ./opsfile)" ./opsfile
package main

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"log"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

func main() {
	if len(os.Args) < 2 {
		log.Fatal("usage: sized DIRECTORY...")
	}
	var all []string
	for _, dir := range os.Args[1:] {
		tests, err := sized(dir)
		if err != nil {
			log.Fatal(err)
		}
		all = append(all, tests...)
	}
	slices.Sort(all)
	fmt.Printf("^(%s)$\n", strings.Join(slices.Compact(all), "|"))
}

// sized returns the names of such tests of the package in a directory.
func sized(dir string) ([]string, error) {
	files, err := filepath.Glob(filepath.Join(dir, "*_test.go"))
	if err != nil {
		return nil, err
	}
	funcs := functions{names: map[string]map[string]bool{}, sized: map[string]bool{}}
	for _, path := range files {
		f, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.ParseComments|parser.SkipObjectResolution)
		if err != nil {
			return nil, err
		}
		for _, d := range f.Decls {
			funcs.add(d, withoutRace(f))
		}
	}
	funcs.spread()
	return slices.DeleteFunc(slices.Sorted(maps.Keys(funcs.sized)), func(name string) bool {
		return !funcs.sized[name] || !strings.HasPrefix(name, "Test") || name == "TestMain"
	}), nil
}

// functions are those of a package, and variables too, by their names.
type functions struct {
	names map[string]map[string]bool // what each names
	sized map[string]bool
}

// withoutRace reports whether a file is built without the race detector only.
func withoutRace(f *ast.File) bool {
	return len(f.Comments) > 0 && f.Comments[0].Pos() < f.Package && f.Comments[0].List[0].Text == "//go:build !race"
}

// add notes a declaration; is says that whoever names it is sized.
func (f *functions) add(d ast.Decl, is bool) {
	switch d := d.(type) {
	case *ast.FuncDecl:
		f.look(d.Name.Name, d, is)
	case *ast.GenDecl:
		for _, s := range d.Specs {
			if v, ok := s.(*ast.ValueSpec); ok {
				for _, name := range v.Names {
					f.look(name.Name, v, is)
				}
			}
		}
	}
}

// look notes what a declaration names. Methods of one name are one.
func (f *functions) look(name string, d ast.Node, is bool) {
	f.sized[name] = f.sized[name] || is
	if f.names[name] == nil {
		f.names[name] = map[string]bool{}
	}
	ast.Inspect(d, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.SelectorExpr:
			if of, ok := n.X.(*ast.Ident); ok {
				f.sized[name] = f.sized[name] || of.Name == "testsize" || of.Name+"."+n.Sel.Name == "results.Start" || of.Name+"."+n.Sel.Name == "testing.Short"
			}
		case *ast.Ident:
			f.names[name][n.Name] = true
		}
		return true
	})
}

// spread carries the size of a function over to all that name it.
func (f *functions) spread() {
	for more := true; more; {
		more = false
		for name, names := range f.names {
			if f.sized[name] {
				continue
			}
			for other := range names {
				if f.sized[other] {
					f.sized[name], more = true, true
					break
				}
			}
		}
	}
}
