package creditledger

// difference names the first field in which two normalised operations differ, in the
// order of docs/operations.md ("op" first, description and metadata last), and is
// empty when they ask for the same: amounts as numbers, instants as instants, dates
// as dates. Rule: docs/semantics.md, "Idempotency".
func difference(a, b Operation) string {
	var room [2][maxFields]field // so that a retry does not allocate them
	x, y := fieldsOf(a, room[0][:0]), fieldsOf(b, room[1][:0])
	if a.Name() != b.Name() || len(x) == 0 || len(x) != len(y) {
		return "op"
	}
	for i := range x {
		if !x[i].value.same(y[i].value) {
			return x[i].key
		}
	}
	return ""
}
