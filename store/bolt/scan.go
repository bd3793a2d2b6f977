package bolt

import (
	"context"
	"encoding/binary"
	"os"
	"strings"

	"creditledger"
)

// scan reads what is intact in a damaged file, page by page and without bbolt. It does
// not trust any page about where another page is or what it contains.
type scan struct {
	file     *os.File
	size     int64
	pageSize int64
	log      map[creditledger.AccountID]map[uint64][]found // by sequence number
	versions map[creditledger.AccountID]uint64             // the highest version that any head or record names
	heads    map[creditledger.AccountID]creditledger.Head  // the newest
	records  map[creditledger.DocumentID]version
	aside    pageSet  // leaves of the bucket of upper layers, as the trees have it
	damaged  int      // rows of upper layers that are not what was put
	bad      int      // pages that cannot be read, or say that they have more than fits
	extra    int64    // bytes of overflow pages that were read
	filling  bool     // what is found only fills gaps
	logEnd   uint64   // number of the last record that the log had, as far as anything says so
	sound    bool     // its trees are whole, and marks are those of them
	marks    []mark   // what the file says of its log file, and
	badMark  bool     // that it says something which is damaged
	open     []string // what the file does not prove
}

// maxOverflow is how much of a page's overflow pages is read.
const maxOverflow = 64 << 20

// found is an intact journal record and where it is.
type found struct {
	at     int64
	size   int
	texts  int    // how many bytes of texts stand before it
	number uint64 // in the log
	prev   creditledger.Seal
	seal   creditledger.Seal
	reach  int // how many records follow on it without a gap, itself included

	data, said []byte // the record and its texts, where they are not in the file but in its log file
}

type version struct {
	number uint64
	value  []byte
}

// newScan finds out the size of a page. If both meta pages are gone, it assumes this
// system's.
func newScan(f *os.File, size int64, guess int) *scan {
	s := &scan{
		file: f, size: size, pageSize: int64(guess),
		log:      map[creditledger.AccountID]map[uint64][]found{},
		versions: map[creditledger.AccountID]uint64{},
		heads:    map[creditledger.AccountID]creditledger.Head{},
		records:  map[creditledger.DocumentID]version{},
	}
	if m, err := readMeta(f, size); err == nil {
		s.pageSize = int64(m.pageSize)
	}
	return s
}

// all looks at every page of the file: first at those of its trees, and then at those
// that nothing leads to. The latter are free, and have copies of what is or was
// elsewhere. If the trees are whole, free pages only fill gaps, because an unfinished
// commit may have left records there.
func (s *scan) all(ctx context.Context) error {
	w, sound := s.trees()
	if s.sound = sound; !sound {
		if err := s.unreached(ctx, w); err != nil {
			return err
		}
		return s.pages(ctx, func(uint64) bool { return true })
	}
	if err := s.pages(ctx, w.used.has); err != nil {
		return err
	}
	for _, bySeq := range s.log { // the keys of a sound tree can be trusted
		for _, list := range bySeq {
			for _, f := range list {
				s.logEnd = max(s.logEnd, f.number)
			}
		}
	}
	s.filling = true
	if err := s.pages(ctx, func(page uint64) bool { return !w.used.has(page) }); err != nil {
		return err
	}
	if err := w.others(); err != nil {
		s.leavesOpen("the meta pages do not fit the file, and may be of an earlier commit: what came after it may be missing (%v)", err)
	}
	return nil
}

// pages looks at the pages that are wanted and in no hole.
func (s *scan) pages(ctx context.Context, wanted func(page uint64) bool) error {
	for at := 2 * s.pageSize; at < s.size; {
		from, to := dataFrom(s.file, at, s.size)
		for at = from / s.pageSize * s.pageSize; at < to; at += s.pageSize {
			if err := ctx.Err(); err != nil {
				return err
			}
			if at+s.pageSize <= s.size && wanted(uint64(at/s.pageSize)) {
				s.page(uint64(at / s.pageSize))
			}
		}
	}
	return nil
}

