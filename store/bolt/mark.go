package bolt

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"slices"

	"creditledger/internal/onelog"
)

// mark is what the database says of the log file beside it: whether commits may be in it that
// are not in the database, which file it is, and the names of the turns in its halves. If it
// is in use, the first of these is the oldest turn that is not folded, which may not have
// begun; otherwise all are folded, and a file that holds nothing else was left behind.
type mark struct {
	inUse bool
	size  int64 // of the file
	id    onelog.ID
	turns []onelog.Token
}

// markTurns is how many turns are named: those in the two halves, and one that has not begun;
// one more where somebody who wrote no log has read it.
const markTurns = 4

// markOf is the mark of a log whose oldest turn that is not folded is one that begins.
func markOf(l *logFile, oldest onelog.Token) mark {
	return mark{inUse: true, size: l.info.Size(), id: l.ID(), turns: named(oldest, l.Names())}
}

// named are a turn and others, each once.
func named(first onelog.Token, others []onelog.Token) []onelog.Token {
	list := []onelog.Token{first}
	for _, t := range others {
		if !slices.Contains(list, t) {
			list = append(list, t)
		}
	}
	return list
}

// unused is the mark of a log when all is in the database.
func (l *logFile) unused() mark {
	return mark{size: l.info.Size(), id: l.ID(), turns: l.Names()}
}

const (
	markFront = 1 + 8 + len(onelog.ID{})
	markSum   = 8 // front of the SHA-256 of what stands before it: bbolt's pages have none
)

func (m mark) append(dst []byte) []byte {
	begin := len(dst)
	used := byte(0)
	if m.inUse {
		used = 1
	}
	dst = binary.BigEndian.AppendUint64(append(dst, used), uint64(m.size))
	dst = append(dst, m.id[:]...)
	for _, t := range m.turns {
		dst = append(dst, t[:]...)
	}
	sum := sha256.Sum256(dst[begin:])
	return append(dst, sum[:markSum]...)
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
	damaged := corrupt("meta", "what it says of the log file is damaged")
	end := len(value) - markSum
	if end < markFront {
		return m, damaged
	}
	if sum := sha256.Sum256(value[:end]); !bytes.Equal(sum[:markSum], value[end:]) {
		return m, damaged
	}
	m.inUse, m.size = value[0] == 1, int64(binary.BigEndian.Uint64(value[1:]))
	m.id = onelog.ID(value[markFront-len(m.id) : markFront])
	const size = len(onelog.Token{})
	for at := markFront; at+size <= end; at += size {
		m.turns = append(m.turns, onelog.Token(value[at:at+size]))
	}
	if m.size < 0 || m.size > maxLogSize || len(m.turns) > markTurns || m.inUse && len(m.turns) == 0 {
		return m, damaged
	}
	return m, nil
}

func (w *writer) mark(m mark) { w.put(bucketMeta, keyLog, m.append(nil)) }
