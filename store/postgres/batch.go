package postgres

import (
	"github.com/jackc/pgx/v5"

	"creditledger"
)

// batch is the transaction in one piece, from BEGIN to COMMIT. All heads come first:
// they are what a transaction waits for, so one that is late is refused there, before
// it holds anything that others need.
func (t *transaction) batch() *pgx.Batch {
	b := &pgx.Batch{}
	b.Queue(t.sql.begin)
	t.writes(b)
	b.Queue(t.sql.commit)
	return b
}

// writes queues what lies between BEGIN and COMMIT.
func (t *transaction) writes(b *pgx.Batch) {
	for _, p := range t.parts {
		p.queueHead(b, t.sql)
	}
	t.queueJournal(b)
	t.queueKeys(b)
	for _, p := range t.parts {
		for _, queue := range p.steps {
			queue(b)
		}
	}
	for i := range t.puts {
		u := &t.puts[i]
		value := append([]byte{}, u.Value...)
		if u.Expect == 0 {
			b.Queue(t.sql.insertUpper, u.Kind, []byte(u.Key), value, u.token, bounded(u.Next()))
		} else {
			b.Queue(t.sql.updateUpper, u.Kind, []byte(u.Key), bounded(u.Expect), value, u.token, bounded(u.Next()))
		}
	}
}

func (p *part) queueHead(b *pgx.Batch, sql *statements) {
	c := p.change
	h := &c.Head
	text := string(appendPacked(nil, p.pack.open))
	if c.Version == 0 {
		b.Queue(sql.insertHead, p.at.args(bounded(h.Version), bounded(h.Entries), bounded(h.Blocks),
			int64(h.LastAt), int64(h.NextDue), h.Total.String(), h.Seal[:], text)...)
		return
	}
	b.Queue(sql.updateHead, p.at.args(bounded(c.Version), c.Prev[:], bounded(h.Version), bounded(h.Entries), bounded(h.Blocks),
		int64(h.LastAt), int64(h.NextDue), h.Total.String(), h.Seal[:], text)...)
}

// fewRows is up to how many rows go one by one.
const fewRows = 2

// columns gathers the places of rows.
type columns struct {
	buckets               []int32
	customers, currencies []string
}

func (c *columns) add(at place) {
	c.buckets = append(c.buckets, at.bucket)
	c.customers = append(c.customers, at.customer)
	c.currencies = append(c.currencies, at.currency)
}

func (t *transaction) queueJournal(b *pgx.Batch) {
	rows := 0
	for _, p := range t.parts {
		rows += len(p.change.Journal)
	}
	if rows <= fewRows || t.portable {
		for _, p := range t.parts {
			for _, r := range p.change.Journal {
				b.Queue(t.sql.insertRecord1, p.at.args(bounded(r.Seq), nonNil(r.Bytes), linesOf(r.Bytes))...)
			}
		}
		return
	}
	var c columns
	seqs, records, lines := make([]int64, 0, rows), make([][]byte, 0, rows), make([]string, 0, rows)
	for _, p := range t.parts {
		for _, r := range p.change.Journal {
			if len(t.parts) > 1 {
				c.add(p.at)
			}
			seqs, records, lines = append(seqs, bounded(r.Seq)), append(records, nonNil(r.Bytes)), append(lines, linesOf(r.Bytes))
		}
	}
	if len(t.parts) == 1 {
		b.Queue(t.sql.insertRecordsOf, t.parts[0].at.args(seqs, records, lines)...)
		return
	}
	b.Queue(t.sql.insertRecords, c.buckets, c.customers, c.currencies, seqs, records, lines)
}

func nonNil(b []byte) []byte {
	if b == nil {
		return []byte{}
	}
	return b
}

func (t *transaction) queueKeys(b *pgx.Batch) {
	rows := 0
	for _, p := range t.parts {
		rows += len(p.change.Keys)
	}
	if rows <= fewRows || t.portable {
		t.eachKey(func(p *part, k *creditledger.KeyedRecord) {
			b.Queue(t.sql.insertKey1, p.at.args(string(k.Key), bounded(k.Seq))...)
		})
		return
	}
	var c columns
	keys, seqs := make([]string, 0, rows), make([]int64, 0, rows)
	t.eachKey(func(p *part, k *creditledger.KeyedRecord) {
		if len(t.parts) > 1 {
			c.add(p.at)
		}
		keys, seqs = append(keys, string(k.Key)), append(seqs, bounded(k.Seq))
	})
	if len(t.parts) == 1 {
		b.Queue(t.sql.insertKeysOf, t.parts[0].at.args(keys, seqs)...)
		return
	}
	b.Queue(t.sql.insertKeys, c.buckets, c.customers, c.currencies, keys, seqs)
}

func (t *transaction) eachKey(f func(*part, *creditledger.KeyedRecord)) {
	for _, p := range t.parts {
		for i := range p.change.Keys {
			f(p, &p.change.Keys[i])
		}
	}
}
