package creditledger_test

import (
	"fmt"
	"go/ast"
	"go/importer"
	"go/parser"
	"go/token"
	"go/types"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// The house rules of docs/design.md, "Rooms", as tests: who may import what, and what
// product code may not do.

// rooms says what each package may import beside the standard library. Names without
// a dot in their first part are packages of this module. "anything" is for what is
// built on top of all of it.
var rooms = map[string][]string{
	".": {
		"internal/gate", "internal/iso4217", "internal/onelog", "internal/u128", "internal/uuid7",
		"github.com/cockroachdb/apd/v3", "github.com/google/uuid",
	},
	"internal/gate":          {},
	"internal/iso4217":       {},
	"internal/onelog":        {},
	"internal/u128":          {},
	"internal/uuid7":         {"github.com/google/uuid"},
	"store":                  {"."},
	"store/internal/changes": {"."},
	"store/storetest":        {"."},
	"store/memory":           {".", "store", "store/internal/changes"},
	"store/bolt":             {".", "internal/onelog", "store", "store/internal/changes", "go.etcd.io/bbolt", "go.etcd.io/bbolt/errors", "golang.org/x/sys/unix", "golang.org/x/sys/windows"},
	"store/postgres": {
		".", "store", "store/internal/changes", "github.com/jackc/pgx/v5", "github.com/jackc/pgx/v5/pgconn", "github.com/jackc/pgx/v5/pgxpool",
	},
	"store/transfer":        {".", "store"},
	"store/postgres/pgtest": {"github.com/jackc/pgx/v5"},
	"invoice": {
		".", "github.com/cockroachdb/apd/v3",
		"golang.org/x/text/currency", "golang.org/x/text/language", "golang.org/x/text/message", "golang.org/x/text/number",
		"github.com/rivo/uniseg",
	},
	"opsfile": {".", "invoice", "golang.org/x/text/language"},
	"cmd/creditledger": {
		".", "store", "store/bolt", "store/memory", "store/postgres", "store/transfer", "invoice", "opsfile",
		"github.com/google/uuid", "github.com/jackc/pgx/v5", "github.com/jackc/pgx/v5/pgxpool", "github.com/rivo/uniseg", "github.com/schollz/progressbar/v3", "github.com/spf13/cobra", "github.com/spf13/pflag", "golang.org/x/term",
	},
	"examples":           {"anything"},
	"internal/setmodule": {"golang.org/x/mod/modfile", "golang.org/x/mod/module"},
	"fuzz":               {"anything"},
	"bench":              {"anything"},
}

// outside is what the core does not reach for: it knows no file, no network, no
// database and no log. Of database/sql it knows the form of a value.
var outside = []string{"os", "net", "database", "log", "syscall", "unsafe", "plugin", "testing", "embed", "html", "image", "mime", "text", "reflect"}

// source is one file of product code.
type source struct {
	name string // from the root, with slashes
	room string // the package's directory, from the root
	file *ast.File
	text string
}

// eachSource parses all files that are no tests, whatever system they are for.
func eachSource(t *testing.T, mode parser.Mode, do func(*token.FileSet, source)) {
	t.Helper()
	eachFile(t, mode, func(files *token.FileSet, s source) {
		if !strings.HasSuffix(s.name, "_test.go") {
			do(files, s)
		}
	})
}

// eachFile parses all files, tests too.
func eachFile(t *testing.T, mode parser.Mode, do func(*token.FileSet, source)) {
	t.Helper()
	found := 0
	err := filepath.WalkDir(".", func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() && name != "." && (strings.HasPrefix(d.Name(), ".") || d.Name() == "testdata") {
			return filepath.SkipDir
		}
		if d.IsDir() || !strings.HasSuffix(name, ".go") {
			return nil
		}
		data, err := os.ReadFile(name)
		if err != nil {
			return err
		}
		files := token.NewFileSet()
		file, err := parser.ParseFile(files, name, data, mode)
		if err != nil {
			return err
		}
		found++
		slashed := filepath.ToSlash(name)
		do(files, source{name: slashed, room: path.Dir(slashed), file: file, text: string(data)})
		return nil
	})
	if err != nil || found < 30 {
		t.Fatalf("%d files, %v", found, err)
	}
}

