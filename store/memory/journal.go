package memory

// recordChunk is how many records a chunk of a journal has.
const recordChunk = 512

// journal is the bytes of an account's records by their numbers, from 1, in chunks: it
// grows without being copied, and a copy shares what is there with it.
type journal struct {
	chunks [][][]byte // all full but the last
}

func (j *journal) len() uint64 {
	n := len(j.chunks)
	if n == 0 {
		return 0
	}
	return uint64((n-1)*recordChunk + len(j.chunks[n-1]))
}

func (j *journal) add(record []byte) {
	n := len(j.chunks)
	if n == 0 || len(j.chunks[n-1]) == recordChunk {
		var chunk [][]byte // the first grows with a small account
		if n > 0 {
			chunk = make([][]byte, 0, recordChunk)
		}
		j.chunks = append(j.chunks, chunk)
		n++
	}
	j.chunks[n-1] = append(j.chunks[n-1], record)
}

// record returns the one with a number, which is there.
func (j *journal) record(seq uint64) []byte {
	return j.chunks[(seq-1)/recordChunk][(seq-1)%recordChunk]
}

// copied is the journal as it is now. Records are never changed.
func (j *journal) copied() journal { return journal{chunks: append([][][]byte(nil), j.chunks...)} }
