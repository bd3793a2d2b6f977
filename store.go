package creditledger

import (
	"cmp"
	"context"
)

// Store remembers what the ledger decides. It knows no rule: it keeps heads, blocks,
// journal records, idempotency keys and documents, and changes them
// all or not at all.
//
// A Store may be called by any number of goroutines at once. Everything it is given stays
// the caller's and must be copied if kept; everything it returns is the caller's, to keep
// and to change. A call whose ctx is over already is refused at once, a read too. A call
// that waits for its turn ends when ctx ends. A Commit that has begun to write is finished
// whatever ctx says. A page shorter than its limit is the last one. Changes that break what
// the caller guarantees are refused with an InvalidError.
//
// Reads return what was committed when they began or later, never part of a Commit.
// Package storetest examines all of this.
type Store interface {
	// Load returns the account's head and all its open blocks and rows, in any order, from
	// one snapshot. An account whose Head.Rows is 0 has no rows. An account that was never written gives a Head with Version 0
	// and no error. When the stored head has the version and the seal of have it may
	// return nil instead: the caller already has that state. A have of nil is none; the
	// store does not keep it.
	Load(ctx context.Context, id AccountID, have *Head) (*State, error)

	// Commit applies all changes or none, durably: when it returns nil they survive
	// a crash. Changes name each account at most once, and each document at most once.
	// The caller guarantees that journal records continue at Version+1, dense, that
	// there is at least one, and that Head.Version is the last of them.
	//
	// It returns a ConflictError, and nothing is written, when an account is not at the
	// Version and the Prev that a change was computed from, when one of the keys or block
	// ids to be added is already stored for that account, or when a document is not at the
	// version, or not of the seal, that its put expects. It returns an OutcomeUnknownError
	// when it cannot tell whether the changes are stored; a store that nobody shares then
	// refuses further work with ErrPoisoned until it is reopened, one that is shared finds
	// out by the versions and seals. Any other error means: nothing was written.
	Commit(ctx context.Context, changes []Change) error

	// Block returns the block of the account with that id; a NotFoundError when the
	// account has none.
	Block(ctx context.Context, id AccountID, blockID string) (Block, error)

	// BlocksByID returns the blocks of the account with those ids, in the order asked,
	// leaving out those that the account does not have. However many are asked for, it is
	// one question.
	BlocksByID(ctx context.Context, id AccountID, blockIDs []string) ([]Block, error)

	// Blocks returns up to limit blocks of the account, open or not, in creation
	// order, starting with number from.
	Blocks(ctx context.Context, id AccountID, from uint64, limit int) ([]Block, error)

	// AccountsOfBlock returns up to limit accounts that have a block with that id, open or
	// not, in order, after the given one: ids are unique within an account only.
	AccountsOfBlock(ctx context.Context, blockID string, after AccountID, limit int) ([]AccountID, error)

	// HasExpiry reports whether the account has a block, open or not, that expires at an
	// instant. However many blocks there are, it is as fast.
	HasExpiry(ctx context.Context, id AccountID, at Instant) (bool, error)

	// BlocksByNumber returns the blocks with those numbers, in the order asked;
	// a NotFoundError when one is missing.
	BlocksByNumber(ctx context.Context, id AccountID, numbers []uint64) ([]Block, error)

	// Journal returns up to limit journal records of the account with their texts: with
	// reverse false those with Seq ≥ from, ascending; with reverse true those with
	// Seq ≤ from, descending.
	Journal(ctx context.Context, id AccountID, from uint64, limit int, reverse bool) ([]JournalRecord, error)

	// KeySeq returns the sequence number of the journal record that an idempotency
	// key of the account stands for, 0 when there is none.
	KeySeq(ctx context.Context, id AccountID, key Key) (uint64, error)

	// RowsByKey returns the rows of one kind of the account with those keys, in the order
	// asked, without those that the account has not. However many are asked for, it is one
	// question.
	RowsByKey(ctx context.Context, id AccountID, kind RowKind, keys []string) ([]Row, error)

	// Rows returns up to limit rows of one kind of the account, open or not, in byte order
	// of their keys, after the key after (empty: from the first).
	Rows(ctx context.Context, id AccountID, kind RowKind, after string, limit int) ([]Row, error)

	// Due returns up to limit accounts whose Head.NextDue is set and ≤ by, in the order of
	// DueAccount.Compare, after the given one (zero: from the first), which need not be
	// due. What it costs goes by what it returns, however many accounts are due.
	Due(ctx context.Context, by Instant, after DueAccount, limit int) ([]DueAccount, error)

	// Accounts returns up to limit accounts, in order, after the given one.
	Accounts(ctx context.Context, after AccountID, limit int) ([]AccountID, error)

	// Document returns a document of an upper layer; a NotFoundError when there is none.
	Document(ctx context.Context, id DocumentID) (Document, error)

	// Documents returns up to limit documents of a kind whose keys begin with prefix,
	// in byte order of their keys, after the key after (empty: from the first).
	Documents(ctx context.Context, kind, prefix, after string, limit int) ([]Document, error)

	// Snapshot calls f with all that is stored of the account, as of one moment, and
	// returns f's error; it may call f again, with a later moment, after trouble with
	// reading. Commits go on meanwhile. f calls no other method of the store.
	Snapshot(ctx context.Context, id AccountID, f func(Snapshot) error) error

	// CheckStrays looks for what no Snapshot of a listed account shows: rows of no
	// account, rows of the store's own that should not be there, and documents
	// that are not what was put. It returns a Violation, or a CorruptError, for
	// the first. Commits go on meanwhile, and what they write is no finding.
	CheckStrays(ctx context.Context) error
}

