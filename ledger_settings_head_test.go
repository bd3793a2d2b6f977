package creditledger_test

import (
	"context"
	"errors"
	"strings"
	"testing"

	"creditledger"
	"creditledger/store/memory"
)

// alteredDocuments is a store in which documents are other ones than were put; one without
// a version is gone.
type alteredDocuments struct {
	creditledger.Store
	are map[creditledger.DocumentID]creditledger.Document
}

func (s *alteredDocuments) Document(ctx context.Context, id creditledger.DocumentID) (creditledger.Document, error) {
	switch doc, is := s.are[id]; {
	case !is:
		return s.Store.Document(ctx, id)
	case doc.Version == 0:
		return doc, &creditledger.NotFoundError{Kind: id.Kind, ID: id.Key}
	default:
		return doc, nil
	}
}

func (s *alteredDocuments) Commit(ctx context.Context, list []creditledger.Change) error {
	for _, c := range list { // what stands in the place of the document is what is replaced
		for i := range c.Documents {
			p := &c.Documents[i]
			if doc, is := s.are[p.DocumentID]; is && p.Expect == doc.Version {
				delete(s.are, p.DocumentID)
				was, err := s.Store.Document(ctx, p.DocumentID)
				if err != nil {
					return err
				}
				p.Version, p.Expect, p.Prev = p.Next(), was.Version, was.Seal()
			}
		}
	}
	return s.Store.Commit(ctx, list)
}

var (
	settingsDocument     = creditledger.DocumentID{Kind: "ledger_settings", Key: "ledger"}
	settingsHeadDocument = creditledger.DocumentID{Kind: "settings_head", Key: "ledger"}
)

// TestLostSettings: where the settings that were stored last are gone, or are older or other
// ones, nothing is done by the defaults in their place: operations, reports of them and
// changes are refused as damage, and verification names them, until somebody replaces them.
func TestLostSettings(t *testing.T) {
	for what, alter := range map[string]func(is, was creditledger.Document) creditledger.Document{
		"gone":                func(is, _ creditledger.Document) creditledger.Document { return creditledger.Document{} },
		"as they were before": func(_, was creditledger.Document) creditledger.Document { return was },
		"other ones": func(is, was creditledger.Document) creditledger.Document {
			is.Value = was.Value
			return is
		},
	} {
		store := &alteredDocuments{memory.New(), map[creditledger.DocumentID]creditledger.Document{}}
		w := newWorldOver(t, store).given(grant("A", "10"))
		was, err := w.Document(ctx, settingsDocument)
		if err != nil {
			t.Fatal(err)
		}
		w.set(otherSettings)
		is, err := w.Document(ctx, settingsDocument)
		if err != nil {
			t.Fatal(err)
		}
		store.are[settingsDocument] = alter(is, was)
		creditledger.AgeSettings(w.Ledger)
		w.refused(spend("15"), "", creditledger.ErrCorrupt) // a process at work
		w.reopen()                                          // and one that begins
		w.refused(spend("15"), "", creditledger.ErrCorrupt)
		if err := w.refused(grant("B", "1"), "", creditledger.ErrCorrupt); !strings.Contains(err.Error(), "settings") {
			t.Errorf("%s: %v", what, err)
		}
		if s, err := w.Settings(ctx); !errors.Is(err, creditledger.ErrCorrupt) {
			t.Errorf("%s: %+v, %v", what, s, err)
		}
		if s, err := w.ChangeSettings(ctx, func(*creditledger.Settings) {}); !errors.Is(err, creditledger.ErrCorrupt) {
			t.Errorf("%s, changed: %+v, %v", what, s, err)
		}
		if v, err := w.VerifyAll(ctx, nil); err != nil || v.Violation == nil || v.Violation.Rule != "settings" {
			t.Errorf("%s: verification says %v, %v", what, v.Violation, err)
		}
		if _, err := w.ReplaceSettings(ctx, creditledger.Settings{MaxHold: -1}); !errors.Is(err, creditledger.ErrInvalid) {
			t.Errorf("%s, replaced by none: %v", what, err)
		}
		if s, err := w.ReplaceSettings(ctx, creditledger.Settings{Overdraft: creditledger.OverdraftReject}); err != nil || s.Overdraft != creditledger.OverdraftReject || s.MaxHold != creditledger.DefaultMaxHold {
			t.Errorf("%s, replaced: %+v, %v", what, s, err)
		}
		w.refused(spend("15"), "", creditledger.ErrInsufficientCredits)
		w.given(spend("5"))
		w.verified()
		if doc, err := w.Document(ctx, settingsDocument); err != nil || doc.Version != 3 {
			t.Errorf("%s: after that version %d, %v", what, doc.Version, err)
		}
	}
}

// TestLostHeadOfSettings: verification notices that the head of the settings is gone, or is
// as it was before.
func TestLostHeadOfSettings(t *testing.T) {
	for what, old := range map[string]bool{"gone": false, "as it was before": true} {
		store := &alteredDocuments{memory.New(), map[creditledger.DocumentID]creditledger.Document{}}
		w := newWorldOver(t, store).given(grant("A", "10"))
		was, err := w.Document(ctx, settingsHeadDocument)
		if err != nil {
			t.Fatal(err)
		}
		if !old {
			was = creditledger.Document{}
		}
		w.set(otherSettings)
		store.are[settingsHeadDocument] = was
		w.reopen()
		if v, err := w.VerifyAll(ctx, nil); err != nil || v.Violation == nil || v.Violation.Rule != "settings" {
			t.Errorf("%s: verification says %v, %v", what, v.Violation, err)
		}
	}
}

// TestSettingsWithoutAHead: settings that were stored before there were heads count, and get
// one when they are stored again.
func TestSettingsWithoutAHead(t *testing.T) {
	w := newWorldOver(t, memory.New())
	old := newWorldOver(t, memory.New()).given(grant("A", "1"))
	old.set(otherSettings)
	doc, err := old.Document(ctx, settingsDocument)
	if err != nil {
		t.Fatal(err)
	}
	doc.Value[0] = 1
	if err := w.ImportDocuments(ctx, []creditledger.DocumentPut{{DocumentID: settingsDocument, Version: 7, Value: doc.Value}}); err != nil {
		t.Fatal(err)
	}
	w.given(grant("A", "10"))
	w.refused(spend("15"), "", creditledger.ErrInsufficientCredits)
	w.verified()
	w.set(func(s *creditledger.Settings) { s.Overdraft = creditledger.OverdraftStopAtZero })
	w.verified()
	if doc, err := w.Document(ctx, settingsHeadDocument); err != nil || doc.Version != 8 {
		t.Errorf("the head has version %d, %v", doc.Version, err)
	}
}

// TestVerifySettingsBesideAWriter: settings that are stored while they are proved are no
// finding.
func TestVerifySettingsBesideAWriter(t *testing.T) {
	w := newWorldOver(t, memory.New()).given(grant("A", "1"))
	done := make(chan error)
	go func() {
		defer close(done)
		for i := range 200 {
			if _, err := w.ChangeSettings(ctx, func(s *creditledger.Settings) {
				s.Overdraft = creditledger.OverdraftAllow
				if i%2 == 0 {
					s.Overdraft = creditledger.OverdraftReject
				}
			}); err != nil {
				done <- err
				return
			}
		}
	}()
	for under := true; under; {
		select {
		case err, failed := <-done:
			if under = false; failed {
				t.Fatal(err)
			}
		default:
			w.verified()
		}
	}
}
