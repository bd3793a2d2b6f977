package creditledger

import (
	"strconv"
	"strings"

	"github.com/google/uuid"

	"creditledger/internal/uuid7"
)

// Key is an idempotency key, 1 to 255 bytes, unique within its account for as long
// as the entries live. The same key with the same operation returns the first
// result again; with another operation it is refused. The empty Key lets the ledger
// make one. Rule: docs/semantics.md, "Idempotency".
type Key string

// AccountKey names an idempotency key with its account.
type AccountKey struct {
	Account AccountID
	Key     Key
}

// generatedPrefix marks the keys that the ledger makes. They need no index: the key says
// where in the journal the record is that it stands for, and the record's id whether it
// is that one.
const generatedPrefix = "auto-"

func generatedKey(seq uint64, id uuid.UUID) Key {
	const longest = len(generatedPrefix) + uuid7.TextSize + len("-18446744073709551615")
	key := uuid7.AppendText(append(make([]byte, 0, longest), generatedPrefix...), id)
	return Key(strconv.AppendUint(append(key, '-'), seq, 10))
}

// isCallers reports whether a key is no generated one, or there is none.
func (k Key) isCallers() bool {
	_, _, generated := k.generated()
	return !generated
}

// generated takes apart a key that the ledger made.
func (k Key) generated() (seq uint64, id uuid.UUID, ok bool) {
	text, ok := strings.CutPrefix(string(k), generatedPrefix)
	if !ok || len(text) < uuid7.TextSize+len("-1") {
		return 0, uuid.UUID{}, false
	}
	id, errID := uuid.Parse(text[:uuid7.TextSize])
	seq, errSeq := strconv.ParseUint(text[uuid7.TextSize+1:], 10, 64)
	return seq, id, errID == nil && errSeq == nil && id.Version() == 7 && seq > 0 && generatedKey(seq, id) == k
}
