package mutants

import (
	"bytes"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// root is that of the module.
var root = func() string {
	dir, err := filepath.Abs("../..")
	if err != nil {
		panic(err)
	}
	return dir
}()

// sources returns the files that the mutant changes, by path, with the changes made.
func (m *trial) sources() (map[string][]byte, error) {
	files := map[string][]byte{}
	for _, e := range m.edits {
		file, data, err := e.find(files)
		if err != nil {
			return nil, fmt.Errorf("%s: %w: change the mutant with the code", m.name, err)
		}
		files[file] = bytes.Replace(data, []byte(e.old), []byte(e.new), 1)
	}
	return files, nil
}

// find returns the one file of the edit's directory that has its text, and what is in
// it: the file that the edit names, or another if the text has moved. Files that were
// edited already are given.
func (e *edit) find(edited map[string][]byte) (file string, data []byte, err error) {
	names, err := filepath.Glob(filepath.Join(root, filepath.Dir(e.file), "*.go"))
	if err != nil {
		return "", nil, err
	}
	for _, name := range slices.Insert(names, 0, filepath.Join(root, e.file)) {
		text := edited[name]
		if text == nil {
			if text, err = os.ReadFile(name); err != nil && !os.IsNotExist(err) {
				return "", nil, err
			}
		}
		n := bytes.Count(text, []byte(e.old))
		if n == 0 || name == file || strings.HasSuffix(name, "_test.go") {
			continue
		}
		if n > 1 {
			return "", nil, fmt.Errorf("its text stands in %s %d times", name, n)
		}
		if file == filepath.Join(root, e.file) {
			break
		}
		if file != "" {
			return "", nil, fmt.Errorf("its text stands in %s and in %s", file, name)
		}
		file, data = name, text
	}
	if file == "" {
		return "", nil, fmt.Errorf("its text %q stands nowhere in %s", e.old, filepath.Dir(e.file))
	}
	return file, data, nil
}

// source is a file as its syntax shows it.
type source struct {
	text  []byte
	file  *ast.File
	funcs []*ast.FuncDecl // those with a body
	set   *token.FileSet
}

func parse(text []byte) (*source, error) {
	s := &source{text: text, set: token.NewFileSet()}
	var err error
	if s.file, err = parser.ParseFile(s.set, "", text, parser.SkipObjectResolution); err != nil {
		return nil, err
	}
	for _, d := range s.file.Decls {
		if d, ok := d.(*ast.FuncDecl); ok && d.Body != nil {
			s.funcs = append(s.funcs, d)
		}
	}
	return s, nil
}

// at returns the offset of a place in the text.
func (s *source) at(p token.Pos) int { return s.set.PositionFor(p, false).Offset }

// between returns the text of a node.
func (s *source) between(n ast.Node) []byte { return s.text[s.at(n.Pos()):s.at(n.End())] }

// outside returns the text without the bodies of its functions.
func (s *source) outside() []byte {
	var b bytes.Buffer
	from := 0
	for _, d := range s.funcs {
		b.Write(s.text[from:s.at(d.Body.Lbrace)])
		from = s.at(d.Body.End())
	}
	b.Write(s.text[from:])
	return b.Bytes()
}
