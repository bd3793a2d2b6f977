package creditledger

const defaultExpiriesPerCommit = 1_000

// expire writes what lapsed, piece by piece. All pieces but the last go out in commits of
// their own.
func (d *decision) expire() error {
	a := d.account
	for len(a.lapsed) > 0 {
		if d.lines > 0 && d.lines+len(a.lapsed) > d.expiries {
			d.detach()
		}
		c := d.newChange()
		entries := a.head.Entries
		materialise(a, c, min(len(a.lapsed), d.expiries))
		at := c.lines[len(c.lines)-1].At
		if err := d.apply(expire{}, c); err != nil {
			return err
		}
		d.seal(expire{}, "", at, entries, []*change{c})
		if d.lines += len(c.lines); len(a.lapsed) > 0 {
			d.detach()
		}
	}
	return nil
}

// detach turns what is decided so far into a flight of its own.
func (d *decision) detach() {
	f := newFlight(nil, d.records[0].seq-1, d.records[0].prev)
	f.size = d.size()
	f.add(&d.written)
	f.seal(d.account)
	d.pieces, d.gone = append(d.pieces, f), append(d.gone, d.changes...)
	d.changes, d.records, d.bytes = d.changes[:0], d.records[:0], d.bytes[:0]
	d.lines = 0
}