// OptimisticStore is a Store that the ledger asks as little as it can, because an answer
// costs much: the store is far away and other processes write to it as well, or an answer
// takes half as long as a commit. The ledger decides an operation on the account as it
// remembers it. Commit refuses the change with a ConflictError when the account has moved
// since, and the ledger decides the operation afresh. The ledger asks the store before it
// refuses an operation, and for every report.
type OptimisticStore interface {
	Store

	// Concurrency returns how many commits the store takes side by side, and how many
	// accounts it wants in one. Those of one account follow one another.
	Concurrency() (commits, accounts int)
}

// LockingStore is a Store that may keep others from an account while the ledger decides on
// it. Those who write to one account at once would otherwise make each other's decisions
// void.
type LockingStore interface {
	Store

	// LoadToChange is Load for a decision that may change the account. The store may lock
	// the account first, and keep the lock until the Commit of what is decided. A Commit
	// that fails may keep it, too, for what is decided instead.
	LoadToChange(ctx context.Context, id AccountID, have *Head) (*State, error)

	// Release says that no Commit follows: the decision was a refusal, a repetition or
	// nothing, or was called off. So nobody waits for the account in vain. Release does
	// not wait, and does nothing for an account that is not locked. The store gives up a
	// lock after a while by itself, too: this process may stand still. A lock that belongs to
	// a transaction of the caller lasts as long as that.
	Release(id AccountID)
}

// PreparingStore is a LockingStore that answers several questions in the time of one,
// because each costs a trip to where the answer is.
type PreparingStore interface {
	LockingStore

	// Prepare is called before an operation on an account is decided, under that key
	// (empty: none). It returns documents, in the order asked; one that is not there has no
	// version. The store may lock the account now, and read on the same trip what the ledger
	// asks next: the account by LoadToChange, and the key by KeySeq. It answers these from
	// what it read only as long as nobody can have changed that.
	Prepare(ctx context.Context, id AccountID, key Key, documents ...DocumentID) ([]Document, error)
}

// JoinedStore is a Store inside a transaction of the caller. The ledger commits to it
// only in the goroutines of its callers and under their contexts: while no call is under
// way, nothing touches the transaction. What Submit decided is committed by the next
// call that waits for it: Pending.Wait, an operation or a read of the account, or Close.
// Operations that go out in one commit share its outcome, even if that is the end of one
// caller's context.
type JoinedStore interface {
	Store

	// Joined does nothing. It tells the kind apart.
	Joined()
}

// ExclusiveStore is an OptimisticStore that no other process may be able to write to while
// it is open, like a file. Then only a key that was used before can make a decision void,
// so the ledger looks the key up before it decides. A commit of a single ledger is never
// in conflict, and what an operation becomes does not depend on how commits are grouped.
type ExclusiveStore interface {
	OptimisticStore

	// Exclusive reports whether no other process can write to the store.
	Exclusive() bool
}

