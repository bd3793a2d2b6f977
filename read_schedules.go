package creditledger

import (
	"context"
	"fmt"
	"slices"
)

// MaxListedSchedules is how many schedules an account may have had for Schedules to list
// them.
const MaxListedSchedules = 100_000

// Schedules returns the schedules of an account, in the order of their creation, those that
// have ended too; with the next due instant by the clock, whatever is written. Errors:
// ConstraintError when there are more than MaxListedSchedules.
func (l *Ledger) Schedules(ctx context.Context, on AccountID) ([]ScheduleInfo, error) {
	err := l.reading(ctx, &on)
	if err != nil {
		return nil, err
	}
	defer l.leave()
	var list []ScheduleInfo
	err = l.readDurable(ctx, on, func(s *slot, _ Instant) error {
		all, err := s.allSchedules(ctx, l.store)
		list = make([]ScheduleInfo, len(all))
		for i := range all {
			list[i] = all[i].info()
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	return list, nil
}

// allSchedules returns the schedules in memory and those that only the store has.
func (s *slot) allSchedules(ctx context.Context, store Store) (all []*schedule, err error) {
	a := s.account
	if a.schedules != nil {
		all = slices.Clone(a.schedules.live)
		for _, ended := range a.schedules.ended {
			all = append(all, ended)
		}
	}
	for after := ""; a.written().Rows > 0; {
		rows, err := store.Rows(ctx, s.id, RowSchedule, after, MaxPage)
		if err != nil {
			return nil, err
		}
		for i := range rows {
			if rows[i].Key <= after {
				return nil, standsStill("schedules of " + s.id.String())
			}
			if after = rows[i].Key; a.schedule(after) != nil {
				continue
			}
			ended, err := readScheduleRow(s.id, &rows[i])
			if err != nil {
				return nil, err
			}
			all = append(all, ended)
		}
		if len(all) > MaxListedSchedules {
			return nil, fmt.Errorf("schedules of %s: %w", s.id, constraint("the account has had more than %d", MaxListedSchedules))
		}
		if len(rows) < MaxPage {
			break
		}
	}
	slices.SortFunc(all, byCreation)
	return all, nil
}
