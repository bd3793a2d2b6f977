package bolt

import (
	"context"
	"errors"

	"creditledger"
)

// This file has what a recovery does about the settings of the ledger, and what it writes
// by them.

// settingsInto notes whether the settings that were found are those that the damaged
// ledger went by. If they were lost, their head, which was copied as it is, makes the new
// ledger miss them. If nothing says whether they were the last, they get a head that does
// not fit them.
func (s *scan) settingsInto(ctx context.Context, l *creditledger.Ledger) error {
	is, err := l.Settings(ctx)
	var lost *creditledger.CorruptError
	switch {
	case errors.As(err, &lost):
		s.leavesOpen("the settings of the ledger are lost (%s); it refuses work until they are replaced", lost.Reason)
		return nil
	case err != nil:
		return err
	case s.headless():
		s.leavesOpen("nothing shows whether the settings of the ledger are those stored last")
		_, err = l.ReplaceSettings(ctx, is)
	}
	return err
}

// The kinds of the documents with the settings of a ledger, and with their head.
const (
	settingsKind     = "ledger_settings"
	settingsHeadKind = "settings_head"
)

// headless reports whether settings were found that had a head, and no head.
func (s *scan) headless() bool {
	const last = 1 // format of settings that have none
	headed := false
	for id, v := range s.records {
		switch id.Kind {
		case settingsHeadKind:
			return false
		case settingsKind:
			headed = len(v.value) > 0 && v.value[0] > last
		}
	}
	return headed
}

// notesInto notes which texts are lost. A note writes what is due first, by the settings
// that were found, even if they turn out not to be the last.
func notesInto(ctx context.Context, l *creditledger.Ledger, r *Recovery) error {
	for i := range r.Accounts {
		a := &r.Accounts[i]
		if a.Recovered == 0 {
			continue
		}
		texts, err := l.NoteLoss(ctx, a.Account)
		if err != nil {
			return err
		}
		a.Texts += texts
	}
	return nil
}
