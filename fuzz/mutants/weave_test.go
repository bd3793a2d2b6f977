package mutants

import (
	"bytes"
	"errors"
	"fmt"
	"go/ast"
	"maps"
	"os"
	"slices"
	"strconv"
	"strings"
)

// weaving is the source with many mutants in it at once. A function that mutants change
// begins by asking which one is chosen, and hands the call to the copy of itself that this
// one changed.
type weaving struct {
	files map[string]*wovenFile // by path
	sites int
	of    map[string][]int // the sites of a mutant, by its name
}

// wovenFile is one file, and what is put into it.
type wovenFile struct {
	*source
	sites  map[int]int      // of functions, by their place in the file
	cases  map[int][]string // what a function asks first
	copies bytes.Buffer
}

// errApart says that a mutant changes more than the bodies of functions.
var errApart = errors.New("it changes more than the bodies of functions")

// weave puts mutants into the source, each under its number. It returns those that cannot
// be put in.
func weave(list []*trial) (w *weaving, apart []*trial, err error) {
	w = &weaving{files: map[string]*wovenFile{}, of: map[string][]int{}}
	for _, m := range list {
		switch err := w.add(m); {
		case errors.Is(err, errApart):
			apart = append(apart, m)
		case err != nil:
			return nil, nil, fmt.Errorf("%s: %w", m.name, err)
		}
	}
	return w, apart, nil
}

// add puts one mutant in: whole, or not at all.
func (w *weaving) add(m *trial) error {
	texts, err := m.sources()
	if err != nil {
		return err
	}
	mutated := map[string]*source{}
	for path, text := range texts {
		f, err := w.file(path)
		if err != nil {
			return err
		}
		if mutated[path], err = parse(text); err != nil {
			return err
		}
		if !bytes.Equal(f.outside(), mutated[path].outside()) {
			return errApart
		}
	}
	for _, path := range slices.Sorted(maps.Keys(mutated)) {
		f, other := w.files[path], mutated[path]
		for i, d := range f.funcs {
			if !bytes.Equal(f.between(d.Body), other.between(other.funcs[i].Body)) {
				w.of[m.name] = append(w.of[m.name], w.site(f, i))
				f.put(i, m, other)
			}
		}
	}
	return nil
}

// file returns a file as it is so far.
func (w *weaving) file(path string) (*wovenFile, error) {
	if f := w.files[path]; f != nil {
		return f, nil
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	s, err := parse(text)
	if err != nil {
		return nil, err
	}
	w.files[path] = &wovenFile{source: s, sites: map[int]int{}, cases: map[int][]string{}}
	return w.files[path], nil
}

// site returns the number of a function that mutants change.
func (w *weaving) site(f *wovenFile, i int) int {
	if _, ok := f.sites[i]; !ok {
		f.sites[i] = w.sites
		w.sites++
	}
	return f.sites[i]
}

// put adds the copy of a function that a mutant changed, under a name of its own. What the
// compiler says of it names the mutant as the file.
func (f *wovenFile) put(i int, m *trial, mutated *source) {
	d, of := f.funcs[i], mutated.funcs[i]
	name := fmt.Sprintf("mutant%dOf%s", m.number, d.Name.Name) // which is no exported name
	fmt.Fprintf(&f.copies, "\n//line %s%s:1\n%s%s%s\n", m.name, mutantFile,
		mutated.text[mutated.at(of.Type.Func):mutated.at(of.Name.Pos())], name, mutated.text[mutated.at(of.Name.End()):mutated.at(of.End())])
	call := name
	if d.Recv != nil {
		call = "receiverOfMutant." + name
		if names := d.Recv.List[0].Names; len(names) > 0 && names[0].Name != "_" {
			call = names[0].Name + "." + name
		}
	}
	call += typeArguments(d) + "(" + strings.Join(arguments(d), ", ") + ")"
	if d.Type.Results.NumFields() == 0 {
		call += "; return"
	} else {
		call = "return " + call
	}
	f.cases[i] = append(f.cases[i], fmt.Sprintf("case %d: %s\n", m.number, call))
}

const mutantFile = ".mutant"

// typeArguments returns what a generic function hands on to a copy of itself.
func typeArguments(d *ast.FuncDecl) string {
	var names []string
	if d.Type.TypeParams != nil {
		for _, p := range d.Type.TypeParams.List {
			for _, name := range p.Names {
				names = append(names, name.Name)
			}
		}
	}
	if names == nil {
		return ""
	}
	return "[" + strings.Join(names, ", ") + "]"
}

// arguments returns what a function hands on to a copy of itself. Parameters without a
// name get one, as named gives it to them.
func arguments(d *ast.FuncDecl) (list []string) {
	for _, p := range d.Type.Params.List {
		variadic := ""
		if _, ok := p.Type.(*ast.Ellipsis); ok {
			variadic = "..."
		}
		for i := range max(1, len(p.Names)) {
			name := fmt.Sprintf("argument%dOfMutant", len(list))
			if len(p.Names) > 0 && p.Names[i].Name != "_" {
				name = p.Names[i].Name
			}
			list = append(list, name+variadic)
		}
	}
	return list
}

// render returns the text of a file with all that was put into it. The package that tells
// which mutant is chosen is imported under a name that no file uses.
func (f *wovenFile) render(chosen string) []byte {
	changes := []change{{f.at(f.file.Name.End()), 0, "\nimport chosenMutant \"" + chosen + "\"\n"}}
	for i, cases := range f.cases {
		d := f.funcs[i]
		ask := fmt.Sprintf("\nswitch chosenMutant.At(%d) {\n%s}\n", f.sites[i], strings.Join(cases, ""))
		changes = append(changes, change{f.at(d.Body.Lbrace) + 1, 0, ask})
		changes = append(changes, f.named(d.Type.Params, "argument%dOfMutant")...)
		if d.Recv != nil {
			changes = append(changes, f.named(d.Recv, "receiverOfMutant")...)
		}
	}
	slices.SortFunc(changes, func(a, b change) int { return a.at - b.at })
	var b bytes.Buffer
	from := 0
	for _, c := range changes {
		b.Write(f.text[from:c.at])
		b.WriteString(c.text)
		from = c.at + c.length
	}
	b.Write(f.text[from:])
	b.Write(f.copies.Bytes())
	return b.Bytes()
}

// change puts a text in the place of another.
type change struct {
	at, length int
	text       string
}

// named gives a name to each parameter that has none. A verb in it stands for its place.
func (f *wovenFile) named(list *ast.FieldList, name string) (changes []change) {
	n := 0
	for _, p := range list.List {
		for i := range max(1, len(p.Names)) {
			text := strings.ReplaceAll(name, "%d", strconv.Itoa(n))
			if len(p.Names) == 0 {
				changes = append(changes, change{f.at(p.Type.Pos()), 0, text + " "})
			} else if p.Names[i].Name == "_" {
				changes = append(changes, change{f.at(p.Names[i].Pos()), 1, text})
			}
			n++
		}
	}
	return changes
}
