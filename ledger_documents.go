package creditledger

import (
	"context"
	"math"
	"slices"
	"time"
)

// What the ledger offers to layers above it, such as package invoice: documents
// that commit with operations, and the ledger's clock.

const (
	maxDocumentKind  = 64
	maxDocumentKey   = 1024
	maxDocumentValue = 1 << 20
)

// ownKinds are the kinds of documents that only the ledger or a recovery writes.
var ownKinds = []string{customerKind, customerExternal, customerCount, settingsKind, settingsHeadKind, "salvaged"}

// checkPuts refuses documents that no store takes, and kinds that are the ledger's own.
func checkPuts(puts []DocumentPut) error {
	for i := range puts {
		if slices.Contains(ownKinds, puts[i].Kind) {
			return invalid("document", "kind %s is the ledger's own", puts[i].Kind)
		}
	}
	return checkDocuments(puts)
}

// checkDocuments refuses documents that no store takes.
func checkDocuments(puts []DocumentPut) error {
	seen := map[DocumentID]bool{}
	for i := range puts {
		p := &puts[i]
		switch {
		case p.Kind == "" || len(p.Kind) > maxDocumentKind:
			return invalid("document", "kind %s is not 1 to %d bytes", quote(p.Kind), maxDocumentKind)
		case p.Key == "" || len(p.Key) > maxDocumentKey:
			return invalid("document", "the key has %d bytes, not 1 to %d", len(p.Key), maxDocumentKey)
		case len(p.Value) > maxDocumentValue:
			return invalid("document", "the value has %d bytes, more than %d", len(p.Value), maxDocumentValue)
		case p.Next() <= p.Expect || p.Next() > math.MaxInt64:
			return invalid("document", "%s %s cannot go from version %d to %d", kindText(p.Kind), quote(p.Key), p.Expect, p.Version)
		case p.Expect == 0 && p.Prev != (Seal{}):
			return invalid("document", "%s %s is put for the first time, and expects something in its place", kindText(p.Kind), quote(p.Key))
		case seen[p.DocumentID]:
			return invalid("document", "%s %s is put twice", kindText(p.Kind), quote(p.Key))
		}
		seen[p.DocumentID] = true
	}
	return nil
}

// PutDocuments stores documents of an upper layer without an operation, all or none. Kinds
// are the upper layers' to share out; those of the ledger itself (customer,
// customer_external, customer_count, ledger_settings, settings_head, salvaged) are refused with an InvalidError. The other errors are
// those of Store.Commit: a ConflictError names documents that are not what the puts
// expect. When ctx ends before the store has answered, the error is ctx's if nothing was
// written, else an OutcomeUnknownError: read the documents again.
func (l *Ledger) PutDocuments(ctx context.Context, puts []DocumentPut) error {
	err := l.enter()
	if err != nil {
		return err
	}
	defer l.leave()
	if err := checkPuts(puts); err != nil {
		return err
	}
	return l.commitDocuments(ctx, puts, func() {})
}

// ImportDocuments stores documents as another ledger has them, of any kind, all or none:
// the way to move them between stores, as Import is for journals. A document of the
// ledger's own that it could not read is refused with an InvalidError; the caller sees to
// it that it fits the others. Errors: as for PutDocuments.
func (l *Ledger) ImportDocuments(ctx context.Context, puts []DocumentPut) error {
	err := l.enter()
	if err != nil {
		return err
	}
	defer l.leave()
	if err := checkDocuments(puts); err != nil {
		return err
	}
	for i := range puts {
		if err := checkOwn(&puts[i]); err != nil {
			return err
		}
	}
	return l.commitDocuments(ctx, puts, func() {})
}

// checkOwn refuses a document of the ledger's own that the ledger could not read.
func checkOwn(p *DocumentPut) error {
	switch p.Kind {
	case customerKind:
		if c, err := decodeCustomer(p.Value); err != nil || c.ID != p.Key {
			return invalid("document", "%s is not customer %s", kindText(p.Kind), quote(p.Key))
		}
	case customerExternal:
		return checkID("document", string(p.Value))
	case customerCount:
		if _, err := decodeCount(p.Value); err != nil {
			return invalid("document", "%s %s is no count", kindText(p.Kind), quote(p.Key))
		}
	case settingsKind:
		if _, err := decodeSettings(p.Value); err != nil || p.Key != settingsKey {
			return invalid("document", "%s %s are no settings", kindText(p.Kind), quote(p.Key))
		}
	case settingsHeadKind:
		if _, err := decodeSettingsHead(p.Value); err != nil || p.Key != settingsKey {
			return invalid("document", "%s %s is no head of settings", kindText(p.Kind), quote(p.Key))
		}
	}
	return nil
}

// lastWord is how long the ledger waits for the end of a commit after its caller has
// given up. A store that was waiting for a connection or a lock says at once that nothing
// was written.
const lastWord = 50 * time.Millisecond

// commitDocuments stores documents without an operation. A caller may give up waiting,
// but a commit that the store has begun goes on.
//
// It calls landed once the commit has ended, in whatever way.
func (l *Ledger) commitDocuments(ctx context.Context, puts []DocumentPut, landed func()) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	commit := func() error {
		defer landed()
		return l.commit.send(ctx, []Change{{Documents: puts}})
	}
	if l.commit.joined() || ctx.Done() == nil {
		return commit()
	}
	if err := l.enter(); err != nil { // so that Close waits for the commit
		return err
	}
	done := make(chan error, 1)
	go func() {
		defer l.leave()
		done <- commit()
	}()
	select {
	case err := <-done:
		return err
	case <-ctx.Done():
	}
	patience := time.NewTimer(lastWord)
	defer patience.Stop()
	select {
	case err := <-done:
		return err
	case <-patience.C:
		return &OutcomeUnknownError{Err: ctx.Err()}
	}
}

// Document returns a document of an upper layer; a NotFoundError when there is none.
func (l *Ledger) Document(ctx context.Context, id DocumentID) (Document, error) {
	err := l.enter()
	if err != nil {
		return Document{}, err
	}
	defer l.leave()
	return l.store.Document(ctx, id)
}

// Documents returns up to limit documents (at most MaxPage) of a kind whose keys begin
// with prefix, in byte order of their keys, after the key after.
func (l *Ledger) Documents(ctx context.Context, kind, prefix, after string, limit int) ([]Document, error) {
	err := l.enter()
	if err != nil {
		return nil, err
	}
	defer l.leave()
	if limit <= 0 || limit > MaxPage {
		return nil, invalid("limit", "%d is not between 1 and %d", limit, MaxPage)
	}
	return l.store.Documents(ctx, kind, prefix, after, limit)
}

// Now returns the ledger's present instant, by its clock.
func (l *Ledger) Now() (Instant, error) { return l.now() }
