/** Chance that can be had again: the same seed, the same numbers. */
export interface Random {
  /** From 0 up to, and without, `below`; whole. */
  below(below: number): number
  of<Item>(items: readonly Item[]): Item
}

/** SplitMix32. */
export function seeded(seed: number): Random {
  let state = seed | 0
  const next = (): number => {
    state = (state + 0x9e3779b9) | 0
    let bits = Math.imul(state ^ (state >>> 16), 0x21f0aaad)
    bits = Math.imul(bits ^ (bits >>> 15), 0x735a2d97)
    return (bits ^ (bits >>> 15)) >>> 0
  }
  const below = (below: number): number => next() % below
  return {
    below,
    of: <Item>(items: readonly Item[]) => {
      if (items.length === 0) throw new Error('there is nothing to choose from')
      return items[below(items.length)] as Item
    }
  }
}
