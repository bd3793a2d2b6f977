package creditledger

// erase is an operation of the ledger's own: the texts of some records are gone, and the
// metadata of some blocks. Ledger.Erase writes it, and Ledger.NoteLoss for texts that
// damage took. It holds no word of what it erased.
type erase struct {
	Lost       bool     // nobody erased the texts: damage did
	From, To   uint64   // the records, the first and the last of them; 0: none
	Operation  uint64   // which operation of the record From, counted from 1; 0: all operations of all the records
	Operations uint64   // how many operations had texts
	Blocks     []string // ids
	Schedules  []string // ids of schedules whose later grants have no texts
}

// Name returns "erase".
func (erase) Name() string { return "erase" }

func (op erase) check() error {
	switch {
	case op.From > op.To || (op.From == 0) != (op.To == 0) || (op.From == 0) != (op.Operations == 0):
		return invalid("op", "an erasure of records %d to %d, %d operations", op.From, op.To, op.Operations)
	case op.Operation != 0 && (op.From != op.To || op.Operation > MaxBatchEntries):
		return invalid("op", "an erasure of operation %d in records %d to %d", op.Operation, op.From, op.To)
	case op.Lost && (op.From == 0 || len(op.Blocks) > 0):
		return invalid("op", "a loss of something else than texts")
	case op.From == 0 && len(op.Blocks) == 0:
		return invalid("op", "an erasure of nothing")
	}
	return nil
}

// covers reports whether the erasure is about an operation of a record.
func (op *erase) covers(seq uint64, operation int) bool {
	return op.From <= seq && seq <= op.To && (op.Operation == 0 || op.Operation == uint64(operation)+1)
}
