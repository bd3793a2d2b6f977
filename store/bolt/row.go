package bolt

import (
	"crypto/sha256"
	"encoding/binary"
	"fmt"

	"creditledger"
)

// Documents of upper layers stand in no journal, and bbolt's pages have no checksums. So
// the row of a document has a check of its content and of its place. The check shows
// accidents. Whoever can write the file can write the check, too.

// checked is a bit of the version at the beginning of a row. It says that a check
// follows. Rows of layout 1 have none until they are put again.
const checked = 1 << 63

// appendRow appends a row of the bucket of records.
func appendRow(key []byte, version uint64, value []byte) []byte {
	row := make([]byte, 0, 2*numberSize+len(value))
	row = binary.BigEndian.AppendUint64(row, version|checked)
	row = append(row, rowCheck(key, version, value)...)
	return append(row, value...)
}

// parseRow reads what appendRow wrote, or a row of layout 1.
func parseRow(id creditledger.DocumentID, key, row []byte) (creditledger.Document, error) {
	damaged := func(reason string) (creditledger.Document, error) {
		return creditledger.Document{}, corrupt(fmt.Sprintf("%s record %q", id.Kind, id.Key), reason)
	}
	if len(row) < numberSize || binary.BigEndian.Uint64(row)&^checked == 0 {
		return damaged("has no version")
	}
	version, value := binary.BigEndian.Uint64(row), row[numberSize:]
	marked := version&checked != 0
	version &^= checked
	if fits := len(value) >= numberSize && string(value[:numberSize]) == string(rowCheck(key, version, value[numberSize:])); fits != marked {
		return damaged("is not what was put: its check differs, or it has one that is not announced")
	}
	if marked {
		value = value[numberSize:]
	}
	return creditledger.Document{DocumentID: id, Version: version, Value: bytesOf(value)}, nil
}

// ownRow reports whether a row begins like a row with a check, whether it says that it
// has one or not.
func ownRow(row []byte) bool {
	return len(row) >= 2*numberSize && row[0]&^(checked>>56) == 0 && row[1] == 0 && row[2] == 0
}

// checkedRow reports whether a row says that it has a check.
func checkedRow(row []byte) bool { return ownRow(row) && row[0] == checked>>56 }

func rowCheck(key []byte, version uint64, value []byte) []byte {
	h := sha256.New()
	h.Write(binary.BigEndian.AppendUint64(nil, version))
	h.Write(binary.BigEndian.AppendUint64(nil, uint64(len(key))))
	h.Write(key)
	h.Write(value)
	return h.Sum(nil)[:numberSize]
}
