package invoice

import "creditledger"

// changes proves that the change which is current for an account is there, and that one
// that is still pending is the current one. Both are written in one commit, and the next
// change is made only when the one before is not pending any more.
func (x *examiner) changes() error {
	err := x.each(kindChangeNow, "", func(rec *creditledger.Document) error {
		var now current
		if err := decode(rec, &now); err != nil {
			return err
		}
		ch, err := fetch[Change](x.ctx, x.s, kindChange, now.ID, "change")
		if isNotFound(err) || err == nil && ch.Account.Customer+separator+ch.Account.Currency != rec.Key {
			return violation("change "+clip(now.ID), "it is the current one of %q, and is not there, or is another account's", clip(rec.Key))
		}
		return err
	})
	if err != nil {
		return err
	}
	return x.each(kindChange, "", func(rec *creditledger.Document) error {
		var ch Change
		if err := decode(rec, &ch); err != nil {
			return err
		}
		if ch.ID != rec.Key {
			return violation("change "+clip(rec.Key), "it says that it is %s", clip(ch.ID))
		}
		return x.current(&ch)
	})
}

// current checks that a pending change is the current one of its account.
func (x *examiner) current(ch *Change) error {
	at, err := x.s.ledger.Now()
	if err != nil || ch.at(at).Status != ChangePending {
		return err
	}
	now, err := fetch[current](x.ctx, x.s, kindChangeNow, ch.Account.Customer+separator+ch.Account.Currency, "change")
	if err != nil && !isNotFound(err) || err == nil && now.ID == ch.ID {
		return err
	}
	again, err := fetch[Change](x.ctx, x.s, kindChange, ch.ID, "change")
	if err == nil && again.at(at).Status == ChangePending {
		err = violation("change "+clip(ch.ID), "it is pending, and is not the current one of its account")
	}
	return err
}
