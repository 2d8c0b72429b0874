/**
 * How values that JSON has no words for are written and read back.
 *
 * Owns: one entry for each such type: its tag, what is stored beside the tag, and how the value is made again.
 * Does not own: the walk over a value, paths, plain JSON (snapshot-codec.ts).
 *
 * Invariants
 * 1. An entry is found by the exact prototype: an instance of a subclass is not taken for its base class, as that would
 *    give back another class without a word. Errors are the exception, see `ERROR`.
 * 2. `read` throws whatever it likes on malformed input, but never returns a value that was not written.
 */
import { NotSerializableError } from '../errors.ts'
import { DurableRef, readAddress } from '../logics/durable-ref.ts'

/** Encodes or decodes a part of a value; `label` names the part in paths. */
export type Part = (value: unknown, label: string) => unknown
export type Fields = Readonly<Record<string, unknown>>

export interface TaggedType {
  readonly tag: string
  write(value: object, part: Part): Fields
  read(fields: Fields, part: Part): object
}

export function typeOf(value: object, prototype: object): TaggedType | undefined {
  return BY_PROTOTYPE.get(prototype) ?? (value instanceof Error ? ERROR : undefined)
}

export function typeTagged(tag: unknown): TaggedType | undefined {
  return BY_TAG.get(tag)
}

const DATE = {
  tag: 'Date',
  write: (date: Date) => ({ value: Number.isNaN(date.getTime()) ? null : date.toISOString() }),
  read: ({ value }: Fields) => {
    const date = new Date(value === null ? Number.NaN : text(value))
    check(value === null || date.toISOString() === value)
    return date
  }
}

const MAP = {
  tag: 'Map',
  write: (map: Map<unknown, unknown>, part: Part) => ({
    value: Array.from(map, ([key, item], index) => [part(key, `<key ${index}>`), part(item, `<value ${index}>`)])
  }),
  read: ({ value }: Fields, part: Part) =>
    new Map(
      list(value).map((entry, index) => {
        const pair = list(entry)
        check(pair.length === 2)
        return [part(pair[0], `<key ${index}>`), part(pair[1], `<value ${index}>`)] as const
      })
    )
}

const SET = {
  tag: 'Set',
  write: (set: Set<unknown>, part: Part) => ({
    value: Array.from(set, (item, index) => part(item, `<item ${index}>`))
  }),
  read: ({ value }: Fields, part: Part) => new Set(list(value).map((item, index) => part(item, `<item ${index}>`)))
}

const REG_EXP = {
  tag: 'RegExp',
  write: ({ source, flags, lastIndex }: RegExp) => ({ source, flags, ...(lastIndex !== 0 && { lastIndex }) }),
  read: ({ source, flags, lastIndex = 0 }: Fields) => {
    const expression = new RegExp(text(source), text(flags))
    expression.lastIndex = integer(lastIndex)
    return expression
  }
}

const LINK = {
  tag: 'URL',
  write: (url: URL) => ({ value: url.href }),
  read: ({ value }: Fields) => new URL(text(value))
}

