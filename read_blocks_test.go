package creditledger_test

import (
	"errors"
	"strings"
	"testing"

	"creditledger"
)

// TestBlocksPages: the default list in drawdown order, all blocks in creation order,
// by pages of any size.
func TestBlocksPages(t *testing.T) {
	w := newWorld(t)
	w.given(
		grant("late", "1", expires("2026-12-01")), grant("soon", "2", expires("2026-03-01")), grant("never", "3"),
		grant("filtered", "4", only("api")), grant("first", "5", priority(-1)), grant("future", "6", effective("2026-06-01"), expires("2026-07-01")),
		grant("unpaid", "7", unpaid, expires("2026-08-01")), grant("spent", "8", priority(-2)), spend("8"), grant("gone", "9", expires("2026-01-02")),
		grant("voided", "10"), voidOf("voided", "10"),
	)
	w.at("2026-01-02")
	const inOrder = "first 5, filtered 4, soon 2, future 6, unpaid 7, late 1, never 3"
	const everything = "late 1, soon 2, never 3, filtered 4, first 5, future 6, unpaid 7, spent 0, gone 9, voided 0"
	for _, limit := range []int{0, 1, 2, 3, 7, 10, creditledger.MaxPage} {
		for _, all := range []bool{false, true} {
			var got []creditledger.Block
			q := creditledger.BlocksQuery{All: all, Limit: limit}
			for pages := 0; ; pages++ {
				page, err := w.Blocks(ctx, cus1, q)
				if err != nil {
					t.Fatal(err)
				}
				if len(page.Blocks) == 0 || (limit > 0 && len(page.Blocks) > limit) {
					t.Errorf("a page of %d blocks", len(page.Blocks))
				}
				got = append(got, page.Blocks...)
				if q.Cursor = page.Next; q.Cursor == "" {
					break
				}
			}
			if want := map[bool]string{false: inOrder, true: everything}[all]; blocksText(got) != want {
				t.Errorf("all %t, pages of %d: %s, want %s", all, limit, blocksText(got), want)
			}
		}
	}
	// The expiry is written by the next operation; the list does not change by it.
	w.given(spend("1"))
	if got := w.held(); got != strings.Replace(inOrder, "first 5", "first 4", 1) {
		t.Errorf("held %s", got)
	}
	page, err := w.Blocks(ctx, cus1, creditledger.BlocksQuery{All: true})
	if err != nil || !strings.Contains(blocksText(page.Blocks), "gone 0") {
		t.Errorf("all %s, %v", blocksText(page.Blocks), err)
	}
}

// TestBlocksDebtIsListed: a debt is a balance.
func TestBlocksDebtIsListed(t *testing.T) {
	w := newWorld(t).given(grant("A", "1"), spend("3"))
	if got := w.held(); got != "A -2" {
		t.Errorf("held %s", got)
	}
	if page, err := w.Blocks(ctx, cus2, creditledger.BlocksQuery{}); err != nil || len(page.Blocks) != 0 || page.Next != "" {
		t.Errorf("an account never used: %+v, %v", page, err)
	}
}

// TestBlocksBetweenPages: blocks that come and go between pages leave the others where
// they are.
func TestBlocksBetweenPages(t *testing.T) {
	w := newWorld(t).given(grant("1", "1", priority(1)), grant("3", "1", priority(3)), grant("5", "1", priority(5)), grant("7", "1", priority(7)))
	first, err := w.Blocks(ctx, cus1, creditledger.BlocksQuery{Limit: 2})
	if err != nil || blocksText(first.Blocks) != "1 1, 3 1" {
		t.Fatalf("%s, %v", blocksText(first.Blocks), err)
	}
	// The block that the cursor stands at is drained; one comes before it, one after.
	w.given(spend("2"), grant("2", "1", priority(2)), grant("4", "1", priority(4)))
	second, err := w.Blocks(ctx, cus1, creditledger.BlocksQuery{Limit: 2, Cursor: first.Next})
	if err != nil || blocksText(second.Blocks) != "4 1, 5 1" {
		t.Errorf("%s, %v", blocksText(second.Blocks), err)
	}
	last, err := w.Blocks(ctx, cus1, creditledger.BlocksQuery{Limit: 2, Cursor: second.Next})
	if err != nil || blocksText(last.Blocks) != "7 1" || last.Next != "" {
		t.Errorf("%s, %v", blocksText(last.Blocks), err)
	}
	for _, limit := range []int{-1, creditledger.MaxPage + 1, 1<<31 - 1} {
		if err := errOf(w.Blocks(ctx, cus1, creditledger.BlocksQuery{Limit: limit})); !errors.Is(err, creditledger.ErrInvalid) {
			t.Errorf("limit %d: %v", limit, err)
		}
	}
	for what, q := range map[string]creditledger.BlocksQuery{"all": {All: true, Cursor: first.Next}} {
		checkCursorRefused(t, what, errOf(w.Blocks(ctx, cus1, q)))
	}
	checkCursorRefused(t, "another account", errOf(w.Blocks(ctx, cus2, creditledger.BlocksQuery{Cursor: first.Next})))
	all, err := w.Blocks(ctx, cus1, creditledger.BlocksQuery{All: true, Limit: 1})
	if err != nil {
		t.Fatal(err)
	}
	checkCursorRefused(t, "of all blocks", errOf(w.Blocks(ctx, cus1, creditledger.BlocksQuery{Cursor: all.Next})))
}
