/**
 * Values as JSON: what a machine keeps in its context, sends in an event or returns as output, written so that it comes
 * back.
 *
 * Plain JSON is stored as it is. What JSON has no words for becomes an object with one reserved key, `$type`:
 * `{ "$type": "Date", "value": "2026-01-31T09:00:00.000Z" }`. An object of the user that has a key `$type` is wrapped:
 * `{ "$type": "object", "value": { "$type": … } }`.
 *
 * Owns: the walk in both directions, refusals, the tags for primitives, holes and unusual objects.
 * Does not own: types with a prototype of their own (tagged-values.ts), what an actor reference is (`ActorRefs`).
 *
 * Invariants
 * 1. What is written comes back equal, or is refused with its path: never a value that was not stored. Not kept, as in
 *    JSON: symbol keys, non-enumerable properties, named properties of arrays, and that two places held one object.
 * 2. No user code runs but getters: `toJSON` is never called, and no prototype is ever set from data.
 * 3. Neither direction overflows the stack, nor goes on for ever: nesting is bounded by MAX_DEPTH, size by MAX_OBJECTS.
 */
import { NotSerializableError } from '../errors.ts'
import type { Json } from '../persistence/store.ts'
import { define, typeOf, typeTagged, type Fields } from './tagged-values.ts'
import { enter, pathOf, type Place } from './value-path.ts'

const TAG = '$type'
const MAX_DEPTH = 1000
/** Objects that many places share are written at each of them: a few dozen can stand for more than there is memory for. */
const MAX_OBJECTS = 2_000_000
/** By the walk that is under way. */
let objectsWritten = 0

/** What is stored of a reference to an actor. */
export type StoredRef = Fields

/** How the owner of actors stores references to them; without it they are refused. */
export interface ActorRefs {
  /** undefined: `value` is no actor of this owner's. */
  toRef(value: object): StoredRef | undefined
  fromRef(stored: StoredRef): unknown
  /** What is stored in place of an object that cannot be as it is (a machine's snapshot has methods); undefined for all others. */
  toStandIn(value: object): object | undefined
}

/** A stored text or tree that no `encode` wrote. */
export class MalformedValueError extends Error {
  override readonly name = 'MalformedValueError'
  readonly path: string
  constructor(path: string, problem: string) {
    super(`${path} ${problem}`)
    this.path = path
  }
}

/** A copy of `value` that JSON can hold. Throws NotSerializableError with the path, which starts with `path`. */
export function encode(value: unknown, path: string, refs?: ActorRefs): unknown {
  objectsWritten = 0
  return write(value, path, null, refs)
}

/** The value that `encode` was given. Takes `tree` over: it is changed in place. Throws MalformedValueError. */
export function decode(tree: unknown, path: string, refs?: ActorRefs): unknown {
  return read(tree, path, null, refs)
}

/**
 * A value of a caller's as it is stored, and as it will come back: what the caller does to its object later does not reach that.
 * Throws NotSerializableError, also where an object lies about what it is.
 */
export function copyStorable(value: unknown, path: string): { readonly copy: unknown; readonly json: Json } {
  const tree = encode(value, path)
  const json = JSON.stringify(tree)
  try {
    return { copy: decode(tree, path), json }
  } catch (error) {
    if (error instanceof MalformedValueError) throw new NotSerializableError(error.path, 'not what it says it is')
    throw error
  }
}

/** `value` as JSON text; `path` names it in a refusal (NotSerializableError). */
export function toJson(value: unknown, path: string): Json {
  return JSON.stringify(encode(value, path))
}

/** The value that `toJson` was given. Throws MalformedValueError. */
export function fromJson(text: Json, path = 'value'): unknown {
  return decode(parseJson(text, path), path)
}

/** A stored document, not decoded. Throws MalformedValueError. */
export function parseJson(text: Json, path: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    throw new MalformedValueError(path, 'is not JSON')
  }
}

