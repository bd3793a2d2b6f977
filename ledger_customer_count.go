package creditledger

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
)

// Customers stand in no journal. So by itself nothing would miss a customer that is gone,
// or notice one that was set back to an earlier state. Therefore each put of a customer
// is counted twice, in one commit: in the customer, and in a count of all puts of its
// part. There are 256 parts, and the customer's id decides which one it is in.
// Verification adds up what the customers say and compares the sum with the counts.
// Programs that put customers of different parts at once are not in conflict.
const customerCount = "customer_count"

// count tells how many puts there were since it began. A count may begin anew, because
// recovery left it out. So it is named by the instant at which it began, and puts that
// were counted under another name do not matter.
type count struct {
	began Instant
	puts  uint64
}

const countFormat = 1

// partOf names the count that the puts of a customer belong to.
func partOf(customer string) DocumentID {
	sum := sha256.Sum256([]byte(customer))
	return DocumentID{Kind: customerCount, Key: hex.EncodeToString(sum[:1])}
}

func appendCount(dst []byte, c count) []byte {
	dst = appendInstant(append(dst, countFormat), c.began)
	return binary.AppendUvarint(dst, c.puts)
}

func decodeCount(data []byte) (count, error) {
	r := reader{data: data}
	r.version(countFormat, countFormat)
	c := count{began: r.instant(), puts: r.uvarint()}
	return c, r.finish("count")
}

// countOf returns the stored count of a part. If its document has no version, there is
// none.
func (l *Ledger) countOf(ctx context.Context, id DocumentID) (count, Document, error) {
	rec, err := l.store.Document(ctx, id)
	if isNotFound(err) {
		return count{}, Document{DocumentID: id}, nil
	}
	if err != nil {
		return count{}, rec, err
	}
	c, err := decodeCount(rec.Value)
	return c, rec, err
}

// storeCustomer stores a customer in the place of was and counts the put. Other puts go
// out in the same commit. It calls landed once the commit has ended.
func (l *Ledger) storeCustomer(ctx context.Context, c *Customer, was *Document, others []DocumentPut, landed func()) error {
	all, counted, err := l.countOf(ctx, partOf(c.ID))
	if err != nil {
		return err
	}
	if counted.Version == 0 {
		if all.began, err = l.now(); err != nil {
			return err
		}
	}
	var own count
	if was.Version > 0 {
		if _, own, err = decodeCounted(was.Value); err != nil {
			return err
		}
	}
	if own.began != all.began {
		own = count{began: all.began}
	}
	own.puts, all.puts = own.puts+1, all.puts+1
	puts := append(others,
		DocumentPut{DocumentID: DocumentID{Kind: customerKind, Key: c.ID}, Expect: was.Version, Prev: was.Seal(), Value: appendCounted(nil, c, own)},
		DocumentPut{DocumentID: counted.DocumentID, Expect: counted.Version, Prev: counted.Seal(), Value: appendCount(nil, all)})
	return l.commitDocuments(ctx, puts, landed)
}
