package creditledger

// holdIDOf returns the id of the hold that an operation names; empty if it names none.
func holdIDOf(op Operation) string {
	var one [1]string
	if _, batch := op.(Batch); batch {
		return ""
	}
	if ids := namedHolds(op, one[:0]); len(ids) > 0 {
		return ids[0]
	}
	return ""
}

// info returns a hold with one of its states in the form that callers know. An open hold
// may have lapsed by the clock.
func (h *hold) info(s *holdState, at Instant) *HoldInfo {
	i := &HoldInfo{
		ID: h.id, State: s.stateAt(at), Amount: s.amount, Captured: s.captured, Until: s.until,
		ItemID: h.itemID, PriceID: h.priceID, CreatedAt: h.createdAt,
	}
	if i.State != HoldOpen {
		return i
	}
	i.Held, i.Unbacked = s.held(), s.unbacked
	for _, part := range s.slices {
		i.Slices = append(i.Slices, HoldSlice{BlockID: part.block.ID, Amount: part.amount})
	}
	return i
}

// info returns a hold as a record describes it.
func (w *storedHold) info(id string, blocks map[uint64]*block) (*HoldInfo, error) {
	i := &HoldInfo{
		ID: id, State: w.state, Amount: w.amount, Held: w.unbacked, Unbacked: w.unbacked, Captured: w.captured, Until: w.until,
		ItemID: w.itemID, PriceID: w.priceID, CreatedAt: w.createdAt,
	}
	for _, s := range w.slices {
		var err error
		if i.Held, err = i.Held.Add(s.amount); err != nil {
			return nil, err
		}
		i.Slices = append(i.Slices, HoldSlice{BlockID: blocks[s.block].ID, Amount: s.amount})
	}
	return i, nil
}

// missingSlices lists the blocks of a record's slices that are not in blocks yet.
func missingSlices(rec *OpRecord, blocks map[uint64]*block) (missing []uint64) {
	for i := range rec.Effects {
		h := rec.Effects[i].hold
		if h == nil {
			continue
		}
		for _, s := range h.slices {
			if _, ok := blocks[s.block]; !ok {
				blocks[s.block] = nil
				missing = append(missing, s.block)
			}
		}
	}
	return missing
}
