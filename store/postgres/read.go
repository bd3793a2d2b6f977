package postgres

import (
	"context"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/jackc/pgx/v5"

	"creditledger"
	"creditledger/store/internal/changes"
)

// reads are the reading methods of creditledger.Store, the same for a Store and a
// Joined one, which differ in where their clients come from.
type reads struct {
	sql     *statements
	buckets int
	packs   *packs // nil: nothing is remembered
	// view calls f with a client, perhaps several times, unless ctx is over or the
	// store refuses work.
	view func(ctx context.Context, op string, f func(client) error) error
}

func (r *reads) accountPos(id creditledger.AccountID) accountPos { return accountPosOf(id, r.buckets) }

// bounded turns a number of the ledger into one that a column can hold.
func bounded(n uint64) int64 { return int64(min(n, math.MaxInt64)) }

// query calls scan for every row, with the columns in dest.
func query(ctx context.Context, c client, sql string, args, dest []any, scan func() error) error {
	rows, err := c.Query(ctx, sql, args...)
	if err != nil {
		return err
	}
	_, err = pgx.ForEachRow(rows, dest, scan)
	return err
}

// Load implements creditledger.Store.
func (r *reads) Load(ctx context.Context, id creditledger.AccountID, have *creditledger.Head) (*creditledger.State, error) {
	if err := checkTexts(id.Customer, id.Currency); err != nil {
		return nil, err
	}
	var state *creditledger.State
	err := r.view(ctx, "load", func(c client) error {
		state = nil
		at := r.accountPos(id)
		same, err := r.unchanged(ctx, c, at, have)
		if !same && err == nil {
			state, err = r.load(ctx, c, id, at)
		}
		return err
	})
	return state, err
}

// unchanged reports whether the account is still where the caller has it.
func (r *reads) unchanged(ctx context.Context, c client, at accountPos, have *creditledger.Head) (same bool, err error) {
	if have == nil {
		return false, nil
	}
	var version int64
	var seal []byte
	err = query(ctx, c, r.sql.headVersion, at.args(), []any{&version, &seal}, func() error {
		stored := creditledger.Head{Version: uint64(version)}
		same = copy(stored.Seal[:], seal) == len(seal) && changes.Known(have, &stored)
		return nil
	})
	return same, err
}

func (r *reads) load(ctx context.Context, c client, id creditledger.AccountID, at accountPos) (*creditledger.State, error) {
	var epoch uint64
	if r.packs != nil {
		epoch = r.packs.now()
	}
	rows, err := c.Query(ctx, r.sql.load, at.args()...)
	if err != nil {
		return nil, err
	}
	return r.loaded(rows, id, at, epoch)
}

// loaded reads the answer to load.
func (r *reads) loaded(rows pgx.Rows, id creditledger.AccountID, at accountPos, epoch uint64) (*creditledger.State, error) {
	l := loading{at: at, list: map[uint64]packed{}}
	if _, err := pgx.ForEachRow(rows, l.columns(), l.row); err != nil {
		return nil, err
	}
	state, err := l.end()
	if r.packs != nil && err == nil && l.head.Version != 0 {
		r.packs.put(id, &pack{version: l.head.Version, seal: l.head.Seal, open: l.open}, epoch)
	}
	return state, err
}

// loading gathers the rows of an account that is loaded.
type loading struct {
	at      accountPos
	head    creditledger.Head
	open    []packed
	list    map[uint64]packed // the open blocks, by number
	numbers []uint64
	rows    []creditledger.Row

	// The columns of a row.
	number, version, entries, blocks, lastAt, nextDue, made int64
	first, second                                           string
	data, key                                               []byte
}

func (l *loading) columns() []any {
	return []any{&l.number, &l.version, &l.entries, &l.blocks, &l.lastAt, &l.nextDue, &l.made, &l.first, &l.second, &l.data, &l.key}
}

func (l *loading) row() (err error) {
	switch {
	case l.number == noHead:
		return corrupt(l.at, "it has journal records and no head")
	case l.number < 0:
		l.rows = append(l.rows, creditledger.Row{Kind: creditledger.RowKind(-l.number), Key: string(l.key), Value: l.data})
	case l.number > 0:
		n := uint64(l.number)
		l.numbers = append(l.numbers, n)
		l.list[n] = packed{n, balances{l.first, l.second}, string(l.data)}
	default:
		if l.head, err = headFrom(l.at, [6]int64{l.version, l.entries, l.blocks, l.lastAt, l.nextDue, l.made}, l.first, l.data); err == nil {
			l.open, err = parsePacked(l.second, l.at)
		}
	}
	return err
}

// end makes the account's state of the rows.
func (l *loading) end() (*creditledger.State, error) {
	if l.head.Version == 0 {
		return &creditledger.State{}, nil
	}
	for i, p := range l.open {
		row, ok := l.list[p.number]
		if !ok {
			return nil, corrupt(l.at, "block "+strconv.FormatUint(p.number, 10)+" of the head is not among the open ones")
		}
		row.balances = p.balances
		l.list[p.number], l.open[i].data = row, row.data
	}
	state := &creditledger.State{Head: l.head, Rows: l.rows}
	for _, n := range l.numbers {
		p := l.list[n]
		b, err := blockOf(l.at, n, []byte(p.data), p.balances)
		if err != nil {
			return nil, err
		}
		state.Blocks = append(state.Blocks, b)
	}
	return state, nil
}