// Errors come from everywhere (rejections above all), carry what they like, and still must end up in a row: whatever of
// their fields and causes cannot be stored is left out. Their class becomes the built-in one that they name, or Error.
const ERROR = {
  tag: 'Error',
  write: (error: Error, part: Part) => {
    const storable = (value: unknown, label: string): { value: unknown } | undefined => {
      try {
        return { value: part(value, label) }
      } catch (refusal) {
        if (refusal instanceof NotSerializableError) return undefined
        throw refusal
      }
    }
    const cause = Object.hasOwn(error, 'cause') ? storable(error.cause, 'cause') : undefined
    const errors = error instanceof AggregateError ? storable(error.errors, 'errors') : undefined
    const fields = {}
    for (const key of Object.keys(error)) {
      if (ERROR_PARTS.has(key)) continue
      const field = storable((error as unknown as Fields)[key], key)
      if (field) define(fields, key, field.value, true)
    }
    return {
      name: String(error.name),
      message: String(error.message),
      ...(typeof error.stack === 'string' && { stack: error.stack }),
      ...(cause && { cause: cause.value }),
      ...(errors && { errors: errors.value }),
      ...(Object.keys(fields).length > 0 && { fields })
    }
  },
  read: ({ name, message, stack, cause, errors, fields = {} }: Fields, part: Part) => {
    const error =
      errors === undefined
        ? new (ERROR_CLASSES.get(text(name)) ?? Error)(text(message))
        : new AggregateError(list(part(errors, 'errors')), text(message))
    if (error.name !== name) define(error, 'name', text(name), false)
    define(error, 'stack', stack === undefined ? undefined : text(stack), false)
    if (cause !== undefined) define(error, 'cause', part(cause, 'cause'), false)
    for (const [key, field] of Object.entries(fields as Fields)) define(error, key, part(field, key), true)
    return error
  }
}
const ERROR_PARTS = new Set(['name', 'message', 'stack', 'cause', 'errors'])
const ERROR_CLASSES = new Map(
  [TypeError, RangeError, SyntaxError, ReferenceError, EvalError, URIError].map((type) => [type.name, type])
)

const DURABLE_REF = {
  tag: 'durable-ref',
  write: ({ address }: DurableRef) => ({ ...address }),
  read: ({ id, key }: Fields) => new DurableRef(readAddress(id === undefined ? { key } : id))
}

const ARRAY_BUFFER = {
  tag: 'ArrayBuffer',
  write: (buffer: ArrayBuffer) => ({ value: Buffer.from(buffer).toString('base64') }),
  read: ({ value }: Fields) => bytesOf(value)
}

const VIEWS: readonly (new (buffer: ArrayBuffer) => ArrayBufferView)[] = [
  Int8Array,
  Uint8Array,
  Uint8ClampedArray,
  Int16Array,
  Uint16Array,
  Int32Array,
  Uint32Array,
  Float32Array,
  Float64Array,
  BigInt64Array,
  BigUint64Array,
  DataView
]

function viewType(View: (typeof VIEWS)[number]) {
  return {
    tag: View.name,
    write: (view: ArrayBufferView) => ({
      value: Buffer.from(view.buffer, view.byteOffset, view.byteLength).toString('base64')
    }),
    read: ({ value }: Fields) => new View(bytesOf(value))
  }
}

const BUFFER = {
  ...viewType(Uint8Array),
  tag: 'Buffer',
  read: ({ value }: Fields) => Buffer.from(bytesOf(value))
}

const TYPES: readonly (readonly [prototype: object, type: TaggedType])[] = [
  [Date.prototype, DATE],
  [Map.prototype, MAP],
  [Set.prototype, SET],
  [RegExp.prototype, REG_EXP],
  [URL.prototype, LINK],
  [Error.prototype, ERROR],
  [DurableRef.prototype, DURABLE_REF],
  [ArrayBuffer.prototype, ARRAY_BUFFER],
  [Buffer.prototype, BUFFER],
  ...VIEWS.map((View) => [View.prototype, viewType(View)] as const)
] as readonly (readonly [object, TaggedType])[]

const BY_PROTOTYPE = new Map(TYPES)
const BY_TAG = new Map<unknown, TaggedType>(TYPES.map(([, type]) => [type.tag, type]))

/** Never a plain assignment: a key `__proto__` would set the prototype. */
export function define(target: object, key: string, value: unknown, enumerable: boolean): void {
  Object.defineProperty(target, key, { value, enumerable, writable: true, configurable: true })
}

function bytesOf(value: unknown): ArrayBuffer {
  const bytes = Buffer.from(text(value), 'base64')
  check(bytes.toString('base64') === value)
  return bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength)
}

function text(value: unknown): string {
  check(typeof value === 'string')
  return value as string
}

function integer(value: unknown): number {
  check(Number.isSafeInteger(value) && (value as number) >= 0)
  return value as number
}

function list(value: unknown): readonly unknown[] {
  check(Array.isArray(value))
  return value as unknown[]
}

function check(holds: boolean): void {
  if (!holds) throw new TypeError('malformed')
}
