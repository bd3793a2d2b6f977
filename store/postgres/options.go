package postgres

import (
	"fmt"
	"hash/fnv"
	"strings"
	"time"
	"unicode/utf8"

	"creditledger"
)

// Options of Open, Migrate and Join. The zero value, or nil, is what most callers
// want.
type Options struct {
	// Schema holds everything of the ledger; default "creditledger". It is 1 to 63
	// lower-case letters, digits and underscores, and does not begin with a digit.
	Schema string

	// Buckets is how many parts Migrate divides the accounts of a new schema into;
	// default 64. Keys begin with the bucket, so a cluster can spread accounts by it,
	// and listing accounts asks each bucket. It cannot be changed later.
	Buckets int

	// Portable keeps to what other engines with PostgreSQL's protocol document:
	// Migrate leaves views and storage settings out, and Commit inserts row by row.
	Portable bool

	// Patience bounds how long Commit tries to find out whether its changes are
	// stored after it lost the server while it wrote; default 1 minute.
	Patience time.Duration

	// Commits is how many commits a ledger has under way at once, each of other accounts;
	// default 4. More commits than the pool has connections only queue there.
	Commits int

	// Accounts bounds how many accounts share one commit; default 1024. Choose 1 where
	// the accounts are spread over servers, so that no transaction needs two of them.
	Accounts int

	// CacheBytes bounds what the store remembers of heads, so that a commit need not
	// read them first; default 64 MiB.
	CacheBytes int

	askedBuckets int // Buckets as the caller gave it; 0: not given
}

const (
	defaultSchema     = "creditledger"
	defaultBuckets    = 64
	maxBuckets        = 4096
	defaultPatience   = time.Minute
	defaultCommits    = 4
	defaultAccounts   = 1024
	defaultCacheBytes = 64 << 20
)

func (o *Options) withDefaults() (Options, error) {
	var opts Options
	if o != nil {
		opts = *o
	}
	if opts.Schema == "" {
		opts.Schema = defaultSchema
	}
	opts.askedBuckets = opts.Buckets
	if opts.Buckets == 0 {
		opts.Buckets = defaultBuckets
	}
	if opts.Patience <= 0 {
		opts.Patience = defaultPatience
	}
	if opts.Commits <= 0 {
		opts.Commits = defaultCommits
	}
	if opts.Accounts <= 0 {
		opts.Accounts = defaultAccounts
	}
	if opts.CacheBytes <= 0 {
		opts.CacheBytes = defaultCacheBytes
	}
	if !validSchema(opts.Schema) {
		return opts, &creditledger.InvalidError{Field: "schema",
			Reason: "it is not 1 to 63 lower-case letters, digits and underscores, beginning with a letter or underscore"}
	}
	if opts.Buckets < 1 || opts.Buckets > maxBuckets {
		return opts, &creditledger.InvalidError{Field: "buckets",
			Reason: fmt.Sprintf("%d is not between 1 and %d", opts.Buckets, maxBuckets)}
	}
	return opts, nil
}

// validSchema accepts names that need no escaping inside quotes, and so cannot smuggle
// anything into a statement.
func validSchema(name string) bool {
	const longest = 63
	if name == "" || len(name) > longest || name[0] >= '0' && name[0] <= '9' {
		return false
	}
	for _, c := range []byte(name) {
		if c != '_' && (c < 'a' || c > 'z') && (c < '0' || c > '9') {
			return false
		}
	}
	return true
}

// accountPos is the beginning of the keys of all rows of an account.
type accountPos struct {
	bucket             int32
	customer, currency string
}

// accountPosOf computes an account's bucket: FNV-1a, 32 bits, of customer, 0x00, currency.
func accountPosOf(id creditledger.AccountID, buckets int) accountPos {
	h := fnv.New32a()
	h.Write([]byte(id.Customer))
	h.Write([]byte{0})
	h.Write([]byte(id.Currency))
	return accountPos{bucket: int32(h.Sum32() % uint32(buckets)), customer: id.Customer, currency: id.Currency}
}

// lockKeys returns the advisory lock of an account. Accounts that share one by chance
// wait for each other, which does no harm.
func (p accountPos) lockKeys(schema string) []any {
	space, name := fnv.New32a(), fnv.New32a()
	space.Write([]byte("creditledger/" + schema))
	name.Write([]byte(p.customer))
	name.Write([]byte{0})
	name.Write([]byte(p.currency))
	return []any{int32(space.Sum32()), int32(name.Sum32())}
}

// args puts an account's position in front of a statement's other arguments.
func (p accountPos) args(more ...any) []any {
	return append([]any{p.bucket, p.customer, p.currency}, more...)
}

// checkTexts refuses what a text column cannot hold.
func checkTexts(texts ...string) error {
	for _, s := range texts {
		if !utf8.ValidString(s) || strings.IndexByte(s, 0) >= 0 {
			return &creditledger.InvalidError{Field: "change", Reason: fmt.Sprintf("%q is not text that PostgreSQL can store", s[:min(len(s), 80)])}
		}
	}
	return nil
}
