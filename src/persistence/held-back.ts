/**
 * Requests that must wait, and those behind them: of what belongs together nothing overtakes.
 *
 * Owns: the lines, by key. Does not own: how long a line waits (group-commit.ts).
 */
export class HeldBack<Waiting> {
  readonly #lines = new Map<unknown, Waiting[]>()
  #size = 0

  get size(): number {
    return this.#size
  }

  /** Puts `waiting` behind those of its key; false: none of them waits. */
  join(key: unknown, waiting: Waiting): boolean {
    const line = this.#lines.get(key)
    if (line === undefined) return false
    line.push(waiting)
    this.#size++
    return true
  }

  begin(key: unknown, waiting: Waiting): void {
    this.#lines.set(key, [waiting])
    this.#size++
  }

  /** The whole line, which is none any more. */
  end(key: unknown): readonly Waiting[] {
    const line = this.#lines.get(key) ?? []
    this.#lines.delete(key)
    this.#size -= line.length
    return line
  }

  endAll(): readonly Waiting[] {
    return [...this.#lines.keys()].flatMap((key) => this.end(key))
  }
}
