package bolt

import (
	"encoding/binary"
	"slices"

	"creditledger/internal/onelog"
)

// mark is what the database says of the log file beside it: whether commits may be in it that
// are not in the database, and the names of its last turns, the newest first. If it is in
// use, the first of these is the oldest turn that is not folded; otherwise all are folded, and
// a file that holds nothing else was left behind.
type mark struct {
	inUse bool
	size  int64 // of the file
	turns []onelog.Token
}

// markTurns is how many turns are named: those in the two halves, and one that has not begun.
const markTurns = 3

// then is the mark when a turn has become the oldest that is not folded.
func (m mark) then(t onelog.Token) mark {
	turns := append([]onelog.Token{t}, m.turns...)
	return mark{inUse: true, size: m.size, turns: turns[:min(markTurns, len(turns))]}
}

// retired is the mark when all is folded, up to the end of a turn.
func (m mark) retired(last onelog.Token) mark {
	if !m.inUse {
		return m
	}
	if !slices.Contains(m.turns, last) {
		m = m.then(last)
	}
	m.inUse = false
	return m
}

const markFront = 1 + 8

func (m mark) append(dst []byte) []byte {
	used := byte(0)
	if m.inUse {
		used = 1
	}
	dst = binary.BigEndian.AppendUint64(append(dst, used), uint64(m.size))
	for _, t := range m.turns {
		dst = append(dst, t[:]...)
	}
	return dst
}

// mark reads what the database says of its log file.
func (v view) mark() (m mark, err error) {
	value, err := v.get(bucketMeta, keyLog)
	if value == nil || err != nil {
		return m, err
	}
	return parseMark(value)
}

func parseMark(value []byte) (m mark, err error) {
	const size = len(onelog.Token{})
	n := (len(value) - markFront) / size
	if len(value) < markFront || len(value) != markFront+n*size || n < 1 || n > markTurns || value[0] > 1 {
		return m, corrupt("meta", "what it says of the log file is damaged")
	}
	m.inUse, m.size = value[0] == 1, int64(binary.BigEndian.Uint64(value[1:])&^(1<<63))
	for at := markFront; at < len(value); at += size {
		m.turns = append(m.turns, onelog.Token(value[at:at+size]))
	}
	return m, nil
}

func (w *writer) mark(m mark) { w.put(bucketMeta, keyLog, m.append(nil)) }
