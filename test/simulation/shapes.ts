/**
 * Shapes of random machines, as data: rooms in which an actor rests, and what it takes there.
 *
 * Owns: drawing them. Does not own: the machines (ledger.ts).
 */
import type { Random } from '../support/random.ts'

/** What takes a while: work in the process, a timer, a child with a row of its own, several of them. */
export const CHORES = ['work', 'nap', 'hire', 'crew'] as const
export type Chore = (typeof CHORES)[number]

/** Where an event leads; null: it waits until some other room takes it. */
export interface Room {
  readonly add: number | null
  readonly pass: number | null
  /** The room in which the actor is when the chore is over. */
  readonly chores: Readonly<Record<Chore, number | null>>
  /** Left at once for the room after it, where the number of steps taken is a multiple; null: not. */
  readonly hopsAt: number | null
}

export interface Shape {
  readonly rooms: readonly Room[]
  /** Whether `add` and `pass` wait while a chore is under way. */
  readonly defersWhileBusy: boolean
  /** A second region, which each step changes by an event that the machine raises. */
  readonly hasLamp: boolean
}

/** The shape of the cluster's tally: one room that takes everything. */
export const PLAIN: Shape = {
  rooms: [{ add: 0, pass: 0, chores: { work: 0, nap: 0, hire: 0, crew: 0 }, hopsAt: null }],
  defersWhileBusy: false,
  hasLamp: false
}

export function drawShape(random: Random): Shape {
  if (random.below(3) === 0) return PLAIN
  const count = 1 + random.below(3)
  const draw = (refuses: number): number | null => (random.below(100) < refuses ? null : random.below(count))
  const rooms = Array.from({ length: count }, (_, index): Room => ({
    add: draw(10),
    pass: draw(10),
    chores: { work: draw(15), nap: draw(15), hire: draw(15), crew: draw(15) },
    hopsAt: index + 1 < count && random.below(3) === 0 ? 2 + random.below(3) : null
  }))
  return { rooms, defersWhileBusy: random.below(2) === 0, hasLamp: random.below(3) === 0 }
}

/** Whether events of a type are taken wherever the actor is, so that they are taken in the order sent. */
export function isNeverDeferred(shape: Shape, type: 'add' | 'pass'): boolean {
  return !shape.defersWhileBusy && shape.rooms.every((room) => room[type] !== null)
}
