/**
 * Rows that this node has claimed and had to give back, because it does not know their machine, or does not serve their queue.
 *
 * Owns: remembering them for a while, so that what is sent to them goes to their inboxes without a claim each time; and how often an
 * unknown machine is reported. Does not own: giving rows back (engine.ts).
 *
 * Invariant
 * 1. What is remembered is bounded, and forgotten within two periods: such a row may become one of this node's, when it is moved.
 */
import type { ClaimedRow, UnknownRows } from '../persistence/store.ts'
import type { Telemetry } from '../telemetry/telemetry.ts'

const PERIOD_MS = 60_000
const MAX_ROWS = 10_000
const MAX_MACHINES = 1_000

export class Strangers {
  readonly #telemetry: Telemetry
  #rows = new Set<string>()
  #rowsBefore = new Set<string>()
  readonly #told = new Map<string, number>()
  #since = performance.now()

  constructor(telemetry: Telemetry) {
    this.#telemetry = telemetry
  }

  /** `isUnknown`: this node does not know its machine. */
  add({ id, machine, machineVersion }: ClaimedRow, isUnknown: boolean): void {
    this.#turnPage()
    if (this.#rows.size < MAX_ROWS) this.#rows.add(id)
    if (isUnknown) this.tell({ machine, version: machineVersion, count: 1 })
  }

  has(id: string): boolean {
    if (this.#rows.size === 0 && this.#rowsBefore.size === 0) return false
    this.#turnPage()
    return this.#rows.has(id) || this.#rowsBefore.has(id)
  }

  /** Reports a machine that this node does not know, unless it was reported within the period. */
  tell(unknown: UnknownRows): void {
    const name = JSON.stringify([unknown.machine, unknown.version])
    const now = performance.now()
    if (now - (this.#told.get(name) ?? -Infinity) < PERIOD_MS) return
    if (this.#told.size >= MAX_MACHINES) this.#told.clear()
    this.#told.set(name, now)
    this.#telemetry.emit('machine.unknown', unknown)
  }

  #turnPage(): void {
    const now = performance.now()
    const pages = Math.floor((now - this.#since) / PERIOD_MS)
    if (pages === 0) return
    this.#rowsBefore = pages === 1 ? this.#rows : new Set()
    this.#rows = new Set()
    this.#since = now
  }
}
