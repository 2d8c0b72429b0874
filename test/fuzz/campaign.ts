/**
 * Many hostile calls, or many mangled rows, one seed each: the same seed makes the same case, whichever it is of how many.
 *
 * Owns: drawing cases, trying them, what is told of them. Does not own: the verdicts (judge.ts, rows.ts).
 */
import fc from 'fast-check'
import { cases, tryCase, type Case } from './case.ts'
import { doors } from './doors.ts'
import { makers } from './makers.ts'
import { manglings } from './mangle.ts'
import { COLUMNS, tryRows, type RowCase } from './rows.ts'
import type { World } from './world.ts'

export interface Part {
  /** Of the first case. */
  readonly seed: number
  readonly runs: number
}

export interface Finding {
  readonly seed: number
  readonly says: string
}

export interface Findings {
  readonly wrong: readonly Finding[]
  /** How often each of these was seen. */
  readonly counts: ReadonlyMap<string, number>
}

const anyCall = cases([...doors, ...makers])
const anyRow: fc.Arbitrary<RowCase> = fc
  .record({ column: fc.constantFrom(...COLUMNS), mangling: manglings })
  .map(({ column, mangling }) => ({
    column,
    mangling,
    toString: () => `${column}, ${mangling.how} at ${mangling.where.toFixed(3)}, ${mangling.other.slice(0, 60)}`
  }))

/** Actors that are mangled in one round. */
const ROUND = 40

export async function tryCalls(world: World, { seed, runs }: Part): Promise<Findings> {
  const wrong: Finding[] = []
  const counts = new Map<string, number>()
  for (let at = seed; at < seed + runs; at++) {
    const each = draw(anyCall, at)
    const says = await tryCall(world, each, counts)
    if (says !== '') wrong.push({ seed: at, says: `${each.toString()}\n${says}` })
  }
  return { wrong, counts }
}

/** What is wrong; '': nothing. */
async function tryCall(world: World, each: Case, counts: Map<string, number>): Promise<string> {
  const verdict = await tryCase(world, each)
  add(counts, `${each.door.name}: ${verdict.kind}`, 1)
  return [...(verdict.kind === 'wrong' ? [verdict.says] : []), ...world.listAlarms()].join('\n')
}

export async function tryAllRows(world: World, { seed, runs }: Part): Promise<Findings> {
  const wrong: Finding[] = []
  const counts = new Map<string, number>()
  for (let at = seed; at < seed + runs; at += ROUND) {
    const size = Math.min(ROUND, seed + runs - at)
    const round = await tryRows(
      world,
      Array.from({ length: size }, (_, index) => draw(anyRow, at + index))
    )
    for (const says of round.wrong) wrong.push({ seed: at, says })
    for (const [fate, count] of Object.entries(round.fates)) add(counts, `rows: ${fate}`, count)
  }
  return { wrong, counts }
}

function draw<Value>(arbitrary: fc.Arbitrary<Value>, seed: number): Value {
  const [value] = fc.sample(arbitrary, { seed, numRuns: 1 })
  return value as Value
}

const add = (counts: Map<string, number>, name: string, count: number): unknown =>
  counts.set(name, (counts.get(name) ?? 0) + count)
