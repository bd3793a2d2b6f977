package creditledger

import (
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"io"
	"slices"
	"sync"

	"github.com/google/uuid"

	"creditledger/internal/uuid7"
)

// idSource draws the randomness of ids, a buffer at a time.
type idSource struct {
	mu     sync.Mutex
	random io.Reader
	buf    [640]byte
	left   []byte
	secret [sha256.Size]byte // hash of the first buffer; zero: nothing was drawn yet
}

// randomBits are the random part of an id.
type randomBits [10]byte

// draw returns the bits for the ids of one request. Every request draws once, before it
// is decided. So later ids do not depend on whether a request is refused or a replay, nor
// on when the ledger finds that out.
func (s *idSource) draw() (bits randomBits, err error) {
	return bits, s.read(bits[:])
}

// salt returns the bits for the salts of a request with texts. Such a request draws once
// more.
func (s *idSource) salt(op Operation) (salt Salt, err error) {
	if !hasText(op) && !changesSchedule(op) {
		return salt, nil
	}
	return salt, s.read(salt[:])
}

// saltOf returns bits for the salts of a request that draws none. Nobody can work them
// out from its ids. Ids show 74 of the 80 bits that a request draws, but the secret is
// the hash of 64 draws.
func (s *idSource) saltOf(bits randomBits) (salt Salt) {
	s.mu.Lock()
	defer s.mu.Unlock()
	sum := sha256.Sum256(append(s.secret[:], bits[:]...))
	copy(salt[:], sum[:])
	return salt
}

// changesSchedule reports whether an operation, or one in a batch, changes a schedule.
// Its record repeats the texts of the schedule.
func changesSchedule(op Operation) bool {
	if b, ok := op.(Batch); ok {
		return slices.ContainsFunc(b, changesSchedule)
	}
	_, ok := op.(ChangeSchedule)
	return ok
}

func (s *idSource) read(bits []byte) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.left) < len(bits) {
		if _, err := io.ReadFull(s.random, s.buf[:]); err != nil {
			return fmt.Errorf("making an id: %w", err)
		}
		s.left = s.buf[:]
		if s.secret == ([sha256.Size]byte{}) {
			s.secret = sha256.Sum256(s.buf[:])
		}
	}
	s.left = s.left[copy(bits, s.left):]
	return nil
}

// nextID makes the next id of a request. The first is made of the bits that were drawn,
// and each other one of their hash with a number.
func (r *request) nextID(at Instant) uuid.UUID {
	bits := r.bits
	if r.ids > 0 {
		sum := sha256.Sum256(binary.BigEndian.AppendUint32(bits[:len(bits):len(bits)], r.ids))
		copy(bits[:], sum[:])
	}
	r.ids++
	return uuid7.New(at.Time().UnixMilli(), bits)
}
