package main

import (
	"bytes"
	"fmt"
	"go/ast"
	"go/format"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"

	"golang.org/x/mod/modfile"
	"golang.org/x/mod/module"
)

// setModule gives the module in dir the path to, and returns how many files it changed.
func setModule(dir, to string) (changed int, err error) {
	if err := module.CheckPath(to); err != nil {
		return 0, fmt.Errorf("%w; a path begins with a host name, such as example.org/you/creditledger", err)
	}
	data, err := os.ReadFile(filepath.Join(dir, "go.mod"))
	if err != nil {
		return 0, fmt.Errorf("run it at the top of the checkout: %w", err)
	}
	from := modfile.ModulePath(data)
	if from == "" {
		return 0, fmt.Errorf("go.mod names no module")
	}
	rooms, err := packageDirs(dir)
	if err != nil {
		return 0, err
	}
	r := renaming{from: from, to: to, mention: mentions(from, rooms)}
	err = filepath.WalkDir(dir, func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			if err == nil && d.Name() == ".git" {
				return filepath.SkipDir
			}
			return err
		}
		did, err := r.file(name)
		if did {
			changed++
		}
		return err
	})
	return changed, err
}

// packageDirs lists the directories at the top that have packages: what may follow the
// module's path in an import.
func packageDirs(dir string) ([]string, error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, err
	}
	var dirs []string
	for _, e := range entries {
		if e.IsDir() && !strings.HasPrefix(e.Name(), ".") && e.Name() != "docs" && e.Name() != "testdata" {
			dirs = append(dirs, regexp.QuoteMeta(e.Name()))
		}
	}
	return dirs, nil
}

// renaming is one change of the module's path.
type renaming struct {
	from, to string
	mention  *regexp.Regexp // of a package of the module in a text; group 1 stands before it
}

// mentions finds the path of a package in a text: it does not begin behind a letter or a
// slash, so that cmd/creditledger/main.go is none.
func mentions(from string, rooms []string) *regexp.Regexp {
	return regexp.MustCompile(`(^|[^\w./-])` + regexp.QuoteMeta(from) + `(/(?:` + strings.Join(rooms, "|") + `)\b)`)
}

// file changes one file if it has something to change.
func (r *renaming) file(name string) (changed bool, err error) {
	var edit func([]byte) ([]byte, error)
	switch {
	case filepath.Base(name) == "go.mod":
		edit = r.goMod
	case strings.HasSuffix(name, ".go"):
		edit = r.source
	case strings.HasSuffix(name, ".md"), filepath.Base(filepath.Dir(name)) == ".ci":
		edit = r.text
	default:
		return false, nil
	}
	info, err := os.Stat(name)
	if err != nil {
		return false, err
	}
	before, err := os.ReadFile(name)
	if err != nil {
		return false, err
	}
	after, err := edit(before)
	if err != nil {
		return false, fmt.Errorf("%s: %w", name, err)
	}
	if bytes.Equal(before, after) {
		return false, nil
	}
	return true, os.WriteFile(name, after, info.Mode().Perm())
}

// goMod changes a module's own path, what it requires, and what it replaces.
func (r *renaming) goMod(data []byte) ([]byte, error) {
	f, err := modfile.Parse("go.mod", data, nil)
	if err != nil {
		return nil, err
	}
	if moved, ours := r.path(f.Module.Mod.Path); ours {
		if err := f.AddModuleStmt(moved); err != nil {
			return nil, err
		}
	}
	for _, q := range f.Require {
		if moved, ours := r.path(q.Mod.Path); ours {
			version := q.Mod.Version
			if err := f.DropRequire(q.Mod.Path); err != nil {
				return nil, err
			}
			f.AddNewRequire(moved, version, q.Indirect)
		}
	}
	for _, p := range f.Replace {
		if moved, ours := r.path(p.Old.Path); ours {
			old, target := p.Old, p.New
			if err := f.DropReplace(old.Path, old.Version); err != nil {
				return nil, err
			}
			if err := f.AddReplace(moved, old.Version, target.Path, target.Version); err != nil {
				return nil, err
			}
		}
	}
	f.Cleanup()
	return f.Format()
}

// path returns the new path of a package of the module. ours is false for any other
// package.
func (r *renaming) path(name string) (moved string, ours bool) {
	rest, ours := strings.CutPrefix(name, r.from)
	if !ours || rest != "" && rest[0] != '/' {
		return name, false
	}
	return r.to + rest, true
}

// source changes the imports of Go source, and mentions in it.
func (r *renaming) source(data []byte) ([]byte, error) {
	files := token.NewFileSet()
	f, err := parser.ParseFile(files, "", data, parser.ParseComments|parser.ImportsOnly)
	if err != nil {
		return nil, err
	}
	moved := data
	for i := len(f.Imports) - 1; i >= 0; i-- { // from the end, so that offsets stay valid
		if edited, ok := r.importSpec(files, f.Imports[i], moved); ok {
			moved = edited
		}
	}
	moved, err = r.text(moved)
	if err != nil || bytes.Equal(moved, data) {
		return data, err
	}
	return format.Source(moved)
}

func (r *renaming) importSpec(files *token.FileSet, spec *ast.ImportSpec, data []byte) ([]byte, bool) {
	name, err := strconv.Unquote(spec.Path.Value)
	if err != nil {
		return nil, false
	}
	path, ours := r.path(name)
	if !ours {
		return nil, false
	}
	begin, end := files.Position(spec.Path.Pos()).Offset, files.Position(spec.Path.End()).Offset
	return bytes.Join([][]byte{data[:begin], []byte(strconv.Quote(path)), data[end:]}, nil), true
}

// text changes mentions of the module's packages, and of the module where a text can
// mean nothing else: an import, a requirement, an argument of the go command.
func (r *renaming) text(data []byte) ([]byte, error) {
	data = r.mention.ReplaceAll(data, []byte("${1}"+r.to+"${2}"))
	for _, form := range []string{"\t\"%s\"\n", "import \"%s\"\n", "coverpkg=%s ", "-replace %s=", "require %s "} {
		data = bytes.ReplaceAll(data, fmt.Appendf(nil, form, r.from), fmt.Appendf(nil, form, r.to))
	}
	return data, nil
}
