// Package creditledger keeps ledgers of prepaid credits: it grants them in blocks with
// their own expiry, cost and filters, spends them in a fixed order, and can say where
// each credit came from and went. It is for programs that sell usage and want
// balances to be exact, history unalterable and retries harmless.
//
// # A worked example
//
// An account is a customer and a currency. The currency is a real one (USD) or, by
// default, the pricing unit credits. An account needs no setting up: its first
// operation makes it.
//
//	store, err := bolt.Open("credits.db", nil)       // creditledger/store/bolt
//	ledger := creditledger.New(store, nil)
//	acme := creditledger.AccountID{Customer: "acme"}
//
// Three grants make three blocks. They pay in this order (DrawdownOrder):
//
//	A   30 credits, expire 1 February, cost 0.10 each
//	B   50 credits, expire 1 March, cost 0.20 each
//	C  100 credits, never expire, cost 0.50 each
//
// Now the customer uses 100:
//
//	res, err := ledger.Do(ctx, acme, creditledger.Decrement{
//		Amount: creditledger.MustAmount("100"),
//	}, "request-7")
//
// The decrement drains A and B and takes the rest from C, and writes one entry for
// each block that paid. An entry tells the account's total before and after:
//
//	decrement  A  30  180 → 150
//	decrement  B  50  150 → 100
//	decrement  C  20  100 →  80
//
// Entries are numbered without gaps, each starts where the one before it ended, and
// none is ever changed. Had the customer used only 70, the last 10 of B would expire,
// and an entry dated 1 March would say so:
//
//	credit_block_expiry  B  10  110 → 100
//
// # Operations
//
// An Operation is a plain struct. Ledger.Do decides it and returns when what it wrote
// is durable; Ledger.Submit returns as soon as it is decided, so that many operations
// can share one commit. Ledger.Preview tells what an operation would write.
//
//   - Increment grants credits, now or later, paid or awaiting payment.
//   - Decrement spends them. Its Overdraft says what becomes of a part that no block
//     covers: OverdraftAllow takes the account below zero, OverdraftReject refuses the whole,
//     and OverdraftStopAtZero takes what there is. The default is the ledger's setting, to
//     allow it unless you change that.
//   - ExpirationChange moves credits of a block to a new block with another expiry.
//   - Void takes back what a block still holds; Amendment gives back what was spent.
//   - Activation lets a block count whose payment has arrived.
//   - Reverse takes back what a charge drew.
//   - Hold sets credits aside for work whose cost is known at its end; ExtendHold, Capture
//     and Release go on with it.
//   - Schedule grants again and again, by the calendar; ChangeSchedule and EndSchedule
//     change that, and end it.
//   - Batch does several on one account at one instant, all or none. Ledger.DoAll does so on
//     several accounts, and Ledger.Transfer moves credits from one to another.
//
// # Reading
//
// Ledger.Balance, Ledger.Blocks and Ledger.Entries read an account, now or as it was;
// Ledger.Explain says which blocks would pay for a charge, and why. An EntriesQuery looks up
// entries by key, item, invoice, block or number, Ledger.AccountsOfBlock the accounts of a
// block, and Ledger.CustomerByExternalID a customer. Lists come in pages. An iterator walks
// all of them:
//
//	for entry, err := range ledger.AllEntries(ctx, acme, creditledger.EntriesQuery{}) {
//
// # JSON
//
// Operations and answers are JSON in the words of operations files (docs/operations.md), so
// that a service can take and give them as they are: encoding/json reads back what it wrote
// as the same value, and refuses what the ledger would refuse. UnmarshalOperation reads an
// operation of any kind.
//
// # Blocks
//
// A Block is an amount of credits granted together. It may be drawn while it is eligible:
// active, effective, and not expired. Filters restrict what it may pay for. The total of an
// account is what its eligible blocks hold; a debt, which only a block without expiry and
// filters can hold, is a negative amount.
//
// No job has to run for credits to expire. An expired block is in no balance from the
// first instant on; its entry is written before the account's next operation, or by
// Ledger.Sweep.
//
// # Idempotency
//
// Every operation may carry a Key. The same key with the same operation returns the first
// result again and writes nothing, for as long as the ledger exists, also when the balance
// would no longer allow it. With another operation it is refused. An operation without a
// key is given one, which stands in its Result and in an OutcomeUnknownError. With it you
// can repeat the operation safely.
//
// # Errors
//
// A call has one of three outcomes. It is done; or it is certainly not done, and nothing
// was written; or nobody knows, because storage failed at the wrong moment or the caller
// stopped waiting. The last one is an OutcomeUnknownError; repeat the operation with the
// key that it names, and the ledger tells what happened.
//
// Refusals are values of a type each, such as InsufficientCreditsError with the
// amounts, and match a sentinel, such as ErrInsufficientCredits. Where an operation
// is wrong in several ways, it is refused for the first of: invalid in itself, a key
// used for something else, not found, an id in use, and whatever the state forbids.
//
// # Dates and clocks
//
// An expiry or effective date is a When: an exact instant (At), or a local day of the
// customer (On), in the time zone that Ledger.PutCustomer recorded. The ledger reads
// the time from Options.Clock. Within an account time never goes back: an operation's
// instant is that of the clock or of the account's last operation, whichever is later.
//
// # Settings
//
// What an operation does not say, the ledger's Settings say. They are kept in the ledger,
// so that all programs that work on it agree: Options.Settings give a new ledger its first
// ones, Ledger.ChangeSettings changes them. What an operation took from them stands in its
// record, and a retry is a retry whatever they are by then.
//
// # Stores
//
// A Ledger decides, a Store remembers. There are stores for one local file
// (creditledger/store/bolt), for PostgreSQL (creditledger/store/postgres) and for
// tests (creditledger/store/memory); creditledger/store/storetest examines any other.
// Ledger.Verify replays a journal from its first record and proves everything that is
// stored.
//
// # Caveats
//
//   - An Amount is a decimal of at most 38 digits, 18 of them after the point, below 10^20.
//     Nothing is ever rounded; what would have to be is an error, and dividing is the
//     caller's affair. Equal amounts are ==; a cost basis keeps the digits it was given, so
//     compare those with Cmp.
//   - Currencies are not converted. An account's amounts are in its own currency, and
//     accounts never affect one another.
//   - What a store returns is not signed. The seals of the journal show that a record was
//     touched; against someone who rewrites a whole journal only a Checkpoint kept
//     elsewhere helps.
//   - Maps and slices in a Result, a Block or an Entry are shared with the ledger. Read
//     them, do not write to them.
//   - Ledgers of several processes may work on one store if the store allows it. They stay
//     correct, but each pays for the other's writes by reading again.
//   - A time zone is looked up when a date is resolved. A program for machines without a
//     zone database imports time/tzdata.
//
// # For stores
//
// A program that uses a ledger needs nothing of this; whoever writes a store does.
//
//   - Store is what the ledger needs. OptimisticStore, ExclusiveStore, LockingStore,
//     PreparingStore and JoinedStore say more of how a store wants to be used. Snapshot is
//     what it shows to verification.
//   - Change is what an account brings to a commit, with Head, StoredBlock, StoredRow (a Row
//     of a RowKind), JournalRecord, RecordTexts and KeyedRecord. State, NumberedBlock and
//     DueAccount are what is read back. AccountKey names a key in a ConflictError.
//   - AppendHead, AppendBlock and AppendRecord write the canonical bytes; DecodeHead,
//     DecodeBlock and DecodeRecord read them. An OpRecord has Effects, which have Lines, and
//     SealedTexts, which have Salts. SealOf is the seal of a record's bytes.
//   - RecordFits tells the ledger's records from others. Rebuild (NewRebuild) replays records
//     on a State with a RebuildHistory, for a store that writes blocks and heads down later
//     than the journal.
//
// The complete rules are in docs/semantics.md, the reasons in docs/design.md, the
// stored form in docs/format.md.
package creditledger
