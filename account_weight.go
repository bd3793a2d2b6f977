package creditledger

// What is kept in memory is bounded by its size, not by its number alone: a block may
// have a hundred bytes of text, or three hundred thousand. Rule: docs/design.md,
// "Everything kept in memory is bounded".

// weightUnit is how many bytes of text weigh as much as a block without any.
const weightUnit = 256

// weight returns the weight of a block. A block without texts weighs 1.
func (b *block) weight() int { return 1 + (len(b.ID)+b.rare.size)/weightUnit }

// checkRoom refuses an operation after which the open blocks of an account would weigh
// too much, unless it makes them no heavier than before.
func checkRoom(a *account, before int) error {
	if a.weight > MaxOpenBlocks && a.weight > before {
		return &LimitError{Blocks: a.weight}
	}
	return nil
}