func (s *scan) page(page uint64) {
	at := int64(page) * s.pageSize
	data := make([]byte, s.pageSize)
	if _, err := s.file.ReadAt(data, at); err != nil {
		s.bad++
		return
	}
	if binary.NativeEndian.Uint64(data) != page || binary.NativeEndian.Uint16(data[8:]) != flagLeaf {
		return
	}
	if more := int64(binary.NativeEndian.Uint32(data[12:])); more > 0 {
		size := min((1+more)*s.pageSize, s.size-at, maxOverflow)
		// Pages must not be able to make this read the file over and over again.
		if s.extra += size; s.extra <= 4*s.size {
			data = make([]byte, size)
			if _, err := s.file.ReadAt(data, at); err != nil {
				s.bad++
				return
			}
		}
	}
	var in []byte
	if s.aside.has(page) {
		in = bucketRecords
	}
	s.leaf(data, at, in)
}

// leaf looks at the elements of a leaf page that lies at an offset of the file; name is the
// bucket that it is of, if that is known, as that of one without pages of its own is.
func (s *scan) leaf(data []byte, at int64, name []byte) {
	p := page{data: data, size: uint64(len(data))}
	if !p.fits() && !s.filling {
		s.bad++
	}
	end := uint64(pageHeader + p.count()*elementSize) // of the row before
	for i := range p.count() {
		e, ok := p.leaf(i)
		if !ok || e.from < end || e.from == e.value {
			s.between(p, i, end, at)
			continue
		}
		end = e.end
		key, value := data[e.from:e.value:e.value], data[e.value:e.end:e.end]
		switch {
		case e.bucket && name == nil && len(value) >= bucketHeader+pageHeader && binary.NativeEndian.Uint64(value) == 0:
			s.leaf(value[bucketHeader:], at+int64(e.value)+bucketHeader, key)
		case !e.bucket:
			s.pair(name, key, value, at+int64(e.value))
		}
	}
}

// between looks for a journal record if the description of a row is damaged. The row lies
// between its neighbours.
func (s *scan) between(p page, i int, from uint64, at int64) {
	to := p.size
	if i+1 < p.count() {
		next, ok := p.leaf(i + 1)
		if !ok || next.from < from {
			return
		}
		to = next.from
	}
	if from < to {
		s.sealed(0, p.data[from:to:to], numberSize, at+int64(from))
	}
}

// pair takes what a key and a value show themselves to be: the keys of the buckets
// differ in length or in their bytes, and the values are self-contained. Where the bucket is
// known to be that of upper layers, what shows nothing is a damaged row of theirs.
func (s *scan) pair(bucket, key, value []byte, at int64) {
	if len(key) == numberSize && s.logRow(binary.BigEndian.Uint64(key), value, at) {
		return
	}
	if s.filling {
		return
	}
	if string(key) == string(keyLog) {
		if m, err := parseMark(value); err == nil {
			s.marks = append(s.marks, m)
		} else {
			s.badMark = true
		}
		return
	}
	if id, ok := parseAccountKey(key); ok {
		if p, err := decodePlace(id, value); err == nil {
			s.versions[id] = max(s.versions[id], p.head.Version)
			if p.head.Version > s.heads[id].Version {
				s.heads[id] = p.head
			}
			return
		}
	}
	theirs := string(bucket) == string(bucketRecords)
	id, ok := parseRecordKey(key)
	if !ok {
		if theirs || checkedRow(value) {
			s.damaged++
		}
		return
	}
	switch r, err := parseRow(id, key, value); {
	case err != nil || r.Version >= 1<<40:
		if theirs || ownRow(value) {
			s.damaged++
		}
	case r.Version > s.records[id].number:
		s.records[id] = version{number: r.Version, value: r.Value}
	}
}

// parseRecordKey is splitRecordKey for a key that may be anything: kinds are lower-case
// words.
func parseRecordKey(k []byte) (creditledger.DocumentID, bool) {
	id, ok := splitRecordKey(k)
	ok = ok && len(id.Kind) <= 64 && len(id.Key) <= 1024 && strings.Trim(id.Kind, "abcdefghijklmnopqrstuvwxyz_0123456789") == ""
	return id, ok
}

// logRow takes a row of the log, and reports whether it is one: a short account's name
// is as long as a log number.
func (s *scan) logRow(number uint64, value []byte, at int64) bool {
	if r, err := parseLogRecord(number, value); err == nil && s.record(number, r.texts, r.bytes, at+int64(len(value)-len(r.bytes))) {
		return true
	}
	return s.sealed(number, value, 0, at) // the front of the row is damaged
}

