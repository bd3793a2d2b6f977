package creditledger

// fallenDue is the ledger's own operation: what fell due at one instant at which a schedule
// grants, in order. Nobody can ask for it. It holds periods that nothing is granted of
// (begin), carry, expire, and the grants (begin); what expires at one instant may stand in
// several records.
type fallenDue []Operation

// begin is a part of fallenDue: a period of a schedule begins, and is granted.
type begin struct {
	ScheduleID string
	onset
	CostBasis   CostBasis // of the grant
	Description string
	Metadata    map[string]string
}

// carry is a part of fallenDue: what is free of a block whose time has come goes on into the
// period that begins.
type carry struct {
	ScheduleID  string
	Block       uint64  // its number
	Expires     Instant // of what is carried
	Description string
	Metadata    map[string]string
}

// Name returns "due".
func (fallenDue) Name() string { return "due" }

// Name returns "begin".
func (begin) Name() string { return "begin" }

// Name returns "carry".
func (carry) Name() string { return "carry" }

func (fallenDue) check() error { return notAsked() }
func (begin) check() error     { return notAsked() }
func (carry) check() error     { return notAsked() }

func notAsked() error { return invalid("op", "what falls due cannot be asked for") }

// onset is what the calendar gives of the beginning of a period.
type onset struct {
	Period  int64
	Begin   Instant // of the period, also where the first one is granted later than that
	Until   Instant // its end
	Next    Instant // of the next grant; none: there is none
	Expires Instant // of the grant; none: never
	Empty   bool    // nothing is granted
}
