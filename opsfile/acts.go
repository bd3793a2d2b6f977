package opsfile

import (
	"strconv"

	"creditledger"
)

// Act asks for several operations on several accounts, all of them or none.
type Act struct {
	Operations []creditledger.AccountOperation
}

func readAct(f *fields, r *Request) {
	const key = "operations"
	r.Key = f.key()
	f.require(key)
	v, ok := f.take(key, kindArray)
	switch {
	case ok && len(v.items) == 0:
		f.refuse(key, "is empty")
	case len(v.items) > creditledger.MaxBatch:
		f.refuse(key, "has %d operations, more than %d", len(v.items), creditledger.MaxBatch)
		return
	}
	act := Act{Operations: make([]creditledger.AccountOperation, len(v.items))}
	for i, item := range v.items {
		at := key + "[" + strconv.Itoa(i) + "]"
		if item.kind != kindObject {
			f.refuse(at, "is %s, not an object", item.kind)
			continue
		}
		inner := &fields{path: append(f.path[:len(f.path):len(f.path)], at), members: item.members}
		op, err := inner.op()
		read := writers[op]
		if err != nil || read == nil || op == "batch" {
			f.refuse(at, "its op is not one of the writing operations that may stand in an act")
			continue
		}
		act.Operations[i].Account = inner.accountID()
		act.Operations[i].Operation = read(inner)
		f.adopt(inner)
	}
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

// accountIn reads an account that is an object of its own.
func (f *fields) accountIn(key string) creditledger.AccountID {
	f.require(key)
	v, ok := f.take(key, kindObject)
	if !ok {
		return creditledger.AccountID{}
	}
	inner := &fields{path: append(f.path[:len(f.path):len(f.path)], key), members: v.members}
	id := inner.accountID()
	f.adopt(inner)
	return id
}

func (f *fields) accountID() creditledger.AccountID {
	return creditledger.AccountID{Customer: f.requiredID("customer_id"), Currency: f.currency()}
}
