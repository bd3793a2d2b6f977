package creditledger

// What the tests from outside share with those inside.
var (
	Grant     = grant
	Spend     = spend
	Extend    = extend
	VoidOf    = voidOf
	Amend     = amend
	Expires   = expires
	Effective = effective
	Basis     = basis
	Priority  = priority
	Only      = only
	Except    = except
	Unpaid    = unpaid
	NoRepay   = noRepay
	Item      = item
	Policy    = policy
	LimitedTo = limit
	InstantAt = when
	Story     = story
	Fixture   = fixture
	Random    = randomBytes
	EndOfTime = lastInstant
)
