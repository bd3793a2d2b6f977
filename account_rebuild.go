package creditledger

import "fmt"

// Rebuild replays journal records on a state of an account. A store that writes blocks,
// heads and indexes later than the journal uses it to get them back after a crash. A
// Rebuild is for one goroutine.
type Rebuild struct {
	account *account
	set     changeset
	charges []*charge // of the next record
}

// NewRebuild starts from the stored state of an account. The Rebuild owns the state from
// then on. A state that breaks an invariant is a CorruptError.
func NewRebuild(id AccountID, s *State) (*Rebuild, error) {
	a, err := newAccount(id, s)
	if err != nil {
		return nil, err
	}
	return &Rebuild{account: a, set: changeset{version: s.Head.Version, prev: s.Head.Seal}}, nil
}

// Missing returns the ids of the blocks that a record names and that are not in memory.
// The caller has to Admit those that exist before Apply.
func (r *Rebuild) Missing(rec *OpRecord) []string {
	var missing []string
	for _, id := range namedBlocks(rec.Op, nil) {
		if r.account.find(id) == nil {
			missing = append(missing, id)
		}
	}
	return missing
}

// Admit adds a closed block to the state.
func (r *Rebuild) Admit(b Block) { r.account.admit(b) }

// MissingRows returns the rows that a record names and that are not in memory, without
// their values. The caller has to AdmitRow those that exist before Apply.
func (r *Rebuild) MissingRows(rec *OpRecord) (missing []Row) {
	for _, id := range r.account.missingHolds(rec.Op) {
		missing = append(missing, Row{Kind: RowHold, Key: id})
	}
	for _, id := range r.account.missingSchedules(rec.Op) {
		missing = append(missing, Row{Kind: RowSchedule, Key: id})
	}
	return missing
}

// AdmitRow adds a closed row to the state. It returns a CorruptError if the row cannot be
// read.
func (r *Rebuild) AdmitRow(row Row) error {
	if row.Kind == RowSchedule {
		return r.account.admitSchedule(&row)
	}
	return r.account.admitHold(&row)
}

// RebuildHistory reads what a store has of the account that is rebuilt. Its journal ends
// with the record before the one to be applied; blocks and rows are those of the state
// that the Rebuild started from.
type RebuildHistory struct {
	Record         func(seq uint64) (*OpRecord, error)
	BlocksByNumber func(numbers []uint64) ([]Block, error) // a NotFoundError when one is missing
	RowsByKey      func(kind RowKind, keys []string) ([]Row, error)
}

// Recall loads the charges that a record takes back. Call it before Apply.
func (r *Rebuild) Recall(rec *OpRecord, h RebuildHistory) error {
	var err error
	r.charges, err = r.account.bringCharges(rec, history{
		record: h.Record, blocks: h.BlocksByNumber,
		rows: func(keys []string) ([]Row, error) { return h.RowsByKey(RowReversal, keys) },
	})
	return err
}

// Apply replays the next record of the account. It returns a CorruptError if the replay
// does not give what the record says.
func (r *Rebuild) Apply(rec *OpRecord, bytes []byte) error {
	changes, err := replay(r.account, rec, SealOf(bytes), r.charges, newChange)
	if err != nil {
		return &CorruptError{Where: fmt.Sprintf("record %d of %s", rec.Seq, rec.Account), Reason: err.Error()}
	}
	r.set.add(&written{changes: changes, records: []sealed{{seq: rec.Seq, prev: rec.Prev, key: rec.indexedKey(), bytes: bytes}}})
	return nil
}

// Change returns everything that the applied records changed, as one commit.
func (r *Rebuild) Change() (c Change) {
	var blocks []StoredBlock
	r.set.change(&c, r.account, &blocks)
	return c
}
