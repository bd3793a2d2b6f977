package onelog

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"io"
)

// page is what a frame begins at a multiple of. Frames do not share a page, because a disk
// may lose a sector that it was writing, and with it all that stood there before.
const page = 4096

const (
	sumSize    = 16
	headerSize = len(Token{}) + sumSize + 8 + 4 + 4 + sumSize
	sumAt      = headerSize - sumSize
)

// Token names one turn: one use of one half of a log.
type Token [16]byte

// sum is the front of the SHA-256 of a frame.
type sum [sumSize]byte

// following is the token of the turn after one whose last frame has that sum. So a turn
// follows the very one that it was written after.
func (t Token) following(last sum) (next Token) {
	h := sha256.New()
	h.Write(t[:])
	h.Write(last[:])
	copy(next[:], h.Sum(nil))
	return next
}

// Frame is one commit in the log.
type Frame struct {
	// Number is the one that the commit was given.
	Number  uint64
	Payload []byte

	before, sum sum
}

// frameSize is how much of the log a payload takes.
func frameSize(payload int) int64 {
	return (int64(headerSize) + int64(payload) + page - 1) / page * page
}

// appendFrame appends a frame and the zeros up to the next page.
func appendFrame(dst []byte, token Token, before sum, number uint64, payload []byte) []byte {
	begin := len(dst)
	dst = append(append(dst, token[:]...), before[:]...)
	dst = binary.BigEndian.AppendUint64(dst, number)
	dst = binary.BigEndian.AppendUint32(dst, uint32(len(payload)))
	dst = append(dst, 0, 0, 0, 0)
	s := sumOf(dst[begin:], payload)
	dst = append(append(dst, s[:]...), payload...)
	return append(dst, make([]byte, begin+int(frameSize(len(payload)))-len(dst))...)
}

func sumOf(front, payload []byte) (s sum) {
	h := sha256.New()
	h.Write(front)
	h.Write(payload)
	var room [sha256.Size]byte
	copy(s[:], h.Sum(room[:0]))
	return s
}

// parseFrame reads the frame that data begins with, and the token of its turn; false if
// there is none that is whole. The payload is in data's memory.
func parseFrame(data []byte) (f Frame, token Token, ok bool) {
	if len(data) < headerSize {
		return f, token, false
	}
	copy(token[:], data)
	copy(f.before[:], data[len(token):])
	front := data[len(token)+sumSize : sumAt]
	f.Number = binary.BigEndian.Uint64(front)
	length := uint64(binary.BigEndian.Uint32(front[8:]))
	if !bytes.Equal(front[12:], make([]byte, 4)) || length > uint64(len(data)-headerSize) {
		return f, token, false
	}
	f.Payload = data[headerSize : headerSize+int(length) : headerSize+int(length)]
	f.sum = sumOf(data[:sumAt], f.Payload)
	return f, token, bytes.Equal(f.sum[:], data[sumAt:headerSize])
}

// ID tells a log file from all others.
type ID [16]byte

// magic begins every log file; the id and the front of the SHA-256 of both follow.
const magic = "creditledger log"

func appendFront(dst []byte, id ID) []byte {
	dst = append(append(dst, magic...), id[:]...)
	s := sumOf(dst, nil)
	return append(dst, s[:]...)
}

// Identify reads which log file this is; false if it is none.
func Identify(r io.ReaderAt) (id ID, ok bool) {
	front := make([]byte, len(magic)+len(id)+sumSize)
	if _, err := r.ReadAt(front, 0); err != nil {
		return id, false
	}
	copy(id[:], front[len(magic):])
	return id, bytes.Equal(front, appendFront(nil, id))
}
