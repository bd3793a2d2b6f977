package creditledger

// What is kept in memory is bounded by what it takes up there, not by its number alone:
// a block may have a hundred bytes of text, or three hundred thousand.
// Rule: docs/design.md, "Everything kept in memory is bounded".

// weightUnit is how many bytes of text weigh as much as a block without any.
const weightUnit = 256

// weight of a block in units of a plain one.
func (b *block) weight() int { return 1 + (len(b.ID)+b.rare.size)/weightUnit }

// checkRoom refuses an operation after which the open blocks of an account would weigh
// too much, unless they weighed no less before it.
func checkRoom(a *account, before int) error {
	if a.weight > MaxOpenBlocks && a.weight > before {
		return &LimitError{Blocks: a.weight}
	}
	return nil
}
