package memory

import (
	"creditledger"
	"creditledger/store/internal/changes"
)

// rows are those of an account by kind and key, and the names of the open ones, so that a
// load costs what is open. nil: there are none.
type rows struct {
	all  sorted[creditledger.StoredRow]
	open sorted[changes.RowName]
}

func newRows() *rows {
	byName := func(a, b creditledger.StoredRow) int { return changes.NameOf(&a.Row).Compare(changes.NameOf(&b.Row)) }
	return &rows{all: sorted[creditledger.StoredRow]{compare: byName}, open: sorted[changes.RowName]{compare: changes.RowName.Compare}}
}

// put stores a row in the place of what it was.
func (s *rows) put(r *creditledger.StoredRow) {
	stored := cloned(r)
	s.all.put(stored)
	if stored.Open {
		s.open.insert(changes.NameOf(&r.Row))
	} else {
		s.open.remove(changes.NameOf(&r.Row))
	}
}

// cloned is a row as it is stored.
func cloned(r *creditledger.StoredRow) creditledger.StoredRow {
	return creditledger.StoredRow{Row: changes.CloneRow(r.Row), Open: r.Open}
}

// find returns the row with that name, which is the store's.
func (s *rows) find(name changes.RowName) (r creditledger.StoredRow, found bool) {
	if s == nil {
		return r, false
	}
	return s.all.get(named(name))
}

// after returns up to limit rows after a name.
func (s *rows) after(name changes.RowName, limit int) (list []creditledger.StoredRow) {
	if s == nil || limit <= 0 {
		return nil
	}
	for r := range s.all.after(named(name)) {
		if list = append(list, cloned(&r)); len(list) == limit {
			break
		}
	}
	return list
}

// listed returns those that are open.
func (s *rows) listed() (list []creditledger.Row) {
	if s == nil {
		return nil
	}
	for name := range s.open.after(changes.RowName{}) {
		r, _ := s.find(name)
		list = append(list, changes.CloneRow(r.Row))
	}
	return list
}

// copied is the rows as they are now.
func (s *rows) copied() *rows {
	if s == nil {
		return nil
	}
	return &rows{all: s.all.copied(), open: s.open.copied()}
}

// named is a row that stands for its name.
func named(n changes.RowName) creditledger.StoredRow {
	return creditledger.StoredRow{Row: creditledger.Row{Kind: n.Kind, Key: n.Key}}
}
