package postgres

import (
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"reflect"
	"regexp"
	"strings"
	"testing"
)

// driverSQL are the driver's methods that take SQL, and which argument it is.
var driverSQL = map[string]int{"Query": 1, "QueryRow": 1, "Exec": 1, "Prepare": 2, "CopyFrom": -1, "Queue": 0}

// TestNoSQLFromData reads this package's source: the SQL of every call is a field of
// statements, a constant put through inSchema, or a variable or parameter named sql
// that is only ever given one of these.
func TestNoSQLFromData(t *testing.T) {
	fset := token.NewFileSet()
	names, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	var files []*ast.File
	for _, name := range names {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		file, err := parser.ParseFile(fset, name, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		files = append(files, file)
	}
	methods, functions := takeSQL(files)
	for name, position := range driverSQL {
		methods[name] = position
	}
	calls := 0
	for _, file := range files {
		ast.Inspect(file, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.CallExpr:
				takers := functions
				if _, ok := n.Fun.(*ast.SelectorExpr); ok {
					takers = methods
				}
				if position, ok := takers[calledName(n)]; ok && position < len(n.Args) {
					calls++
					if position < 0 || !fixedSQL(n.Args[position]) {
						t.Errorf("%s: SQL that is not one of the statements", fset.Position(n.Pos()))
					}
				}
			case *ast.AssignStmt:
				for i, left := range n.Lhs {
					if id, ok := left.(*ast.Ident); ok && id.Name == "sql" && i < len(n.Rhs) && !fixedSQL(n.Rhs[i]) {
						t.Errorf("%s: sql is given something that is not one of the statements", fset.Position(n.Pos()))
					}
				}
			}
			return true
		})
	}
	if calls < 30 {
		t.Errorf("only %d calls were found", calls)
	}
}

// takeSQL are the methods and the functions that have a string parameter named sql, and
// which parameter it is.
func takeSQL(files []*ast.File) (methods, functions map[string]int) {
	methods, functions = map[string]int{}, map[string]int{}
	for _, file := range files {
		for _, d := range file.Decls {
			f, ok := d.(*ast.FuncDecl)
			if !ok {
				continue
			}
			takers, position := functions, 0
			if f.Recv != nil {
				takers = methods
			}
			for _, group := range f.Type.Params.List {
				kind, _ := group.Type.(*ast.Ident)
				for _, name := range group.Names {
					if name.Name == "sql" && kind != nil && kind.Name == "string" {
						takers[f.Name.Name] = position
					}
					position++
				}
			}
		}
	}
	return methods, functions
}

func calledName(c *ast.CallExpr) string {
	switch f := c.Fun.(type) {
	case *ast.SelectorExpr:
		return f.Sel.Name
	case *ast.Ident:
		return f.Name
	}
	return ""
}

// fixedSQL accepts sql, x.sql.name, next's answer, and what inSchema and collated make
// of constants and migrations.
func fixedSQL(e ast.Expr) bool {
	switch e := e.(type) {
	case *ast.Ident:
		return e.Name == "sql"
	case *ast.SelectorExpr:
		if inner, ok := e.X.(*ast.SelectorExpr); ok {
			return inner.Sel.Name == "sql"
		}
		id, ok := e.X.(*ast.Ident)
		return ok && id.Name == "sql"
	case *ast.CallExpr:
		switch calledName(e) {
		case "statementsFor":
			return true
		case "next":
			return true
		case "collated":
			return fixedSQL(e.Args[0])
		case "inSchema":
			id, ok := e.Args[0].(*ast.Ident)
			return ok && (id.Name == "statement" || id.Name == "createSchema" || id.Name == "insertMeta" || id.Name == "updateMeta")
		}
	}
	return false
}

// TestDialect holds every statement against the list of what not every engine has.
func TestDialect(t *testing.T) {
	forbidden := regexp.MustCompile(`(?i)\b(ON CONFLICT|RETURNING|SERIAL|SEQUENCE|nextval|SAVEPOINT|FOR (UPDATE|SHARE|NO KEY)|` +
		`LOCK|LISTEN|NOTIFY|TRIGGER|REFERENCES|FOREIGN|TRUNCATE|jsonb?|now\(\)|current_timestamp|ISOLATION|advisory|ANY ?\(|JOIN|USING|WITH)\b`)
	// What does not begin with the key of its table begins with an index that begins otherwise.
	indexed := map[string]struct{ index, begins string }{
		"accountsOfBlock": {"block_ids (id, customer, currency)", "WHERE id = $1 AND (customer, currency) > ($2, $3)"},
		"hasExpiry":       {"blocks (expires_at, bucket, customer, currency)", "WHERE (expires_at, bucket, customer, currency) >= ($4, $1, $2, $3)"},
	}
	opening := map[string]bool{"order": true, "firstHeads": true, "lastHeads": true} // asked once
	arrays := regexp.MustCompile(`unnest`)
	s := statementsFor("s")
	v := reflect.ValueOf(s).Elem()
	for i := range v.NumField() {
		if v.Field(i).Kind() != reflect.String {
			continue
		}
		name, text := v.Type().Field(i).Name, v.Field(i).String()
		if text == "" || strings.Contains(text, "{") {
			t.Errorf("%s: %q", name, text)
		}
		holds := name == "beginHold" || name == "queueHold" || name == "lockHead" // which Options.Portable leaves out
		if found := forbidden.FindString(text); found != "" && !holds {
			t.Errorf("%s: %s in %s", name, found, text)
		}
		switch other, ok := indexed[name]; {
		case ok && (!strings.Contains(text, other.begins) || !migrated("ON {s}."+other.index)):
			t.Errorf("%s does not begin with the index on %s: %s", name, other.index, text)
		case !ok && strings.Contains(text, `"s".`) && strings.Contains(text, "customer") && !strings.Contains(text, "bucket = $1") && !strings.Contains(text, "INSERT") && !opening[name]:
			t.Errorf("%s does not begin with the bucket: %s", name, text)
		}
		if arrays.MatchString(text) && !strings.HasPrefix(name, "insertRecords") && !strings.HasPrefix(name, "insertKeys") {
			t.Errorf("%s takes arrays", name)
		}
	}
	for _, table := range s.tables {
		for _, text := range []string{table.first, table.last, table.next} {
			if found := forbidden.FindString(text); found != "" || strings.Contains(text, "{") || !strings.Contains(text, `"s".`+table.name) {
				t.Errorf("%s: %s in %s", table.name, found, text)
			}
		}
	}
	for i, m := range migrations {
		for _, text := range m.statements {
			if found := forbidden.FindString(text); found != "" {
				t.Errorf("migration %d: %s in %s", i+1, found, text)
			}
		}
	}
}

// migrated says whether a statement of a migration has a text.
func migrated(text string) bool {
	for _, m := range migrations {
		for _, statement := range m.statements {
			if strings.Contains(statement, text) {
				return true
			}
		}
	}
	return false
}

func TestSchemaNames(t *testing.T) {
	for name, want := range map[string]bool{
		"creditledger": true, "_a1": true, strings.Repeat("a", 63): true,
		strings.Repeat("a", 64): false, "1a": false, "A": false, "a b": false, `a"b`: false, "a;b": false, "a.b": false, "é": false, "a\x00": false,
	} {
		if validSchema(name) != want {
			t.Errorf("validSchema(%q) = %t", name, !want)
		}
	}
	for _, o := range []Options{{Schema: `x"; DROP SCHEMA public`}, {Buckets: -1}, {Buckets: 1 << 20}} {
		if _, err := o.withDefaults(); err == nil {
			t.Errorf("%+v passed", o)
		}
	}
}
