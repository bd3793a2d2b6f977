package bolt

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"math"
	"os"
	"slices"

	"creditledger"
)

// Recovery says what Recover brought over.
type Recovery struct {
	Accounts []RecoveredAccount // in order
	Records  int                // of upper layers, copied
	Damaged  int                // of upper layers, found and not what was put
	Unread   int                // pages that are damaged as a whole, or cut off

	// Open says in sentences, up to 100, what the file does not prove: what may be missing
	// and has left no trace. Where a page of its trees is damaged, only other pages can
	// tell what was in it.
	Open []string
}

// RecoveredAccount is what became of one account's journal. Every record up to Recovered is
// in the new file; of the Version records that the account had at least, SetAside more are
// intact and could not be appended, and Lost are not. All records of a name that no account
// can have, which is damage itself, are lost.
type RecoveredAccount struct {
	Account                            creditledger.AccountID
	Version, Recovered, SetAside, Lost uint64
	// Texts is how many operations of records in the new file said something that is not
	// in it and that nobody erased: of those recovered, what was damaged, as the account's
	// journal notes in records of its own (creditledger.Ledger.NoteLoss); of those set aside,
	// all.
	Texts uint64
	// Nothing else in the file has the seal of the last record recovered: the file was
	// not closed, or its head is lost. Only a checkpoint or a backup can prove it.
	Unproven bool
}

// SalvagedKind is the kind of the documents that hold the journal records
// that Recover set aside: under the account and the sequence number, the record's
// bytes, which creditledger.DecodeRecord reads.
const SalvagedKind = "salvaged"

// Whole reports whether nothing is missing, and the file proves that nothing is.
func (r *Recovery) Whole() bool {
	for _, a := range r.Accounts {
		if a.Recovered < a.Version || a.Texts > 0 {
			return false
		}
	}
	return r.Unread == 0 && r.Damaged == 0 && len(r.Open) == 0
}

// Recover reads a ledger file that Open refuses, or that does not verify, and makes a new
// one at path of all that is intact in it. It reads the pages one by one and trusts none: a
// journal record counts if its bytes decode, wherever they stand in a row, and neither the
// record after it nor a head has another seal for it. Each account's records up to the
// first gap are imported, decided again as Ledger.Import does; those beyond it are set
// aside. A record whose texts are damaged is imported without them, and the journal of the new
// file notes that they are lost. Documents of upper layers have no seal: the newest of each that can be read is
// copied. Where the settings of the ledger that were stored last are not among them, the new
// ledger refuses work until somebody says what it is to go by (creditledger.Ledger.ReplaceSettings).
//
// The damaged file is not changed, and nobody may have it open. Memory grows with the
// number of records. As with Restore, the new file appears when it is complete, and
// never replaces another.
func Recover(ctx context.Context, damaged, path string) (*Recovery, error) {
	r, err := recoverFile(ctx, damaged, path)
	if err != nil {
		return nil, fmt.Errorf("recover ledger %s: %w", damaged, err)
	}
	return r, nil
}

