package postgres

import (
	"context"
	"strconv"

	"github.com/jackc/pgx/v5"

	"creditledger"
	"creditledger/store/internal/changes"
)

// Snapshot implements creditledger.Store in a transaction of its own, which reads what
// was committed when it began. It lasts as long as f does.
func (s *Store) Snapshot(ctx context.Context, id creditledger.AccountID, f func(creditledger.Snapshot) error) (found error) {
	if err := checkTexts(id.Customer, id.Currency); err != nil {
		return err
	}
	err := s.read(ctx, "snapshot", func(c client) error {
		tx, err := c.(*pgx.Conn).BeginTx(ctx, pgx.TxOptions{IsoLevel: pgx.RepeatableRead, AccessMode: pgx.ReadOnly})
		if err != nil {
			return err
		}
		// Nothing is written, so it does not matter how the transaction ends.
		defer func() { _ = tx.Rollback(context.WithoutCancel(ctx)) }()
		found, err = s.show(tx, id, f)
		return err
	})
	return errorsFirst(err, found)
}

// Snapshot implements creditledger.Store. The caller's transaction may see what others
// commit meanwhile: the account is of one moment when its head is the same before and
// after.
func (j *Joined) Snapshot(ctx context.Context, id creditledger.AccountID, f func(creditledger.Snapshot) error) (found error) {
	if err := checkTexts(id.Customer, id.Currency); err != nil {
		return err
	}
	err := j.read(ctx, "snapshot", func(c client) error {
		const attempts = 16
		at := j.accountPos(id)
		for range attempts {
			before, err := j.headOf(ctx, c, at)
			if err != nil {
				return err
			}
			if found, err = j.show(c, id, f); err != nil {
				return err
			}
			if after, err := j.headOf(ctx, c, at); err != nil || after == before {
				return err
			}
		}
		return &creditledger.ConflictError{Accounts: []creditledger.AccountID{id}}
	})
	return errorsFirst(err, found)
}

// headOf returns the version and the seal of an account, zero if it was never written.
func (r *reads) headOf(ctx context.Context, c client, at accountPos) (text string, err error) {
	var version int64
	var seal []byte
	err = query(ctx, c, r.sql.headVersion, at.args(), []any{&version, &seal}, func() error {
		text = strconv.FormatInt(version, 10) + string(seal)
		return nil
	})
	return text, err
}

// show calls f with an account. An error of f is one of the database only if one of the
// snapshot's methods had it.
func (r *reads) show(c client, id creditledger.AccountID, f func(creditledger.Snapshot) error) (found, trouble error) {
	s := &snapshot{reads: r, c: c, id: id, at: r.accountPos(id)}
	found = f(s)
	if s.trouble != nil {
		return nil, s.trouble
	}
	return found, nil
}