// headFrom makes a head of its columns: version, entries, blocks, last at, next due and rows; the
// total; and the seal.
func headFrom(at accountPos, n [6]int64, total string, seal []byte) (h creditledger.Head, err error) {
	if n[0] < 1 || slices.Min(n[:]) < 0 { // version 0 is for an account without a head
		return h, corrupt(at, "a number of the head is below what it can be")
	}
	h = creditledger.Head{
		Version: uint64(n[0]), Entries: uint64(n[1]), Blocks: uint64(n[2]),
		LastAt: creditledger.Instant(n[3]), NextDue: creditledger.Instant(n[4]), Rows: uint64(n[5]),
	}
	if len(seal) != len(h.Seal) {
		return h, corrupt(at, "the head's seal has another length")
	}
	copy(h.Seal[:], seal)
	if h.Total, err = creditledger.ParseAmount(total); err != nil {
		return h, corrupt(at, "the head's total is not an amount")
	}
	return h, nil
}

// Journal implements creditledger.Store.
func (r *reads) Journal(ctx context.Context, id creditledger.AccountID, from uint64, limit int, reverse bool) (records []creditledger.JournalRecord, err error) {
	if err := checkTexts(id.Customer, id.Currency); err != nil {
		return nil, err
	}
	sql := r.sql.journal
	if reverse {
		sql = r.sql.journalBack
	}
	err = r.view(ctx, "journal", func(c client) error {
		records = nil
		if limit <= 0 {
			return nil
		}
		var seq int64
		var record, texts []byte
		return query(ctx, c, sql, r.accountPos(id).args(bounded(from), int64(limit)), []any{&seq, &record, &texts}, func() error {
			records = append(records, creditledger.JournalRecord{Seq: uint64(seq), Bytes: record, Texts: texts})
			return nil
		})
	})
	return records, err
}

// KeySeq implements creditledger.Store.
func (r *reads) KeySeq(ctx context.Context, id creditledger.AccountID, key creditledger.Key) (seq uint64, err error) {
	if err := checkTexts(id.Customer, id.Currency, string(key)); err != nil {
		return 0, err
	}
	err = r.view(ctx, "idempotency key", func(c client) error {
		seq = 0
		var n int64
		return query(ctx, c, r.sql.keySeq, r.accountPos(id).args(string(key)), []any{&n}, func() error {
			seq = uint64(n)
			return nil
		})
	})
	return seq, err
}

// Document implements creditledger.Store.
func (r *reads) Document(ctx context.Context, id creditledger.DocumentID) (record creditledger.Document, err error) {
	if err := checkTexts(id.Kind); err != nil {
		return record, err
	}
	err = r.view(ctx, "record", func(c client) error {
		record = creditledger.Document{DocumentID: id}
		var version int64
		var value []byte
		return query(ctx, c, r.sql.record, []any{id.Kind, []byte(id.Key)}, []any{&version, &value}, func() error {
			record.Version, record.Value = uint64(version), value
			return nil
		})
	})
	if err == nil && record.Version == 0 {
		err = &creditledger.NotFoundError{Kind: id.Kind, ID: id.Key}
	}
	if err != nil {
		return creditledger.Document{}, err
	}
	return record, nil
}

// Documents implements creditledger.Store.
func (r *reads) Documents(ctx context.Context, kind, prefix, after string, limit int) (records []creditledger.Document, err error) {
	if err := checkTexts(kind); err != nil {
		return nil, err
	}
	err = r.view(ctx, "records", func(c client) error {
		records = nil
		if limit <= 0 {
			return nil
		}
		var key, value []byte
		var version int64
		args := []any{kind, []byte(prefix), []byte(after), int64(limit)}
		return query(ctx, c, r.sql.records, args, []any{&key, &version, &value}, func() error {
			if strings.HasPrefix(string(key), prefix) {
				records = append(records, creditledger.Document{
					DocumentID: creditledger.DocumentID{Kind: kind, Key: string(key)},
					Version:    uint64(version), Value: value,
				})
			}
			return nil
		})
	})
	return records, err
}

// Kinds implements store.Kinder. It skips from one kind to the next.
func (r *reads) Kinds(ctx context.Context) (kinds []string, err error) {
	err = r.view(ctx, "kinds", func(c client) error {
		kinds = nil
		var kind string
		for found := true; found; {
			found = false
			err := query(ctx, c, r.sql.nextKind, []any{kind}, []any{&kind}, func() error {
				found = true
				return nil
			})
			if err != nil {
				return err
			}
			if found {
				kinds = append(kinds, kind)
			}
		}
		return nil
	})
	return kinds, err
}
