package postgres

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"fmt"

	"creditledger"
)

// A document of an upper layer stands in no journal. So it has a token. Random bytes in
// it tell one put from another, and verification reads a check of the row in it. The
// check shows accidents. Whoever can write the table can write the check, too.
const (
	tokenRandom = 16
	tokenCheck  = 16
)

// newToken is the token of a put. Tokens of earlier releases are the random bytes alone.
func newToken(p *creditledger.DocumentPut) ([]byte, error) {
	token := make([]byte, tokenRandom, tokenRandom+tokenCheck)
	if _, err := rand.Read(token); err != nil {
		return nil, err
	}
	return append(token, rowCheck(token, p.DocumentID, p.Next(), p.Value)...), nil
}

func rowCheck(random []byte, id creditledger.DocumentID, version uint64, value []byte) []byte {
	h := sha256.New()
	h.Write(random)
	for _, n := range []int{len(id.Kind), len(id.Key)} {
		h.Write(binary.BigEndian.AppendUint64(nil, uint64(n)))
	}
	h.Write([]byte(id.Kind + id.Key))
	h.Write(binary.BigEndian.AppendUint64(nil, version))
	h.Write(value)
	return h.Sum(nil)[:tokenCheck]
}

// recordsPage is how many records are read at once; they may be large.
const recordsPage = 64

// checkRecords compares the documents of a kind with their checks. It returns the next
// kind, empty at the end.
func (r *reads) checkRecords(ctx context.Context, c client, kind string) (next string, err error) {
	var key, value, token []byte
	var version int64
	after := []byte{}
	if err := r.checkNames(ctx, c, kind); err != nil {
		return "", err
	}
	for read := recordsPage; read == recordsPage && kind != ""; {
		read = 0
		err := query(ctx, c, r.sql.recordRows, []any{kind, after, int64(recordsPage)}, []any{&key, &version, &value, &token}, func() error {
			read++
			after = append([]byte{}, key...)
			id := creditledger.DocumentID{Kind: kind, Key: string(key)}
			checked := len(token) != tokenRandom
			if checked && (len(token) != tokenRandom+tokenCheck ||
				string(token[tokenRandom:]) != string(rowCheck(token[:tokenRandom], id, uint64(version), value))) {
				return &creditledger.CorruptError{Where: fmt.Sprintf("%s record %q", kind, key), Reason: "is not what was put: its check differs"}
			}
			return nil
		})
		if err != nil {
			return "", err
		}
	}
	err = query(ctx, c, r.sql.nextKind, []any{kind}, []any{&next}, func() error { return nil })
	return next, err
}

// checkNames looks for records without a kind or a key, before which no page begins.
func (r *reads) checkNames(ctx context.Context, c client, kind string) error {
	last := []byte{} // the last of the keys that no document may have
	if kind == "" {
		last = []byte{0xff} // greater than any text
	}
	var version int64
	return query(ctx, c, r.sql.emptyRecord, []any{kind, last}, []any{&version}, func() error {
		return stray(creditledger.AccountID{}, "records: a row of kind %q without a name should not be there", kind)
	})
}
