package postgres

import "creditledger"

// script returns the transaction from BEGIN to the last statement before COMMIT. All
// heads come first. A transaction waits for these, so a transaction that is late is
// refused before it holds anything that others need.
func (t *transaction) script() *script {
	b := &script{}
	b.queue(anyRows, t.sql.begin)
	t.writes(b)
	return b
}

// writes queues the statements between BEGIN and COMMIT.
func (t *transaction) writes(b *script) {
	for _, p := range t.parts {
		b.part = &p.change.Account
		p.queueHead(b, t.sql)
	}
	if b.part = nil; len(t.parts) == 1 {
		b.part = &t.parts[0].change.Account
	}
	t.queueJournal(b)
	t.queueTexts(b)
	t.queueKeys(b)
	for _, p := range t.parts {
		b.part = &p.change.Account
		for _, queue := range p.steps {
			queue(b)
		}
	}
	t.queueRows(b)
	b.part = nil
	for i := range t.puts {
		u := &t.puts[i]
		value := append([]byte{}, u.Value...)
		if u.Expect == 0 {
			b.guard(t.sql.insertUpper, u.Kind, []byte(u.Key), value, u.token, bounded(u.Next()))
		} else {
			b.counted = true
			b.guard(t.sql.updateUpper, u.Kind, []byte(u.Key), bounded(u.Expect), value, u.token, bounded(u.Next()), u.was)
		}
	}
}

func (p *part) queueHead(b *script, sql *statements) {
	c := p.change
	h := &c.Head
	text := string(appendPacked(nil, p.pack.open))
	if c.Version == 0 {
		b.guard(sql.insertHead, p.at.args(bounded(h.Version), bounded(h.Entries), bounded(h.Blocks),
			int64(h.LastAt), int64(h.NextDue), h.Total.String(), h.Seal[:], text, bounded(h.Rows))...)
		return
	}
	b.guard(sql.updateHead, p.at.args(bounded(c.Version), c.Prev[:], bounded(h.Version), bounded(h.Entries), bounded(h.Blocks),
		int64(h.LastAt), int64(h.NextDue), h.Total.String(), h.Seal[:], text, bounded(h.Rows))...)
}

// fewRows is how many rows are written one by one; more are written with one statement.
const fewRows = 2

// columns collects the places of rows, column by column.
type columns struct {
	buckets               []int32
	customers, currencies []string
}

func (c *columns) add(at accountPos) {
	c.buckets = append(c.buckets, at.bucket)
	c.customers = append(c.customers, at.customer)
	c.currencies = append(c.currencies, at.currency)
}

func (t *transaction) queueJournal(b *script) {
	rows := 0
	for _, p := range t.parts {
		rows += len(p.change.Journal)
	}
	if rows <= fewRows || t.portable {
		for _, p := range t.parts {
			for _, r := range p.change.Journal {
				b.queue(1, t.sql.insertRecord1, p.at.args(bounded(r.Seq), nonNil(r.Bytes), linesOf(r.Bytes), orNull(r.Texts))...)
			}
		}
		return
	}
	var c columns
	seqs, records, lines, texts := make([]int64, 0, rows), make([][]byte, 0, rows), make([]string, 0, rows), make([][]byte, 0, rows)
	for _, p := range t.parts {
		for _, r := range p.change.Journal {
			if len(t.parts) > 1 {
				c.add(p.at)
			}
			seqs, records, lines = append(seqs, bounded(r.Seq)), append(records, nonNil(r.Bytes)), append(lines, linesOf(r.Bytes))
			texts = append(texts, orNull(r.Texts))
		}
	}
	if len(t.parts) == 1 {
		b.queue(rows, t.sql.insertRecordsOf, t.parts[0].at.args(seqs, records, lines, texts)...)
		return
	}
	b.queue(rows, t.sql.insertRecords, c.buckets, c.customers, c.currencies, seqs, records, lines, texts)
}

// orNull returns nil for an empty value.
func orNull(b []byte) []byte {
	if len(b) == 0 {
		return nil
	}
	return b
}

func nonNil(b []byte) []byte {
	if b == nil {
		return []byte{}
	}
	return b
}

// queueTexts overwrites the texts of earlier records.
func (t *transaction) queueTexts(b *script) {
	for _, p := range t.parts {
		for _, r := range p.change.Texts {
			b.alterRow(t.sql.updateTexts, p.at.args(bounded(r.Seq), orNull(r.Texts))...)
		}
	}
}

// queueRows writes the accounts' rows.
func (t *transaction) queueRows(b *script) {
	for _, p := range t.parts {
		b.part = &p.change.Account
		for i := range p.change.Rows {
			r := &p.change.Rows[i]
			args := p.at.args(int16(r.Kind), []byte(r.Key), nonNil(r.Value))
			switch {
			case r.New:
				b.queue(1, t.sql.insertRow, args...)
				if r.Open {
					b.queue(1, t.sql.insertOpenRow, args...)
				}
				continue
			case r.Open:
				b.alterRow(t.sql.updateOpenRow, args...)
			default:
				b.queue(anyRows, t.sql.deleteOpenRow, p.at.args(int16(r.Kind), []byte(r.Key))...)
			}
			b.alterRow(t.sql.updateRow, args...)
		}
	}
}

func (t *transaction) queueKeys(b *script) {
	rows := 0
	for _, p := range t.parts {
		rows += len(p.change.Keys)
	}
	if rows <= fewRows || t.portable {
		t.eachKey(func(p *part, k *creditledger.KeyedRecord) {
			b.queue(1, t.sql.insertKey1, p.at.args(string(k.Key), bounded(k.Seq))...)
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
		b.queue(rows, t.sql.insertKeysOf, t.parts[0].at.args(keys, seqs)...)
		return
	}
	b.queue(rows, t.sql.insertKeys, c.buckets, c.customers, c.currencies, keys, seqs)
}

func (t *transaction) eachKey(f func(*part, *creditledger.KeyedRecord)) {
	for _, p := range t.parts {
		for i := range p.change.Keys {
			f(p, &p.change.Keys[i])
		}
	}
}
