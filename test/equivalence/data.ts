/**
 * Any value that a machine holds or tells, as plain data that can be compared and read.
 *
 * Owns: the translation. What JSON has no words for becomes `{ '(Map)': … }` and the like; objects keep the order of
 * their keys, for a machine that looks at it could tell. Does not own: comparing (difference.ts).
 */
import type { AnyActorRef, AnyMachineSnapshot } from 'xstate'

export type Data = null | boolean | number | string | readonly Data[] | { readonly [key: string]: Data }
export type Fields = Readonly<Record<string, Data>>

export function toData(value: unknown): Data {
  switch (typeof value) {
    case 'string':
    case 'boolean':
      return value
    case 'number':
      return Number.isFinite(value) && !Object.is(value, -0)
        ? value
        : { '(number)': Object.is(value, -0) ? '-0' : `${value}` }
    case 'undefined':
      return { '(undefined)': true }
    case 'bigint':
    case 'symbol':
      return { [`(${typeof value})`]: String(value) }
    case 'function':
      return { '(function)': value.name }
    default:
      return value === null ? null : objectToData(value as object)
  }
}

/** A machine's snapshot with all that is below it; of other logic, what it shows of itself. */
export function describeSnapshot(snapshot: AnyMachineSnapshot): Fields {
  return { ...describeOwn(snapshot), children: childrenOf(snapshot).map(describeChild) }
}

/** The same, of its children the names only. */
export function describeWithoutChildren(snapshot: AnyMachineSnapshot): Fields {
  return { ...describeOwn(snapshot), children: childrenOf(snapshot).map(([key]) => key) }
}

function describeOwn(snapshot: AnyMachineSnapshot): Fields {
  const { status, error, value, context, output, tags } = snapshot
  const isOfMachine = isMachineSnapshot(snapshot)
  return {
    status: toData(status),
    error: toData(error),
    ...(isOfMachine && { value: toData(value) }),
    context: toData(context),
    output: toData(output),
    ...(isOfMachine && { tags: toData([...tags]), meta: toData(snapshot.getMeta()) })
  }
}

const childrenOf = ({ children = {} }: Partial<AnyMachineSnapshot>): readonly [string, AnyActorRef][] =>
  Object.entries(children)

function describeChild([key, child]: readonly [string, AnyActorRef]): Data {
  const src = typeof child.src === 'string' ? child.src : 'inline'
  return { key, id: child.id, src, ...describeSnapshot(child.getSnapshot() as AnyMachineSnapshot) }
}

function objectToData(value: object): Data {
  if (Array.isArray(value)) return Array.from(value, toData)
  // What the actor is, its parent's children tell.
  if (isActorRef(value)) return { '(actor)': value.id }
  if (isMachineSnapshot(value)) return { '(snapshot)': describeWithoutChildren(value) }
  if (value instanceof Error) return { '(error)': `${value.name}: ${value.message}` }
  if (value instanceof Date) return { '(Date)': toData(value.getTime()) }
  if (value instanceof Map) return { '(Map)': Array.from(value, toData) }
  if (value instanceof Set) return { '(Set)': Array.from(value, toData) }
  if (value instanceof RegExp || value instanceof URL) return { [`(${value.constructor.name})`]: String(value) }
  if (value instanceof ArrayBuffer) return { '(ArrayBuffer)': [...new Uint8Array(value)] }
  if (ArrayBuffer.isView(value)) {
    const { buffer, byteOffset, byteLength } = value
    return { [`(${value.constructor.name})`]: [...new Uint8Array(buffer, byteOffset, byteLength)] }
  }
  const fields = Object.fromEntries(Object.entries(value).map(([key, field]) => [key, toData(field)]))
  const prototype: unknown = Object.getPrototypeOf(value)
  if (prototype === Object.prototype) return fields
  return { [`(${prototype === null ? 'no prototype' : value.constructor.name})`]: fields }
}

const isActorRef = (value: object): value is AnyActorRef =>
  'sessionId' in value && 'send' in value && 'getSnapshot' in value

const isMachineSnapshot = (value: object): value is AnyMachineSnapshot =>
  'getMeta' in value && typeof value.getMeta === 'function'
