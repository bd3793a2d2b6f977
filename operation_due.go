package creditledger

// fallenDue is an operation of the ledger's own, which nobody can ask for: what fell due
// at one instant at which a schedule grants. In order, it has the periods of which
// nothing is granted (begin), what is carried (carry), what expires (expire), and the
// grants (begin). What expires at one instant may be divided among several records.
type fallenDue []Operation

// begin is a part of fallenDue: a period of a schedule begins, and is granted.
type begin struct {
	ScheduleID string
	onset
	CostBasis   CostBasis // of the grant
	Description string
	Metadata    map[string]string
}

// carry is a part of fallenDue: the free part of a block that expires goes on into the
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

// onset is the beginning of a period by the calendar.
type onset struct {
	Period  int64
	Begin   Instant // beginning of the period, even if the first one is granted later
	Until   Instant // its end
	Next    Instant // of the next grant; none: there is none
	Expires Instant // of the grant; none: never
	Empty   bool    // nothing is granted
}