func recoverFile(ctx context.Context, damaged, path string) (*Recovery, error) {
	f, err := openFile(ctx, damaged, Options{ReadOnly: true})
	if err != nil {
		return nil, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	s := newScan(f, info.Size(), os.Getpagesize())
	if err := s.all(ctx); err != nil {
		return nil, err
	}
	if len(s.versions)+len(s.records) == 0 {
		return nil, corrupt("file", "nothing of a ledger can be read in it")
	}
	if err := s.logFile(ctx, damaged); err != nil {
		return nil, err
	}
	r := &Recovery{Unread: s.bad + cutOff(f, info.Size()), Damaged: s.damaged, Open: s.open}
	err = build(path, func(temporary string) error {
		if err := initialize(temporary); err != nil {
			return err
		}
		store, err := Open(temporary, nil)
		if err != nil {
			return err
		}
		l := creditledger.New(store, nil)
		return notMade(errors.Join(s.into(ctx, l, r), l.Close(), store.Close()))
	})
	return r, err
}

// notMade returns an error about a new file that is given up. It does not matter what
// became of the last commit to it.
func notMade(err error) error {
	var unknown *creditledger.OutcomeUnknownError
	if errors.As(err, &unknown) {
		return unknown.Err
	}
	return err
}

// cutOff returns how many pages the file has lost, by what its meta page says.
func cutOff(f io.ReaderAt, size int64) int {
	m, err := readMeta(f, size)
	if err != nil || m.pages <= uint64(size)/m.pageSize {
		return 0
	}
	return int(min(m.pages-uint64(size)/m.pageSize, math.MaxInt32))
}

// into fills a new ledger.
func (s *scan) into(ctx context.Context, l *creditledger.Ledger, r *Recovery) error {
	if err := s.accountsInto(ctx, l, r); err != nil {
		return err
	}
	known := uint64(0)
	for _, a := range r.Accounts {
		known += a.Version
	}
	if known < s.logEnd {
		s.leavesOpen("the log has had %d records, and %d are known of", s.logEnd, known)
		r.Open = s.open
	}
	settings := func(id creditledger.DocumentID) bool { return id.Kind == settingsKind }
	others := func(id creditledger.DocumentID) bool { return id.Kind != settingsKind }
	if err := s.recordsInto(ctx, l, r, settings); err != nil {
		return err
	}
	if err := notesInto(ctx, l, r); err != nil {
		return err
	}
	if err := s.recordsInto(ctx, l, r, others); err != nil {
		return err
	}
	err := s.settingsInto(ctx, l)
	r.Open = s.open
	return err
}

// accountsInto imports what is intact of the journals.
func (s *scan) accountsInto(ctx context.Context, l *creditledger.Ledger, r *Recovery) error {
	for _, id := range slices.SortedFunc(maps.Keys(s.versions), creditledger.AccountID.Compare) {
		a := RecoveredAccount{Account: id, Version: s.versions[id]}
		if _, err := l.Checkpoint(ctx, id); errors.Is(err, creditledger.ErrInvalid) {
			a.Lost = a.Version // no account can have this name, so the name is damaged
			r.Accounts = append(r.Accounts, a)
			continue
		}
		chain := s.chain(id)
		n, err := s.importAll(ctx, l, id, chain)
		if err != nil {
			return err
		}
		a.Recovered = uint64(n)
		a.Unproven = n > 0 && n == len(chain) && s.doubt(id, a.Recovered, &chain[n-1]) != proven
		if err := s.setAside(ctx, l, &a); err != nil {
			return err
		}
		a.Lost = a.Version - a.Recovered - a.SetAside
		r.Accounts = append(r.Accounts, a)
	}
	return nil
}

// recordsInto copies those of the documents of upper layers that are wanted.
func (s *scan) recordsInto(ctx context.Context, l *creditledger.Ledger, r *Recovery, wanted func(creditledger.DocumentID) bool) error {
	var puts puts
	for id, v := range s.records {
		if slices.Contains(counts, id.Kind) || !wanted(id) {
			continue
		}
		if len(v.value) > maxAside {
			r.Damaged++
			continue
		}
		if id.Kind == SalvagedKind {
			if _, err := l.Document(ctx, id); err == nil {
				continue // set aside just now
			}
		}
		put := creditledger.DocumentPut{DocumentID: id, Value: v.value}
		if id.Kind == settingsKind || id.Kind == settingsHeadKind {
			put.Version = v.number // the version by which one document is compared with the other
		}
		if err := puts.add(ctx, l, put); err != nil {
			return err
		}
		r.Records++
	}
	err := puts.flush(ctx, l)
	r.Records, r.Damaged = r.Records-puts.damaged, r.Damaged+puts.damaged
	return err
}

// counts are the kinds of documents that say how often others were put. They are left
// out, because verification would miss what is lost for ever. Later puts are counted
// anew.
var counts = []string{"customer_count", "invoice_count"}

// puts collects documents of upper layers for a ledger, many for one commit.
type puts struct {
	list    []creditledger.DocumentPut
	size    int
	damaged int // cannot be read, and were left out
}

func (p *puts) add(ctx context.Context, l *creditledger.Ledger, put creditledger.DocumentPut) error {
	p.list = append(p.list, put)
	if p.size += len(put.Value); len(p.list) < importBatch && p.size < 1<<24 {
		return nil
	}
	return p.flush(ctx, l)
}

func (p *puts) flush(ctx context.Context, l *creditledger.Ledger) error {
	list := p.list
	p.list, p.size = nil, 0
	if len(list) == 0 {
		return nil
	}
	err := l.ImportDocuments(ctx, list)
	if !errors.Is(err, creditledger.ErrInvalid) {
		return err
	}
	for i := range list { // one by one, without those that are refused
		switch err := l.ImportDocuments(ctx, list[i:i+1]); {
		case errors.Is(err, creditledger.ErrInvalid):
			p.damaged++
		case err != nil:
			return err
		}
	}
	return nil
}

// importBatch is how many records are imported in one commit.
const importBatch = 256

// importAll imports records until one is not what the ledger would have written, and
// returns how many it did.
func (s *scan) importAll(ctx context.Context, l *creditledger.Ledger, id creditledger.AccountID, chain []found) (int, error) {
	for done := 0; done < len(chain); {
		batch := chain[done:min(done+importBatch, len(chain))]
		list := make([]creditledger.JournalRecord, len(batch))
		for i, f := range batch {
			bytes, err := s.bytes(f)
			if err != nil {
				return done, err
			}
			texts, err := s.texts(f)
			if err != nil {
				return done, err
			}
			list[i] = creditledger.JournalRecord{Seq: uint64(done + i + 1), Bytes: bytes, Texts: texts}
		}
		err := l.Import(ctx, id, list)
		var wrong *creditledger.Violation
		switch {
		case errors.As(err, &wrong) && wrong.Record > uint64(done) && wrong.Record <= uint64(done+len(batch)):
			chain = chain[:wrong.Record-1] // the records before it fit
		case errors.As(err, &wrong) || errors.Is(err, creditledger.ErrCorrupt):
			return done, nil
		case err != nil:
			return done, err
		default:
			done += len(batch)
		}
	}
	return len(chain), nil
}

func (s *scan) bytes(f found) ([]byte, error) {
	if f.data != nil {
		return f.data, nil
	}
	data := make([]byte, f.size)
	_, err := s.file.ReadAt(data, f.at)
	if err == nil && creditledger.SealOf(data) != f.seal {
		err = errors.New("the file changed while it was read")
	}
	return data, err
}

// texts returns the texts that stand before a record.
func (s *scan) texts(f found) ([]byte, error) {
	if f.texts == 0 || f.data != nil {
		return f.said, nil
	}
	data := make([]byte, f.texts)
	_, err := s.file.ReadAt(data, f.at-int64(f.texts))
	return data, err
}

// maxAside is the longest value that a document of an upper layer may have.
const maxAside = 1 << 20

// setAside stores the intact records beyond what was imported as records of an upper layer.
// When several have one sequence number, all of them are kept.
func (s *scan) setAside(ctx context.Context, l *creditledger.Ledger, a *RecoveredAccount) error {
	var puts puts
	for _, seq := range slices.Sorted(maps.Keys(s.log[a.Account])) {
		if seq <= a.Recovered {
			continue
		}
		kept := false
		for _, f := range s.log[a.Account][seq] {
			if s.doubt(a.Account, seq, &f) == altered {
				continue
			}
			data, err := s.bytes(f)
			if err != nil {
				return err
			}
			if len(data) > maxAside {
				continue
			}
			id := creditledger.DocumentID{Kind: SalvagedKind, Key: fmt.Sprintf("%s/%s/%020d/%.8s", a.Account.Customer, a.Account.Currency, seq, f.seal)}
			if err := puts.add(ctx, l, creditledger.DocumentPut{DocumentID: id, Value: data}); err != nil {
				return err
			}
			kept, a.Texts = true, a.Texts+said(data)
		}
		if kept {
			a.SetAside++
		}
	}
	return puts.flush(ctx, l)
}

// said returns how many operations of a record have texts.
func said(record []byte) (operations uint64) {
	rec, err := creditledger.DecodeRecord(record)
	if err != nil {
		return 0
	}
	for i := range rec.Texts {
		if rec.Texts[i].Digest != (creditledger.Seal{}) {
			operations++
		}
	}
	return operations
}