/** Whatever was thrown, as JSON text. Never throws: a thing that cannot be stored becomes an error that says so. */
export function encodeError(error: unknown): Json {
  try {
    return toJson(error, 'error')
  } catch (refusal) {
    return toJson(new Error(`what was thrown cannot be stored: ${(refusal as Error).message}`), 'error')
  }
}

// ── writing ───────────────────────────────────────────────────────────────────────────────────────────────────────

function write(value: unknown, key: string | number, within: Place | null, refs: ActorRefs | undefined): unknown {
  switch (typeof value) {
    case 'string':
    case 'boolean':
      return value
    case 'number':
      return Number.isFinite(value) && !Object.is(value, -0)
        ? value
        : { [TAG]: 'number', value: Object.is(value, -0) ? '-0' : String(value) }
    case 'undefined':
      return { [TAG]: 'undefined' }
    case 'bigint':
      return { [TAG]: 'bigint', value: String(value) }
    case 'object':
      return value === null ? null : writeObject(enter(value, key, within), refs)
    default:
      throw new NotSerializableError(pathOf(key, within), `a ${typeof value}`)
  }
}

function writeObject(here: Place, refs: ActorRefs | undefined): unknown {
  if (here.depth > MAX_DEPTH) throw refusal(here, `nested more than ${MAX_DEPTH} levels deep`)
  if (++objectsWritten > MAX_OBJECTS) throw refusal(here, `one of more than ${MAX_OBJECTS} objects in one value`)
  for (let outer = here.within; outer !== null; outer = outer.within) {
    if (outer.value === here.value) throw refusal(here, 'a reference to an object that it is part of')
  }
  try {
    return writeKnown(here, refs)
  } catch (error) {
    if (error instanceof NotSerializableError) throw error
    throw refusal(here, 'an object that throws when it is read')
  }
}

function writeKnown(here: Place, refs: ActorRefs | undefined): unknown {
  const { value } = here
  const prototype: object | null = Object.getPrototypeOf(value)
  if (Array.isArray(value) && (prototype === Array.prototype || isBuiltin(prototype, 'Array'))) {
    return writeArray(value, here, refs)
  }
  if (refs) {
    const ref = refs.toRef(value)
    if (ref) return { [TAG]: 'actor', ...ref }
    const standIn = refs.toStandIn(value)
    if (standIn) return writeKnown({ ...here, value: standIn }, refs)
  }
  if (prototype === Object.prototype || isBuiltin(prototype, 'Object')) {
    const fields = writeFields(value, here, refs)
    return Object.hasOwn(value, TAG) ? { [TAG]: 'object', value: fields } : fields
  }
  if (prototype === null) return { [TAG]: 'null-prototype', value: writeFields(value, here, refs) }
  const type = typeOf(value, prototype)
  if (!type) throw refusal(here, `an instance of ${className(prototype)}`)
  return { [TAG]: type.tag, ...type.write(value, (part, label) => write(part, label, here, refs)) }
}

function writeFields(value: object, here: Place, refs: ActorRefs | undefined): object {
  const fields: Record<string, unknown> = {}
  for (const key of Object.keys(value)) {
    const field = write((value as Fields)[key], key, here, refs)
    if (key === '__proto__') define(fields, key, field, true)
    else fields[key] = field
  }
  return fields
}

function writeArray(array: readonly unknown[], here: Place, refs: ActorRefs | undefined): unknown {
  const items: unknown[] = []
  for (let index = 0; index < array.length; index++) {
    const item = array[index]
    if (item === undefined && !(index in array)) return writeSparseArray(array, here, refs)
    items.push(write(item, index, here, refs))
  }
  return items
}

function writeSparseArray(array: readonly unknown[], here: Place, refs: ActorRefs | undefined): unknown {
  const indices = Object.keys(array)
    .map(Number)
    .filter((index) => Number.isInteger(index))
  return {
    [TAG]: 'sparse-array',
    length: array.length,
    items: indices.map((index) => [index, write(array[index], index, here, refs)])
  }
}

