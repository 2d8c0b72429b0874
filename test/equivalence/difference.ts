/**
 * The first difference between what two runs showed.
 *
 * Owns: finding it, and telling it to people. Does not own: whether it is allowed (verdict.ts).
 */
import type { Data, Fields } from './data.ts'
import type { Observation } from './observation.ts'

export interface Difference {
  /** 0 is the start; step n is the nth of the case. */
  readonly step: number
  /** What was heard, or the part of the snapshot: `heard[2]`, `snapshot.context.refs[0]`. */
  readonly path: string
  /** undefined: there is nothing. */
  readonly plain: Data | undefined
  readonly durable: Data | undefined
}

/** `heard` is compared first: where the runs part, it tells why. */
export function findDifference(plain: readonly Observation[], durable: readonly Observation[]): Difference | undefined {
  for (const [step, expected] of plain.entries()) {
    const found = durable[step]
    const isSameSound = expected.heard.join() === found?.heard.join()
    const difference =
      (isSameSound ? undefined : compare(read(expected.heard), read(found?.heard), 'heard')) ??
      compare(expected.snapshot, found?.snapshot, 'snapshot')
    if (difference) return { step, ...difference }
  }
  return undefined
}

const read = (heard: Observation['heard'] | undefined): Data | undefined =>
  heard?.map((sound) => JSON.parse(sound) as Data)

type Place = Omit<Difference, 'step'>

function compare(plain: Data | undefined, durable: Data | undefined, path: string): Place | undefined {
  if (!isTree(plain) || !isTree(durable)) return plain === durable ? undefined : { path, plain, durable }
  const isList = Array.isArray(plain)
  const [keys, others] = [Object.keys(plain), Object.keys(durable)]
  // Of objects the order of keys counts, too.
  if (isList !== Array.isArray(durable) || !(isList || keys.join() === others.join())) return { path, plain, durable }
  for (const key of keys.length > others.length ? keys : others) {
    const at = isList ? `${path}[${key}]` : `${path}.${key}`
    const difference = compare((plain as Fields)[key], (durable as Fields)[key], at)
    if (difference) return difference
  }
  return undefined
}

const isTree = (data: unknown): data is object => typeof data === 'object' && data !== null

/** For people: one line each. */
export function tellDifference({ step, path, plain, durable }: Difference): string {
  const show = (data: Data | undefined): string => (data === undefined ? 'nothing' : JSON.stringify(data))
  return [`after step ${step}, ${path}`, `  plain    ${show(plain)}`, `  durable  ${show(durable)}`].join('\n')
}
