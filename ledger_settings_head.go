package creditledger

import (
	"context"
	"fmt"
	"time"
)

// The settings stand in no journal. So by itself nothing would miss them, or notice that
// they were set back to earlier ones: a ledger that refuses debts would go on with the
// defaults, and allow them. Therefore every commit that stores settings also stores their
// head: a document of another kind, at the same version, with the seal of the settings. A
// ledger reads the head before the settings, on the same trip if the store allows that.
const (
	settingsHeadKind   = "settings_head"
	settingsHeadFormat = 1
)

var settingsHeadID = DocumentID{Kind: settingsHeadKind, Key: settingsKey}

func appendSettingsHead(dst []byte, of Seal) []byte {
	return append(append(dst, settingsHeadFormat), of[:]...)
}

func decodeSettingsHead(data []byte) (of Seal, err error) {
	r := reader{data: data}
	r.version(settingsHeadFormat, settingsHeadFormat)
	copy(of[:], r.bytes(len(of)))
	return of, r.finish("head of the settings")
}

// puts returns the documents that store settings in the place of k, at the given version,
// or at the next one if it is 0.
func (k *knownSettings) puts(s *Settings, version uint64) []DocumentPut {
	put := DocumentPut{DocumentID: settingsID, Expect: k.stored.Version, Prev: k.stored.Seal(), Version: version, Value: appendSettings(nil, s)}
	return []DocumentPut{put, {
		DocumentID: settingsHeadID, Expect: k.head.Version, Prev: k.head.Seal(), Version: put.Next(),
		Value: appendSettingsHead(nil, SealOf(put.Value)),
	}}
}

// stores returns the settings as they are known once the puts of k are stored.
func (k *knownSettings) stores(s Settings, puts []DocumentPut, at time.Time) *knownSettings {
	doc := func(p *DocumentPut) Document {
		return Document{DocumentID: p.DocumentID, Version: p.Next(), Value: p.Value}
	}
	return &knownSettings{Settings: s, stored: doc(&puts[0]), head: doc(&puts[1]), at: at}
}

// settingsDocuments reads the head and then the settings; without a version there are none.
// Settings are never older than a head that was read before them.
func (l *Ledger) settingsDocuments(ctx context.Context) (head, doc Document, err error) {
	for _, read := range []struct {
		id DocumentID
		to *Document
	}{{settingsHeadID, &head}, {settingsID, &doc}} {
		if *read.to, err = l.store.Document(ctx, read.id); err != nil && !isNotFound(err) {
			return head, doc, err
		}
	}
	return head, doc, nil
}

// checkSettingsHead compares settings with a head that was read before them. Another
// ledger may have stored later settings in between.
func checkSettingsHead(head, doc *Document) error {
	if head.Version == 0 || doc.Version > head.Version {
		return nil
	}
	of, err := decodeSettingsHead(head.Value)
	switch {
	case err != nil:
		return err
	case doc.Version == 0:
		return lostSettings("version %d was stored last, and there are none", head.Version)
	case doc.Version < head.Version:
		return lostSettings("version %d was stored last, and there is version %d", head.Version, doc.Version)
	case of != SealOf(doc.Value):
		return lostSettings("version %d is not what was stored", head.Version)
	}
	return nil
}

func lostSettings(format string, args ...any) error {
	return &CorruptError{Where: "settings", Reason: fmt.Sprintf(format, args...) + ": restore a backup, or replace them"}
}

// ReplaceSettings stores settings whatever is stored, and returns them as they are
// afterwards; a zero field gets its default. It is for a ledger whose settings are gone or
// are older than those that were stored last: operations, Settings and ChangeSettings answer
// a CorruptError there, and go on to do so until somebody says what the ledger is to go by.
//
// Errors: as of ChangeSettings, and a ConflictError when somebody else stores settings at once.
func (l *Ledger) ReplaceSettings(ctx context.Context, s Settings) (Settings, error) {
	err := l.enter()
	if err != nil {
		return Settings{}, err
	}
	defer l.leave()
	s = s.withDefaults()
	err = l.inTurn(ctx, func() error {
		if err := l.awaitFirstSettings(ctx); err != nil {
			return err
		}
		head, doc, err := l.settingsDocuments(ctx)
		if err == nil {
			_, err = l.storeSettings(ctx, &knownSettings{stored: doc, head: head}, s, max(head.Version, doc.Version)+1)
		}
		return err
	})
	if err != nil {
		return Settings{}, fmt.Errorf("settings: %w", err)
	}
	return s, nil
}
