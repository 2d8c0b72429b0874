/**
 * One call with some of its arguments replaced by hostile ones.
 *
 * Owns: choosing what is replaced, making the arguments, the verdict. Does not own: which calls there are (doors.ts).
 */
import fc from 'fast-check'
import { hostileValue, type Named } from './hostile.ts'
import { judge, type Verdict } from './judge.ts'
import type { World } from './world.ts'

/** An argument, by its position; or a field of one. */
export type Slot = readonly [position: number, field?: string]

/** What was given in a place; undefined: what the door gives by itself. */
export type Given = (position: number, field?: string) => Named | undefined

/** Of no call are there more. */
export type Args = readonly [never, never, never, never]

export interface Door {
  readonly name: string
  readonly slots: readonly Slot[]
  /** Arguments that are taken. Fields that are not there are left out. */
  readonly valid: (world: World) => readonly unknown[]
  readonly call: (world: World, args: Args, given: Given) => unknown
}

export interface Case {
  readonly door: Door
  readonly changes: readonly { readonly slot: Slot; readonly value: Named }[]
  readonly toString: () => string
}

export function cases(doors: readonly Door[]): fc.Arbitrary<Case> {
  return fc
    .constantFrom(...doors)
    .chain((door) =>
      fc
        .array(fc.record({ slot: fc.constantFrom(...door.slots), value: hostileValue }), { minLength: 1, maxLength: 2 })
        .map((changes) => ({ door, changes, toString: () => tellCase(door, changes) }))
    )
}

const tellCase = (door: Door, changes: Case['changes']): string =>
  `${door.name}: ${changes.map(({ slot, value }) => `${slot.join('.')} = ${value.name.slice(0, 300)}`).join('; ')}`

export async function tryCase(world: World, { door, changes }: Case): Promise<Verdict> {
  const args = [...door.valid(world)]
  const isReplaced = (position: number): boolean =>
    changes.some(({ slot }) => slot[0] === position && slot[1] === undefined)
  for (const { slot, value } of changes) {
    const [position, field] = slot
    const argument = args[position]
    if (field === undefined) args[position] = value.make()
    else if (isPlain(argument) && !isReplaced(position)) args[position] = { ...argument, [field]: value.make() }
  }
  const given: Given = (position, field) =>
    changes.findLast(({ slot }) => slot[0] === position && slot[1] === field)?.value
  return judge(() => door.call(world, args as unknown as Args, given))
}

const isPlain = (value: unknown): value is object => {
  try {
    return typeof value === 'object' && value !== null && Object.getPrototypeOf(value) === Object.prototype
  } catch {
    return false
  }
}
