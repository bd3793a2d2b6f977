package transfer

import (
	"errors"
	"fmt"

	"creditledger"
)

// ErrTarget is matched by every TargetError.
var ErrTarget = errors.New("the target holds something else than a part of the source")

// ErrSourceMoved is matched by the error of a copy whose source was written to
// meanwhile. Copying again takes what is new.
var ErrSourceMoved = errors.New("the source was written to while it was copied")

// TargetError says what the target holds that the source does not have, or has in another
// form. It is found before anything is written, unless somebody else writes to the target.
type TargetError struct {
	Account creditledger.AccountID  // zero: it is about Record
	Record  creditledger.DocumentID // zero: it is about Account
	Reason  string
}

func (e *TargetError) Error() string {
	what := "account " + e.Account.String()
	if e.Account == (creditledger.AccountID{}) {
		what = fmt.Sprintf("%s record %q", e.Record.Kind, e.Record.Key)
	}
	return what + " of the target " + e.Reason
}

// Is matches ErrTarget.
func (e *TargetError) Is(target error) bool { return target == ErrTarget }