func TestHouseImports(t *testing.T) {
	eachSource(t, parser.ImportsOnly, func(_ *token.FileSet, s source) {
		allowed, known := rooms[s.room]
		if !known {
			allowed, known = rooms[strings.SplitN(s.room, "/", 2)[0]]
			known = known && slices.Contains(allowed, "anything")
		}
		if !known {
			t.Errorf("%s is in no room of the table", s.name)
			return
		}
		for _, spec := range s.file.Imports {
			name, err := strconv.Unquote(spec.Path.Value)
			if err != nil {
				t.Fatal(err)
			}
			if problem := forbidden(s.room, name, allowed); problem != "" {
				t.Errorf("%s imports %s: %s", s.name, name, problem)
			}
		}
	})
}

// modulePath is the path of this module, whatever it is called by now.
var modulePath = func() string {
	data, err := os.ReadFile("go.mod")
	if err != nil {
		panic(err)
	}
	first, _, _ := strings.Cut(string(data), "\n")
	return strings.TrimPrefix(first, "module ")
}()

// roomOf is the directory of a package of this module, from the root.
func roomOf(name string) string {
	if name == modulePath {
		return "."
	}
	return strings.TrimPrefix(name, modulePath+"/")
}

// forbidden says why a package may not import another; nothing if it may.
func forbidden(room, name string, allowed []string) string {
	first, _, _ := strings.Cut(name, "/")
	switch {
	case slices.Contains(allowed, "anything"):
		return ""
	case name == modulePath || strings.HasPrefix(name, modulePath+"/"):
		if !slices.Contains(allowed, roomOf(name)) {
			return "arrows point at the root, and from there at its leaves"
		}
	case strings.Contains(first, "."):
		if !slices.Contains(allowed, name) {
			return "no dependency of this package"
		}
	case name == "C" || name == "math/rand":
		return "nobody needs that"
	case room == "." && slices.Contains(outside, first) && name != "database/sql/driver":
		return "the core knows nothing outside"
	case name == "math/rand/v2" && room != "store/postgres":
		return "ids come from crypto/rand; only waiting between attempts may be left to chance"
	}
	return ""
}

// TestHouseImportsBite: the table refuses what it is there for.
func TestHouseImportsBite(t *testing.T) {
	for _, c := range []struct{ room, name string }{
		{".", "os"}, {".", "os/exec"}, {".", "net/http"}, {".", "log/slog"}, {".", "database/sql"}, {".", modulePath + "/store"}, {".", "math/rand/v2"},
		{".", "go.etcd.io/bbolt"}, {"store/memory", "go.etcd.io/bbolt"}, {"store/memory", modulePath + "/invoice"}, {"store/bolt", modulePath + "/store/memory"},
		{"invoice", modulePath + "/store"}, {"opsfile", modulePath + "/store/bolt"}, {"store", "math/rand"},
	} {
		if forbidden(c.room, c.name, rooms[c.room]) == "" {
			t.Errorf("%s may import %s", c.room, c.name)
		}
	}
	for _, c := range []struct{ room, name string }{{".", "database/sql/driver"}, {".", "crypto/rand"}, {"fuzz", "math/rand/v2"}, {"store/bolt", "os"}} {
		if why := forbidden(c.room, c.name, rooms[c.room]); why != "" {
			t.Errorf("%s may not import %s: %s", c.room, c.name, why)
		}
	}
}

