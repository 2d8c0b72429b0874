/**
 * Documents as no version of ours has written them: what a bad disk, a bad script or a hand in the database leaves.
 *
 * Owns: one change of a JSON document somewhere in it. What comes out is still JSON: Postgres stores nothing else.
 */
import fc from 'fast-check'

const OTHERS = [
  'null',
  'true',
  '0',
  '-1',
  '1e308',
  '0.5',
  '9007199254740993',
  '""',
  '"text"',
  '"\\u0000"',
  '"\\ud800"',
  '"__proto__"',
  '"constructor"',
  '"toString"',
  '[]',
  '[[]]',
  '[null]',
  '{}',
  '{"type":5}',
  '{"type":"xstate.stop"}',
  '{"type":"perdure.stop"}',
  '{"type":"perdure.child.outcome","outcome":null}',
  '{"__proto__":{"polluted":true}}',
  '{"constructor":{"prototype":{"polluted":true}}}',
  '{"then":{}}',
  '{"$type":"Doll"}',
  '{"$type":5}',
  '{"$type":"__proto__"}',
  '{"$type":"undefined"}',
  '{"$type":"number","value":"1"}',
  '{"$type":"bigint","value":"1e9"}',
  '{"$type":"Date","value":"soon"}',
  '{"$type":"Map","value":[[1]]}',
  '{"$type":"Set","value":{}}',
  '{"$type":"RegExp","source":"(","flags":"z"}',
  '{"$type":"URL","value":"no"}',
  '{"$type":"Error"}',
  '{"$type":"Error","name":"constructor","message":"m"}',
  '{"$type":"Uint8Array","value":"???"}',
  '{"$type":"Float64Array","value":"AAA="}',
  '{"$type":"sparse-array","length":4294967295,"items":[[4294967296,1]]}',
  '{"$type":"sparse-array","length":4294967295,"items":[]}',
  '{"$type":"object","value":[]}',
  '{"$type":"null-prototype","value":{"__proto__":1}}',
  '{"$type":"actor"}',
  '{"$type":"actor","id":"nobody"}',
  '{"$type":"actor","sessionId":"x:99"}',
  '{"$type":"actor","path":["nobody"]}',
  '{"$type":"durable-ref"}',
  '{"$type":"durable-ref","key":5}',
  '{"$type":"encoded"}',
  '{"$type":"encoded","machine":"family","text":"x"}',
  '{"$type":"encoded","machine":5,"text":5}',
  `"${'x'.repeat(200_000)}"`,
  `${'['.repeat(1_500)}${']'.repeat(1_500)}`,
  `${'{"a":'.repeat(1_500)}1${'}'.repeat(1_500)}`
]

export interface Mangling {
  readonly how: 'replace' | 'remove' | 'rename' | 'double' | 'truncate' | 'retype' | 'whole'
  /** Of the places in the document, as a fraction of their number. */
  readonly where: number
  readonly other: string
}

export const manglings: fc.Arbitrary<Mangling> = fc.record({
  how: fc.constantFrom('replace', 'replace', 'replace', 'remove', 'rename', 'double', 'truncate', 'retype', 'whole'),
  where: fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }),
  other: fc.constantFrom(...OTHERS)
})

type Holder = Record<string, unknown>

/** Stands for a text that is put in when the whole is JSON. */
const MARK = '@@other@@'

export function mangle(text: string, { how, where, other }: Mangling): string {
  if (how === 'whole') return other
  const root: Holder = { '': JSON.parse(text) }
  const places = listPlaces(root)
  const [holder, key] = places[Math.floor(where * places.length)] as readonly [Holder, string]
  const value = holder[key]
  if (how === 'replace') holder[key] = MARK
  else if (how === 'remove') remove(holder, key)
  else if (how === 'rename') {
    remove(holder, key)
    holder[`${key}x`] = value
  } else if (how === 'double') holder[key] = [value, value]
  else if (how === 'truncate') holder[key] = truncate(value)
  else holder[key] = typeof value === 'string' ? value.length : JSON.stringify(value)
  return (JSON.stringify(root['']) ?? 'null').replace(`"${MARK}"`, () => other)
}

const truncate = (value: unknown): unknown =>
  Array.isArray(value) ? value.slice(0, -1) : (JSON.stringify(value) ?? '').slice(0, -1)

function remove(holder: Holder, key: string): void {
  if (Array.isArray(holder)) holder.splice(Number(key), 1)
  else delete holder[key]
}

function listPlaces(holder: Holder): readonly (readonly [Holder, string])[] {
  return Object.keys(holder).flatMap((key) => {
    const value = holder[key]
    const below = typeof value === 'object' && value !== null ? listPlaces(value as Holder) : []
    return [[holder, key] as const, ...below]
  })
}
