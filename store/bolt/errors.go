package bolt

import (
	"fmt"
	"io/fs"
	"strings"

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

// LockedError is a ledger file or log file that somebody else has open, in a way that does not
// let it be opened now. It matches creditledger.ErrLocked. Nothing was written.
type LockedError struct {
	Path    string
	Process int // that has it open, as far as the system says so; 0: unknown
}

// Error names the file, the process if it is known, and what to do.
func (e *LockedError) Error() string {
	by := ""
	if e.Process != 0 {
		by = fmt.Sprintf(" %d", e.Process)
	}
	what := ""
	if strings.HasSuffix(e.Path, logSuffix) {
		what = ", which had the ledger file open that this one was put in the place of"
	}
	return fmt.Sprintf("%s: %v%s%s (or open in this one already): close it there, or raise LockTimeout to wait longer",
		e.Path, creditledger.ErrLocked, by, what)
}

// Is matches creditledger.ErrLocked.
func (e *LockedError) Is(target error) bool { return target == creditledger.ErrLocked }

func corrupt(where, reason string) error {
	return &creditledger.CorruptError{Where: where, Reason: reason}
}
