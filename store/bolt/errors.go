package bolt

import (
	"io/fs"

	"creditledger"
)

// FileError is a path that Open refuses to use as a ledger, or that no longer names
// the file a store has open. Nothing was written.
type FileError struct {
	Path   string
	Reason string // what is wrong, and what to do about it

	// Mode is the mode of a ledger that is refused because users other than its owner may
	// read or write it; 0 when something else is wrong.
	Mode fs.FileMode
}

// Error names the path and what is wrong with it.
func (e *FileError) Error() string { return "ledger file " + e.Path + ": " + e.Reason }

func corrupt(where, reason string) error {
	return &creditledger.CorruptError{Where: where, Reason: reason}
}
