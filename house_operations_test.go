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
	"invoice/operation.go operationOf":     {"Reverse"},                                                  // it cannot stand in a pending change: a charge is named by what is not there yet
	"invoice/operation.go operation":       {"Reverse"},
	"fuzz/model/requests.go wrongOp":       {"Reverse"}, // the model has its own
	"fuzz/model/same.go fields":            {"Reverse"},
	"fuzz/model/same.go Note":              {"Reverse"},
	"fuzz/mistakes.go reworded":            {"Activation", "Amendment", "ExpirationChange", "Reverse"}, // they say nothing that has two forms
	"fuzz/mistakes.go alter":               {"Activation"},
}

// TestHouseEveryOperation: a switch that tells three operations or more apart, by their
// types or by their names, has a case for every operation, so that nothing passes over a new
// one. Batches are outside of this: most code looks at the operations in them.
func TestHouseEveryOperation(t *testing.T) {
	operations := map[string]string{} // name in operations files by type
	eachSource(t, parser.SkipObjectResolution, func(_ *token.FileSet, s source) {
		if s.name != "operation.go" {
			return
		}
		for _, decl := range s.file.Decls {
			if f, ok := decl.(*ast.FuncDecl); ok && f.Name.Name == "Name" && f.Recv != nil && exportedReceiver(f) {
				name := f.Body.List[0].(*ast.ReturnStmt).Results[0].(*ast.BasicLit)
				operations[f.Recv.List[0].Type.(*ast.Ident).Name], _ = strconv.Unquote(name.Value)
			}
		}
	})
	delete(operations, "Batch")
	if len(operations) < 6 {
		t.Fatalf("operation.go has the operations %v", operations)
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
				missing := leftOut(n, operations)
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

// leftOut returns the operations that a switch passes over, sorted; none for a switch that
// is not about operations.
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
	if len(operations)-len(missing) < 3 {
		return nil
	}
	slices.Sort(missing)
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