/** The built-in of another realm (a vm context has an Object and an Array of its own). */
function isBuiltin(prototype: object | null, name: string): boolean {
  if (prototype === null || className(prototype) !== name) return false
  const above: object | null = Object.getPrototypeOf(prototype)
  return above === null || (name === 'Array' && Object.getPrototypeOf(above) === null)
}

function className(prototype: object): string {
  return (prototype.constructor as { name?: string } | undefined)?.name || 'a nameless class'
}

function refusal(place: Place, what: string): NotSerializableError {
  return new NotSerializableError(pathOf(place.key, place.within), what)
}

// ── reading ───────────────────────────────────────────────────────────────────────────────────────────────────────

function read(tree: unknown, key: string | number, within: Place | null, refs: ActorRefs | undefined): unknown {
  if (tree === null || typeof tree !== 'object') return tree
  const here = enter(tree, key, within)
  if (here.depth > MAX_DEPTH) throw malformed(here, 'is nested too deep')
  if (Array.isArray(tree)) {
    for (let index = 0; index < tree.length; index++) tree[index] = read(tree[index], index, here, refs)
    return tree
  }
  return Object.hasOwn(tree, TAG) ? readTagged(tree as Fields, here, refs) : readFields(tree, here, refs)
}

function readFields(tree: object, here: Place, refs: ActorRefs | undefined): object {
  const fields = tree as Record<string, unknown>
  for (const key of Object.keys(fields)) {
    const field = fields[key]
    // An own key `__proto__` (JSON.parse makes such) is shadowed by itself: the assignment cannot reach the accessor.
    if (field !== null && typeof field === 'object') fields[key] = read(field, key, here, refs)
  }
  return fields
}

function readTagged(tree: Fields, here: Place, refs: ActorRefs | undefined): unknown {
  const { [TAG]: tag, value } = tree
  switch (tag) {
    case 'undefined':
      return undefined
    case 'number':
      if (typeof value === 'string' && SPECIAL_NUMBERS.has(value)) return Number(value)
      break
    case 'bigint':
      if (typeof value === 'string' && /^-?\d+$/.test(value)) return BigInt(value)
      break
    case 'object':
      if (isRecord(value)) return readFields(value, here, refs)
      break
    case 'null-prototype':
      if (isRecord(value)) return Object.setPrototypeOf(readFields(value, here, refs), null)
      break
    case 'sparse-array':
      return readSparseArray(tree, here, refs)
    case 'actor':
      if (refs) return refs.fromRef(tree)
      break
    default:
      return readType(tree, here, refs)
  }
  throw malformed(here, `is not a value of $type '${tag}'`)
}
const SPECIAL_NUMBERS = new Set(['NaN', 'Infinity', '-Infinity', '-0'])

function readType(tree: Fields, here: Place, refs: ActorRefs | undefined): object {
  const type = typeTagged(tree[TAG])
  if (!type) throw malformed(here, `has an unknown $type`)
  try {
    return type.read(tree, (part, label) => read(part, label, here, refs))
  } catch (error) {
    if (error instanceof MalformedValueError) throw error
    throw malformed(here, `is not a value of $type '${type.tag}'`)
  }
}

function readSparseArray({ length, items }: Fields, here: Place, refs: ActorRefs | undefined): unknown[] {
  const isIndex = (index: unknown): index is number => Number.isInteger(index) && (index as number) >= 0
  if (!isIndex(length) || length >= 2 ** 32 || !Array.isArray(items)) throw malformed(here, 'is not a sparse array')
  const array: unknown[] = []
  array.length = length
  for (const item of items as unknown[]) {
    if (!Array.isArray(item) || !isIndex(item[0]) || item[0] >= length) throw malformed(here, 'is not a sparse array')
    array[item[0]] = read(item[1], item[0], here, refs)
  }
  return array
}

function isRecord(value: unknown): value is object {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function malformed(place: Place, problem: string): MalformedValueError {
  return new MalformedValueError(pathOf(place.key, place.within), problem)
}
