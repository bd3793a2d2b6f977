package opsfile

import "creditledger"

// Act asks for several operations on several accounts, all of them or none.
type Act struct {
	Operations []creditledger.AccountOperation
}

func readAct(f *fields, r *Request) {
	var act Act
	r.Key = f.key()
	f.eachOperation("an act", func(inner *fields, read func(*fields) creditledger.Operation) {
		act.Operations = append(act.Operations, creditledger.AccountOperation{Account: inner.accountID(), Operation: read(inner)})
	})
	r.Args = act
}

func readTransfer(f *fields, r *Request) {
	r.Key = f.key()
	r.Args = creditledger.Transfer{
		From:        f.accountIn("from"),
		To:          f.accountIn("to"),
		Amount:      f.positive("amount"),
		BlockID:     f.id("block_id"),
		Description: f.description(),
		Metadata:    f.metadata("metadata"),
	}
}

// accountIn reads an account that is given as an object.
func (f *fields) accountIn(key string) creditledger.AccountID {
	f.require(key)
	v, ok := f.take(key, kindObject)
	if !ok {
		return creditledger.AccountID{}
	}
	inner := f.inside(key, v.members)
	id := inner.accountID()
	f.adopt(inner)
	return id
}

func (f *fields) accountID() creditledger.AccountID {
	return creditledger.AccountID{Customer: f.requiredCustomer(), Currency: f.currency()}
}