// maxFront is the most that is looked at in front of the record in a row of the log: two
// numbers, and the texts of one operation with their size. Before a batch there may be more.
const maxFront = 64 << 10

// sealed finds a record of the journal by its own bytes: it takes the rest of a row,
// which begins behind a key of that size and some front.
func (s *scan) sealed(number uint64, row []byte, key int, at int64) bool {
	for from := range min(len(row), key+maxFront+1) {
		rec, err := creditledger.DecodeRecord(row[from:])
		if err == nil {
			return s.record(number, textsBefore(rec, row[:from]), row[from:], at+int64(from))
		}
	}
	return false
}

// textsBefore returns the texts of a record at the end of the front of its row, nil if there
// are none: they stand behind their size, and that behind a mark.
func textsBefore(rec *creditledger.OpRecord, front []byte) []byte {
	for i := len(front) - 1; i >= 0 && rec.Texts != nil; i-- {
		if front[i] != textsFollow {
			continue
		}
		size, n := binary.Uvarint(front[i+1:])
		if n > 0 && size > 0 && size == uint64(len(front)-i-1-n) && rec.ReadTexts(front[i+1+n:]) == nil {
			return front[i+1+n:]
		}
	}
	return nil
}

// record takes a record of the journal, and reports whether it is one.
func (s *scan) record(number uint64, texts, data []byte, at int64) bool {
	rec, err := creditledger.DecodeRecord(data)
	if err != nil {
		return false
	}
	if rec.ReadTexts(texts) != nil {
		texts = nil
	}
	if !s.filling || rec.Seq <= s.versions[rec.Account] {
		s.journal(rec, found{at: at, size: len(data), texts: len(texts), number: number, prev: rec.Prev, seal: creditledger.SealOf(data)})
	}
	return true
}

func (s *scan) journal(rec *creditledger.OpRecord, f found) {
	bySeq := s.log[rec.Account]
	if bySeq == nil {
		bySeq = map[uint64][]found{}
		s.log[rec.Account] = bySeq
	}
	for _, other := range bySeq[rec.Seq] {
		if other.seal == f.seal {
			return
		}
	}
	bySeq[rec.Seq] = append(bySeq[rec.Seq], f)
	s.versions[rec.Account] = max(s.versions[rec.Account], rec.Seq)
}

// chain returns an account's records from the first one on, without a gap: of several
// that could follow, the one on which most others follow, and of those the last one
// that the file got.
func (s *scan) chain(id creditledger.AccountID) []found {
	bySeq := s.log[id]
	for seq := s.versions[id]; seq > 0; seq-- {
		list := bySeq[seq]
		for i := range list {
			list[i].reach = 1
			for _, next := range bySeq[seq+1] {
				if next.prev == list[i].seal {
					list[i].reach = max(list[i].reach, next.reach+1)
				}
			}
		}
	}
	var chain []found
	var seal creditledger.Seal
	for seq := uint64(1); ; seq++ {
		var best found
		for _, f := range bySeq[seq] {
			if f.prev == seal && (f.reach > best.reach || f.reach == best.reach && f.number > best.number) {
				best = f
			}
		}
		if best.reach == 0 {
			if n := len(chain); n > 0 && s.doubt(id, uint64(n), &chain[n-1]) > alone {
				chain = chain[:n-1]
			}
			return chain
		}
		chain = append(chain, best)
		seal = best.seal
	}
}

// How far a record that decodes can be trusted.
const (
	proven  = iota // its seal stands elsewhere in the file
	alone          // nothing is left to ask
	doubted        // an unproven record behind it has another seal for it
	altered        // a head, or a proven record behind it, has another seal for it
)

// doubt compares a record with the seal that its successors and the head have for it.
func (s *scan) doubt(id creditledger.AccountID, seq uint64, f *found) int {
	next := s.log[id][seq+1]
	for _, n := range next {
		if n.prev == f.seal {
			return proven
		}
	}
	if head := s.heads[id]; head.Version == seq {
		if head.Seal == f.seal {
			return proven
		}
		return altered
	}
	verdict := alone
	for i := range next {
		verdict = max(verdict, doubted)
		if next[i].reach > 1 || s.heads[id].Version == seq+1 && s.heads[id].Seal == next[i].seal {
			verdict = altered
		}
	}
	return verdict
}