func errorsFirst(errs ...error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

// snapshot is one account in a transaction.
type snapshot struct {
	*reads
	c  client
	id creditledger.AccountID
	at accountPos

	open     map[uint64]creditledger.Block // by number; nil before State was called
	openRows map[changes.RowName]string    // values; nil before State was called
	trouble  error                         // with the database
}

// query is query of the transaction. It remembers an error.
func (s *snapshot) query(ctx context.Context, sql string, args, dest []any, scan func() error) error {
	return s.noted(query(ctx, s.c, sql, args, dest, scan))
}

func (s *snapshot) noted(err error) error {
	if err != nil && fromDriver(err) {
		s.trouble = err
	}
	return err
}

// damagedRow returns a violation about a row of the account.
func (s *snapshot) damagedRow(table, row, what string) error {
	return &creditledger.Violation{Account: s.id, Rule: "index", Detail: table + " row " + row + ": " + what}
}

// State implements creditledger.Snapshot.
func (s *snapshot) State(ctx context.Context) (*creditledger.State, error) {
	if err := changes.Enter(ctx, "snapshot"); err != nil {
		return nil, err
	}
	state, err := s.load(ctx, s.c, s.id, s.at)
	if err != nil {
		return nil, s.noted(err)
	}
	s.open = map[uint64]creditledger.Block{}
	for _, b := range state.Blocks {
		s.open[b.Number] = b
	}
	s.openRows = map[changes.RowName]string{}
	for i := range state.Rows {
		r := &state.Rows[i]
		s.openRows[changes.NameOf(r)] = string(r.Value)
	}
	return state, nil
}

// Journal implements creditledger.Snapshot. It also compares the entries that a view
// shows with the record.
func (s *snapshot) Journal(ctx context.Context, from uint64, limit int) (records []creditledger.JournalRecord, err error) {
	if err := changes.Enter(ctx, "snapshot"); err != nil || limit <= 0 {
		return nil, err
	}
	var seq int64
	var record, texts []byte
	var lines string
	err = s.query(ctx, s.sql.journalRows, s.at.args(bounded(from), int64(limit)), []any{&seq, &record, &lines, &texts}, func() error {
		if lines != linesOf(record) {
			return s.damagedRow("journal", strconv.FormatInt(seq, 10), "its lines are not those of its record")
		}
		if texts != nil && len(texts) == 0 {
			return s.damagedRow("journal", strconv.FormatInt(seq, 10), "its texts are empty, and should not be there")
		}
		records = append(records, creditledger.JournalRecord{Seq: uint64(seq), Bytes: record, Texts: texts})
		return nil
	})
	return records, err
}

// blockRow is a row of the table of blocks.
type blockRow struct {
	number                      int64
	id, initial                 string
	data                        []byte
	balance, capacity           *string
	created, effective, expires int64
	priority                    int32
	status, source              int16
}

func (row *blockRow) dest() []any {
	return []any{&row.number, &row.id, &row.data, &row.balance, &row.capacity, &row.initial,
		&row.created, &row.effective, &row.expires, &row.priority, &row.status, &row.source}
}

// Blocks implements creditledger.Snapshot. It also compares the columns with the block in
// the row.
func (s *snapshot) Blocks(ctx context.Context, from uint64, limit int) (blocks []creditledger.Block, err error) {
	if err := changes.Enter(ctx, "snapshot"); err != nil || limit <= 0 {
		return nil, err
	}
	if s.open == nil {
		if _, err := s.State(ctx); err != nil {
			return nil, err
		}
	}
	var row blockRow
	err = s.query(ctx, s.sql.blockRows, s.at.args(bounded(from), int64(limit)), row.dest(), func() error {
		b, err := s.blockOf(&row)
		blocks = append(blocks, b)
		return err
	})
	return blocks, err
}

// blockOf returns the block of a row. The row has the balances only if the block is
// closed.
func (s *snapshot) blockOf(row *blockRow) (creditledger.Block, error) {
	number := strconv.FormatInt(row.number, 10)
	open, isOpen := s.open[uint64(row.number)]
	v := balances{open.Balance.String(), open.Capacity.String()}
	switch has := row.balance != nil && row.capacity != nil; {
	case isOpen && (row.balance != nil || row.capacity != nil):
		return open, s.damagedRow("blocks", number, "it has a balance, which an open block has elsewhere")
	case !isOpen && !has:
		return open, s.damagedRow("blocks", number, "it has no balance and is not open")
	case !isOpen:
		v = balances{*row.balance, *row.capacity}
	}
	b, err := blockOf(s.at, uint64(row.number), row.data, v)
	if err != nil {
		return b, err
	}
	initial, err := creditledger.ParseAmount(row.initial)
	if err != nil || initial != b.Initial || row.id != b.ID || row.created != int64(b.CreatedAt) ||
		row.effective != int64(b.EffectiveAt) || row.expires != int64(b.ExpiresAt) || row.priority != b.Priority ||
		row.status != int16(b.Status) || row.source != int16(b.Source) {
		return b, s.damagedRow("blocks", number, "its columns are not those of its block")
	}
	return b, nil
}

// Keys implements creditledger.Snapshot.
func (s *snapshot) Keys(ctx context.Context, after creditledger.Key, limit int) (keys []creditledger.KeyedRecord, err error) {
	err = s.texts(ctx, s.sql.keyRows, string(after), limit, func(text string, number uint64) {
		keys = append(keys, creditledger.KeyedRecord{Key: creditledger.Key(text), Seq: number})
	})
	return keys, err
}

// BlockIDs implements creditledger.Snapshot.
func (s *snapshot) BlockIDs(ctx context.Context, after string, limit int) (ids []creditledger.NumberedBlock, err error) {
	err = s.texts(ctx, s.sql.blockIDRows, after, limit, func(text string, number uint64) {
		ids = append(ids, creditledger.NumberedBlock{ID: text, Number: number})
	})
	return ids, err
}

func (s *snapshot) texts(ctx context.Context, sql, after string, limit int, take func(text string, number uint64)) error {
	if err := changes.Enter(ctx, "snapshot"); err != nil || limit <= 0 {
		return err
	}
	var text string
	var number int64
	return s.query(ctx, sql, s.at.args(after, int64(limit)), []any{&text, &number}, func() error {
		take(text, uint64(number))
		return nil
	})
}

// Check implements creditledger.Snapshot: it checks that nothing stands before the first
// record, block or kind of rows, where no other method looks, and that the head has no
// block twice.
func (s *snapshot) Check(ctx context.Context) error {
	err := errorsFirst(s.none(ctx, "journal", s.sql.earlyRecords), s.none(ctx, "blocks", s.sql.earlyBlocks), s.none(ctx, "open_blocks", s.sql.earlyOpen),
		s.none(ctx, "keys", s.sql.emptyKey), s.none(ctx, "block_ids", s.sql.emptyID), s.none(ctx, "account_rows", s.sql.earlyRows))
	if err != nil {
		return err
	}
	var version int64
	var seal []byte
	var text string
	return s.query(ctx, s.sql.headPack, s.at.args(), []any{&version, &seal, &text}, func() error {
		list, err := parsePacked(text, s.at)
		seen := map[uint64]bool{}
		for _, p := range list {
			if seen[p.number] {
				return s.damagedRow("heads", strconv.FormatUint(p.number, 10), "the block stands in packed twice")
			}
			seen[p.number] = true
		}
		return err
	})
}

func (s *snapshot) none(ctx context.Context, table, sql string) error {
	var number int64
	return s.query(ctx, sql, s.at.args(), []any{&number}, func() error {
		return s.damagedRow(table, strconv.FormatInt(number, 10), "it should not be there")
	})
}
