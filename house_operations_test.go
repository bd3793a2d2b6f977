package creditledger_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// partial are the functions that have nothing to do for some operations, by file and
// name, with those operations.
var partial = map[string][]string{
	"account_step.go checkClock":           {"Activation", "Amendment", "Reverse", "Void"},               // they say no instant
	"operation_resolve.go namedBlocks":     {"Decrement", "Reverse"},                                     // the order, or the charge, chooses its blocks
	"ledger_result.go entry":               {"Activation", "Amendment", "Reverse"},                       // nothing of their own stands on an entry
	"ledger_result.go derive":              {"Activation", "Amendment", "ExpirationChange", "Increment"}, // they return entries alone
	"journal_record.go remembers":          {"Amendment", "ExpirationChange", "Void"},                    // their entries tell
	"cmd/creditledger/ids.go withWholeIDs": {"Decrement", "Increment", "Reverse"},                        // they name no block that there is
	"invoice/operation.go canBePending":    {"Reverse"},                                                  // the charge that it names may not be there yet
	"fuzz/model/requests.go wrongOp":       {"EndSchedule", "Reverse"},                                   // the model has its own
	"fuzz/model/same.go fields":            {"Reverse"},
	"fuzz/model/same.go Note":              {"Reverse"},
	"fuzz/mistakes.go reworded":            {"Activation", "Amendment", "ExpirationChange", "Reverse"}, // they say nothing that has two forms
	"fuzz/mistakes.go alter":               {"Activation"},

	"operation_hold.go normaliseOnHold":         {"Release"}, // they leave nothing to the ledger
	"operation_schedule.go normaliseOnSchedule": {"EndSchedule"},
	"account_schedule.go effectOnSchedule":      {"EndSchedule"}, // it works no dates out
	"journal_schedule.go schedules":             {"EndSchedule"}, // it gives a schedule no texts
	"ledger_eraser.go begin":                    {"EndSchedule"},
	"fuzz/model/news.go wrongNew":               {"Hold"}, // the model has it elsewhere
	"fuzz/model/news.go fieldsOfNew":            {"Hold"},
	"fuzz/model/step.go apply":                  {"Hold"},
	"fuzz/moment.go hold":                       {"Hold"}, // which names no hold that there is
}

// TestHouseEveryOperation: a switch that tells most operations of a file apart, by their types
// or by their names, has a case for every operation of that file, so that nothing passes over
// a new one: those on blocks, those on holds, and those on schedules. Of operation.go three are
// most. Batches are outside of this: most code looks at the operations in them.
func TestHouseEveryOperation(t *testing.T) {
	groups := map[string]map[string]string{} // by file: name in operations files by type
	eachSource(t, parser.SkipObjectResolution, func(_ *token.FileSet, s source) {
		if s.name != "operation.go" && !strings.HasPrefix(s.name, "operation_") {
			return
		}
		for _, decl := range s.file.Decls {
			if f, ok := decl.(*ast.FuncDecl); ok && f.Name.Name == "Name" && f.Recv != nil && exportedReceiver(f) {
				if groups[s.name] == nil {
					groups[s.name] = map[string]string{}
				}
				name := f.Body.List[0].(*ast.ReturnStmt).Results[0].(*ast.BasicLit)
				groups[s.name][f.Recv.List[0].Type.(*ast.Ident).Name], _ = strconv.Unquote(name.Value)
			}
		}
	})
	delete(groups["operation.go"], "Batch")
	if len(groups) != 3 || len(groups["operation.go"]) < 6 || len(groups["operation_hold.go"]) != 4 || len(groups["operation_schedule.go"]) != 3 {
		t.Fatalf("the files have the operations %v", groups)
	}
	known := map[string]bool{}
	eachSource(t, parser.SkipObjectResolution, func(files *token.FileSet, s source) {
		for _, decl := range s.file.Decls {
			f, ok := decl.(*ast.FuncDecl)
			if !ok {
				continue
			}
			where := s.name + " " + f.Name.Name
			ast.Inspect(f, func(n ast.Node) bool {
				var missing []string
				for _, operations := range groups {
					missing = append(missing, leftOut(n, operations)...)
				}
				slices.Sort(missing)
				known[where] = known[where] || len(missing) > 0
				missing = slices.DeleteFunc(missing, func(op string) bool { return slices.Contains(partial[where], op) })
				if len(missing) > 0 {
					t.Errorf("%s: %s passes over %s: add a case, or say in partial that it has nothing to do for it",
						files.Position(n.Pos()), f.Name.Name, strings.Join(missing, ", "))
				}
				return true
			})
		}
	})
	for where := range partial {
		if !known[where] {
			t.Errorf("%s leaves no operation out", where)
		}
	}
}

// leftOut returns those of some operations that a switch passes over; none for a switch that
// is not about them.
func leftOut(n ast.Node, operations map[string]string) (missing []string) {
	var body *ast.BlockStmt
	switch n := n.(type) {
	case *ast.TypeSwitchStmt:
		body = n.Body
	case *ast.SwitchStmt:
		body = n.Body
	default:
		return nil
	}
	named := map[string]bool{}
	for _, clause := range body.List {
		for _, e := range clause.(*ast.CaseClause).List {
			named[nameIn(e)] = true
		}
	}
	for kind, name := range operations {
		if !named[kind] && !named[name] {
			missing = append(missing, kind)
		}
	}
	if len(operations)-len(missing) < min(3, len(operations)-1) {
		return nil
	}
	return missing
}

// nameIn is the name in a case: of a type, of a type of another package, of the type whose
// method Name is called, or the text itself.
func nameIn(e ast.Expr) string {
	switch e := e.(type) {
	case *ast.Ident:
		return e.Name
	case *ast.SelectorExpr:
		return e.Sel.Name
	case *ast.CallExpr: // Increment{}.Name()
		if method, ok := e.Fun.(*ast.SelectorExpr); ok && method.Sel.Name == "Name" {
			return nameIn(method.X)
		}
	case *ast.CompositeLit:
		return nameIn(e.Type)
	case *ast.BasicLit:
		text, _ := strconv.Unquote(e.Value)
		return text
	}
	return ""
}