// Snapshot is everything that a store holds of one account, as of one moment, in the rows
// that the store's other methods read: what verification compares with the journal. It is
// good until the function it was given to returns, and for one goroutine.
//
// The lists are in the store's own order; one that is shorter than its limit is the last.
type Snapshot interface {
	// State returns the head and all open blocks and rows.
	State(ctx context.Context) (*State, error)

	// Journal returns up to limit records with Seq ≥ from, ascending, also those that the
	// head does not count.
	Journal(ctx context.Context, from uint64, limit int) ([]JournalRecord, error)

	// Blocks returns up to limit blocks, open or not, with Number ≥ from, ascending.
	Blocks(ctx context.Context, from uint64, limit int) ([]Block, error)

	// Keys returns up to limit idempotency keys that stand behind the given one (empty:
	// from the first).
	Keys(ctx context.Context, after Key, limit int) ([]KeyedRecord, error)

	// BlockIDs returns up to limit ids of blocks that stand behind the given one (empty:
	// from the first).
	BlockIDs(ctx context.Context, after string, limit int) ([]NumberedBlock, error)

	// Rows returns up to limit rows, of all kinds, that stand behind the one of that kind
	// and key (0 and empty: from the first), ordered by kind and key.
	Rows(ctx context.Context, kind RowKind, after string, limit int) ([]StoredRow, error)

	// Check examines what only the store knows of: indexes such as the one that Due
	// reads, and whatever else it keeps of the account. It is called last, when the head,
	// the blocks and the journal are proved, and returns a Violation for the first row
	// that is missing, altered or too many.
	Check(ctx context.Context) error
}

// NumberedBlock ties the id of a block to its number.
type NumberedBlock struct {
	ID     string
	Number uint64
}

// Head is what a store keeps once per account: where its journal ends and what the
// next operation needs to know of it. The zero Head is an account never written.
type Head struct {
	Version uint64  // sequence number of the last journal record
	Entries uint64  // sequence number of the last entry
	Blocks  uint64  // number of the last block made
	LastAt  Instant // instant of the last record; time never goes back behind it
	Rows    uint64  // how many rows were made
	NextDue Instant // the earliest expiry of a block that still holds something; none if there is none
	Total   Amount  // sum of the balances of the blocks eligible at LastAt
	Seal    Seal    // of the last journal record
}

// DueAccount is an account and the Head.NextDue that it has.
type DueAccount struct {
	At      Instant
	Account AccountID
}

// Compare orders by instant, then by account.
func (d DueAccount) Compare(other DueAccount) int {
	return cmp.Or(cmp.Compare(d.At, other.At), d.Account.Compare(other.Account))
}

// State is a head and the account's open blocks and rows.
type State struct {
	Head   Head
	Blocks []Block
	Rows   []Row
}

// RowKind tells the rows of an account apart.
type RowKind uint8

// The kinds of rows.
const (
	RowHold     RowKind = 1 + iota // a hold, by its id
	RowSchedule                    // a schedule, by its id
	RowReversal                    // what was taken back of a charge, by the sequence number of its entry, 8 bytes, big-endian
)

// Row is what an account has beside its blocks, such as a hold. It follows from the
// journal, as blocks do. The store does not look into Value. Key has 1 to MaxID bytes.
type Row struct {
	Kind  RowKind
	Key   string
	Value []byte
}

// StoredRow is a row as a change puts it: whole, new or replacing the one with its kind and
// key. Open rows are those that Load returns. No row is ever removed.
type StoredRow struct {
	Row
	Open bool // a row that is closed stays closed
	New  bool // made by this change: there is none of its kind and key; Snapshot.Rows leaves it false
}

// StoredBlock is a block as a change puts it: whole, new or replacing the one with
// its number. Open blocks are those that Load returns.
type StoredBlock struct {
	Block
	Open bool
	New  bool // made by this change: its id must not be in use in the account
}

// JournalRecord is one sealed record in its canonical bytes (docs/format.md), which decode
// with DecodeRecord, and beside it what was said in it. Bytes never change; Texts go when
// they are erased.
type JournalRecord struct {
	Seq   uint64
	Bytes []byte
	Texts []byte // with their salts; empty when there are none, or none any more
}

// RecordTexts is what is left of the texts of a journal record.
type RecordTexts struct {
	Seq   uint64
	Texts []byte // empty: nothing
}

// KeyedRecord ties an idempotency key to the journal record it stands for.
type KeyedRecord struct {
	Key Key
	Seq uint64
}

// Change is what one account (and the upper layers) bring to a commit. Version and
// Prev together are the head that it was computed from: a database that an older dump
// or a standby that lags brought back reaches a version a second time, with another
// history and so with another seal.
type Change struct {
	Account   AccountID // zero: only Records
	Version   uint64    // the head's version; 0: the account was never written
	Prev      Seal      // the head's seal; zero if the account was never written
	Head      Head
	Journal   []JournalRecord
	Blocks    []StoredBlock
	Keys      []KeyedRecord
	Rows      []StoredRow   // each once
	Texts     []RecordTexts // of records up to Version, ascending: they take the place of what is stored
	Documents []DocumentPut
}

// standsStill is the error of a store whose next page does not come after the last one. A
// reader that believed such a store would read for ever.
func standsStill(where string) error {
	return &CorruptError{Where: where, Reason: "a page does not come behind the one before it"}
}