// layers are those of the root package, lowest first: what stands in a file uses what
// stands in files of its own layer and of lower ones. Every file is in one layer, and but
// for the values its name begins with that of its layer. Below all of them are the leaves
// in internal, which import nothing of ours.
var layers = []layer{
	{"", "values: what is asked, granted and answered, with its text and JSON, and errors", []string{
		"accountid", "amount", "amount_share", "answer_json", "amount_text", "block", "calendar", "costbasis", "currency", "date", "document", "entry", "enum", "errors", "filter", "hold",
		"instant", "interval", "json", "key", "limits", "operation", "operation_check", "operation_difference", "operation_erase", "operation_field", "operation_fields", "operation_hold", "operation_json", "operation_resolve",
		"operation_size", "operation_texts", "operation_transfer", "overdraft", "result", "operation_due", "operation_schedule", "schedule", "schedule_json", "schedule_words", "seal", "settings", "violation", "when",
	}},
	{"store", "the seam: what the ledger needs of a store", []string{"store"}},
	{"journal", "the canonical bytes of what is stored", []string{
		"journal_act", "journal_block", "journal_fields", "journal_hold", "journal_lines", "journal_operation", "journal_reader", "journal_record", "journal_texts", "journal_transfer", "journal_values", "journal_schedule", "journal_calendar",
	}},
	{"account", "one account in memory: time passes over it, an operation is decided on it, a record is replayed", []string{
		"account_block", "account_change", "account_changeset", "account_charge", "account_checks", "account_draw", "account_erase", "account_expiry",
		"account_hold", "account_hold_change", "account_hold_load", "account_hold_step", "account_hold_time", "account_late", "account_lists", "account_pools",
		"account_rebuild", "account_replay", "account_reverse", "account_state", "account_step", "account_transfer", "account_weight", "account_schedule_step", "account_schedule_row", "account_schedule_replay", "account_schedule_due", "account_schedule_period", "account_schedule",
	}},
	{"commit", "the accounts at hand, and what was decided on its way to the store", []string{
		"commit_budget", "commit_committer", "commit_environment", "commit_fetch", "commit_flight", "commit_joined", "commit_redecide", "commit_slots", "commit_turn",
	}},
	{"ledger", "from a call to what is queued, and to its result", []string{
		"ledger", "ledger_act", "ledger_act_decide", "ledger_act_known", "ledger_act_lock", "ledger_charge", "ledger_customer", "ledger_customer_count", "ledger_customer_delete", "ledger_customer_json", "ledger_decide", "ledger_documents", "ledger_drawn", "ledger_durable", "ledger_erase", "ledger_eraser",
		"ledger_expire", "ledger_hold", "ledger_ids", "ledger_import", "ledger_key", "ledger_pending", "ledger_redecide", "ledger_request", "ledger_result", "ledger_settings", "ledger_settings_head", "ledger_sweep", "ledger_rewrite", "ledger_due",
	}},
	{"verify", "the proof of what is stored", []string{"verify", "verify_account", "verify_acts", "verify_compare", "verify_customers", "verify_index", "verify_json", "verify_loss", "verify_settings", "verify_texts"}},
	{"read", "reports", []string{"read_all", "read_balance", "read_blocks", "read_cursor", "read_customers", "read_entries", "read_explain", "read_holds", "read_moves", "read_json", "read_past_holds", "read_past_latest", "read_select", "read_schedules"}},
	{"doc", "the package's tutorial", []string{"doc"}},
}

type layer struct {
	prefix string
	what   string
	files  []string // without .go
}

// TestHouseLayers: every file of the root is in one layer and named for it, and nothing
// uses what stands in a higher one.
func TestHouseLayers(t *testing.T) {
	rank := map[string]int{}
	for i, l := range layers {
		for _, name := range l.files {
			if _, twice := rank[name]; twice || l.prefix != "" && name != l.prefix && !strings.HasPrefix(name, l.prefix+"_") {
				t.Errorf("%s.go is in two layers, or not named for its layer %s", name, l.prefix)
			}
			rank[name] = i
		}
	}
	for _, up := range usesUp(t, rank) {
		t.Error(up)
	}
}

// TestHouseLayersBite: a use of a higher layer is found, whatever is used.
func TestHouseLayersBite(t *testing.T) {
	rank := map[string]int{}
	for i, l := range layers {
		for _, name := range l.files {
			rank[name] = i
		}
	}
	rank["limits"], rank["journal_lines"], rank["seal"] = len(layers), len(layers), len(layers)
	found := strings.Join(usesUp(t, rank), "\n")
	for _, want := range []string{"MaxPage", "checkID", "Line", "At", "effect", "Seal"} { // a constant, a function, a type, a field, a method, a type
		if !strings.Contains(found, " uses "+want+" of ") {
			t.Errorf("nothing is said of %s:\n%s", want, found)
		}
	}
}

