package creditledger

import (
	"context"
	"errors"
)

// settings proves that the settings are those that were stored last. If others are stored
// meanwhile, it looks again.
func (r *verification) settings(ctx context.Context, res *Verification) error {
	err := r.examineSettings(ctx)
	if corrupt, ok := errors.AsType[*CorruptError](err); ok {
		res.Violation = &Violation{Rule: "settings", Detail: corrupt.Reason}
		return nil
	}
	return err
}

func (r *verification) examineSettings(ctx context.Context) error {
	for {
		head, doc, err := r.ledger.settingsDocuments(ctx)
		if err != nil {
			return err
		}
		if doc.Version > head.Version {
			moved, err := r.ledger.store.Document(ctx, settingsHeadID)
			if err != nil && !isNotFound(err) {
				return err
			}
			if moved.Version != head.Version {
				continue
			}
		}
		return provenSettings(&head, &doc)
	}
}

// provenSettings compares settings with a head that did not move while they were read.
// Settings of the first format have no head until they are stored again.
func provenSettings(head, doc *Document) error {
	if err := checkSettingsHead(head, doc); err != nil || doc.Version == 0 {
		return err
	}
	if _, err := decodeSettings(doc.Value); err != nil {
		return err
	}
	if doc.Version > head.Version && (head.Version > 0 || doc.Value[0] > headless) {
		return lostSettings("their head is of version %d, and they are of version %d", head.Version, doc.Version)
	}
	return nil
}
