package bolt

import (
	"context"
	"encoding/binary"
	"io"

	"go.etcd.io/bbolt"
)

// blanking is a writer that a database is written through, page by page. It writes zeros
// in the place of unused pages, because bbolt leaves there what was overwritten, and so
// also what was erased.
type blanking struct {
	to   io.Writer
	used pageSet
	page uint64 // the next page
	keep uint64 // how many overflow pages of a freelist follow
	part []byte // of the page
	size int    // of a page
}

// blanking returns a writer that knows which pages a transaction uses.
func (s *Store) blanking(ctx context.Context, tx *bbolt.Tx, w io.Writer) (*blanking, error) {
	size := uint64(s.db.Info().PageSize)
	m := meta{pageSize: size, root: uint64(tx.Cursor().Bucket().Root()), pages: uint64(tx.Size()) / size}
	walk := newWalk(ctx, s.file, m)
	if err := walk.visit(node{page: m.root}); err != nil {
		return nil, err
	}
	return &blanking{to: w, used: walk.used, size: int(size), part: make([]byte, 0, size)}, nil
}

// Write implements io.Writer.
func (b *blanking) Write(data []byte) (n int, err error) {
	for len(data) > 0 {
		take := min(len(data), b.size-len(b.part))
		b.part = append(b.part, data[:take]...)
		data = data[take:]
		n += take
		if len(b.part) < b.size {
			break
		}
		if !b.holds() {
			clear(b.part)
		}
		if _, err := b.to.Write(b.part); err != nil {
			return n, err
		}
		b.page, b.part = b.page+1, b.part[:0]
	}
	return n, nil
}

// holds reports whether the present page is in use. The list of free pages is in no tree.
// It has numbers only, so it is written too.
func (b *blanking) holds() bool {
	switch {
	case b.used.has(b.page):
		return true
	case b.keep > 0:
		b.keep--
		return true
	case binary.NativeEndian.Uint16(b.part[8:]) == flagFreelist && binary.NativeEndian.Uint64(b.part) == b.page:
		b.keep = uint64(binary.NativeEndian.Uint32(b.part[12:]))
		return true
	}
	return false
}