// TestHouseForStores: what the layers of the store, the journal and the account export is
// listed in the tutorial as what only stores need, and so a user can pass over it.
func TestHouseForStores(t *testing.T) {
	tutorial, err := os.ReadFile("doc.go")
	if err != nil {
		t.Fatal(err)
	}
	_, list, found := strings.Cut(string(tutorial), "// # For stores")
	forUsers := []string{"DrawdownOrder"} // says in which order blocks pay
	listed := 0
	eachSource(t, parser.SkipObjectResolution, func(_ *token.FileSet, s source) {
		layer, _, _ := strings.Cut(strings.TrimSuffix(s.name, ".go"), "_")
		if s.room != "." || !slices.Contains([]string{"store", "journal", "account"}, layer) {
			return
		}
		for _, name := range declared(s.file) {
			if !ast.IsExported(name) || slices.Contains(forUsers, name) {
				continue
			}
			if listed++; !regexp.MustCompile(`\b` + name + `s?\b`).MatchString(list) {
				t.Errorf("%s of %s does not stand under \"For stores\" of doc.go", name, s.name)
			}
		}
	})
	if !found || listed < 25 {
		t.Errorf("%d names are listed", listed)
	}
}

// declared lists the types and the functions that a file declares.
func declared(file *ast.File) (names []string) {
	for _, decl := range file.Decls {
		switch decl := decl.(type) {
		case *ast.FuncDecl:
			if decl.Recv == nil {
				names = append(names, decl.Name.Name)
			}
		case *ast.GenDecl:
			for _, spec := range decl.Specs {
				if spec, ok := spec.(*ast.TypeSpec); ok {
					names = append(names, spec.Name.Name)
				}
			}
		}
	}
	return names
}

// usesUp type-checks the root and lists the uses of higher layers, sorted, and the files
// without a layer.
func usesUp(t *testing.T, rank map[string]int) []string {
	t.Helper()
	if _, err := exec.LookPath("go"); err != nil {
		t.Skip("no go command here")
	}
	list := exec.Command("go", "list", "-export", "-deps", "-f", "{{if .Export}}{{.ImportPath}} {{.Export}}{{end}}", ".")
	out, err := list.Output()
	if err != nil {
		t.Fatalf("%v: %s", list, err)
	}
	exports := map[string]string{}
	for line := range strings.Lines(string(out)) {
		if name, file, ok := strings.Cut(strings.TrimSpace(line), " "); ok {
			exports[name] = file
		}
	}
	positions := token.NewFileSet()
	var sources []*ast.File
	var found []string
	for name := range rank {
		file, err := parser.ParseFile(positions, name+".go", nil, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		sources = append(sources, file)
	}
	names, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range names {
		if _, known := rank[strings.TrimSuffix(name, ".go")]; !known && !strings.HasSuffix(name, "_test.go") {
			found = append(found, name+" is in no layer of the table")
		}
	}
	imported := importer.ForCompiler(positions, "gc", func(name string) (io.ReadCloser, error) { return os.Open(exports[name]) })
	info := &types.Info{Uses: map[*ast.Ident]types.Object{}}
	root, err := (&types.Config{Importer: imported}).Check(modulePath, positions, sources, info)
	if err != nil {
		t.Fatal(err)
	}
	fileOf := func(p token.Pos) string {
		return strings.TrimSuffix(filepath.Base(positions.Position(p).Filename), ".go")
	}
	for id, used := range info.Uses {
		if used.Pkg() != root || !ofPackage(used) {
			continue
		}
		if from, to := fileOf(id.Pos()), fileOf(used.Pos()); rank[from] < rank[to] {
			found = append(found, fmt.Sprintf("%s uses %s of %s.go, which is in a higher layer", positions.Position(id.Pos()), used.Name(), to))
		}
	}
	slices.Sort(found)
	return found
}

// ofPackage reports whether an object is a package's: declared outside functions, a
// method or a field.
func ofPackage(o types.Object) bool {
	switch o := o.(type) {
	case *types.Func:
		return true
	case *types.Var:
		return o.IsField() || o.Parent() == o.Pkg().Scope()
	}
	return o.Parent() == o.Pkg().Scope()
}
