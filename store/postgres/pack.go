package postgres

import (
	"container/list"
	"slices"
	"strconv"
	"strings"
	"sync"

	"creditledger"
)

// balances has the amounts of a block that change with operations, as text.
type balances struct{ balance, capacity string }

// packed is an open block whose balances are in the head's row.
type packed struct {
	number uint64
	balances
	data string // the block without its balances; empty when the store has not seen it
}

// The head's row stays well below the size at which PostgreSQL moves columns out of line.
const (
	maxPacked     = 64
	maxPackedSize = 1500
)

func (p *packed) size() int { return 8 + len(p.balance) + len(p.capacity) }

// appendPacked writes "number,balance,capacity;…".
func appendPacked(dst []byte, list []packed) []byte {
	for i := range list {
		if i > 0 {
			dst = append(dst, ';')
		}
		dst = strconv.AppendUint(dst, list[i].number, 10)
		dst = append(append(dst, ','), list[i].balance...)
		dst = append(append(dst, ','), list[i].capacity...)
	}
	return dst
}

func parsePacked(text string, id accountPos) ([]packed, error) {
	if text == "" {
		return nil, nil
	}
	list := make([]packed, 0, strings.Count(text, ";")+1)
	for item := range strings.SplitSeq(text, ";") {
		number, rest, _ := strings.Cut(item, ",")
		balance, capacity, ok := strings.Cut(rest, ",")
		n, err := strconv.ParseUint(number, 10, 63)
		if err != nil || !ok {
			return nil, corrupt(id, "the head's blocks are not as the store writes them")
		}
		list = append(list, packed{number: n, balances: balances{balance, capacity}})
	}
	return list, nil
}

func corrupt(id accountPos, reason string) error {
	account := creditledger.AccountID{Customer: id.customer, Currency: id.currency}
	return &creditledger.CorruptError{Where: account.String(), Reason: reason}
}

// pack is what a store remembers about an account's head at one version.
type pack struct {
	version uint64
	seal    creditledger.Seal
	streak  int      // commits of this store in a row
	open    []packed // most recently changed first
}

func (p *pack) find(number uint64) int {
	return slices.IndexFunc(p.open, func(b packed) bool { return b.number == number })
}

func (p *pack) weight() int {
	w := 200
	for i := range p.open {
		w += 64 + p.open[i].size() + len(p.open[i].data)
	}
	return w
}

// fits reports whether the blocks fit into the head's row.
func fits(open []packed) bool {
	size := 0
	for i := range open {
		size += open[i].size()
	}
	return len(open) <= maxPacked && size <= maxPackedSize
}

// packs remembers the heads that were used last. At one version and seal, it has what the
// server has, because a seal stands for a whole history. There is one exception: a server
// that lost commits and got the same records again, in other commits, may have packed
// them differently. To use that server a process has to connect anew, and then packs
// forgets everything.
type packs struct {
	limit int

	mu     sync.Mutex
	epoch  uint64
	weight int
	items  map[creditledger.AccountID]*list.Element
	recent list.List // of *remembered
}

type remembered struct {
	id     creditledger.AccountID
	pack   *pack
	weight int
}

// now returns the epoch, for put.
func (s *packs) now() uint64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.epoch
}

// forget drops everything and begins another epoch.
func (s *packs) forget() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.epoch++
	s.weight = 0
	s.items = nil
	s.recent.Init()
}

// get returns what is known about the account at that version and seal. The caller must
// not change it.
func (s *packs) get(id creditledger.AccountID, version uint64, seal creditledger.Seal) *pack {
	s.mu.Lock()
	defer s.mu.Unlock()
	e := s.items[id]
	if e == nil {
		return nil
	}
	r := e.Value.(*remembered)
	if r.pack.version != version || r.pack.seal != seal {
		return nil
	}
	s.recent.MoveToFront(e)
	return r.pack
}

// streak is how often in a row the account was committed by this store, as far as it
// remembers.
func (s *packs) streak(id creditledger.AccountID) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	if e := s.items[id]; e != nil {
		return e.Value.(*remembered).pack.streak
	}
	return 0
}

// put remembers a pack that was read or written since the epoch began.
func (s *packs) put(id creditledger.AccountID, p *pack, epoch uint64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if epoch != s.epoch {
		return
	}
	if s.items == nil {
		s.items = make(map[creditledger.AccountID]*list.Element)
	}
	r := &remembered{id: id, pack: p, weight: p.weight()}
	if e := s.items[id]; e != nil {
		old := e.Value.(*remembered)
		if old.pack.version > p.version {
			return
		}
		s.weight -= old.weight
		e.Value = r
		s.recent.MoveToFront(e)
	} else {
		s.items[id] = s.recent.PushFront(r)
	}
	s.weight += r.weight
	for s.weight > s.limit && s.recent.Len() > 1 {
		last := s.recent.Remove(s.recent.Back()).(*remembered)
		s.weight -= last.weight
		delete(s.items, last.id)
	}
}
