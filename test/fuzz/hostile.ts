/**
 * What nobody means well with: texts and values that a call may be handed.
 *
 * Owns: the arbitraries. Each hostile value is made anew for each case, by name, so that a failure says which one it was.
 * Does not own: where they are put (doors/), what must come of it (judge.ts).
 */
import fc from 'fast-check'
import { durableRef } from 'perdure'

const boom = (): never => {
  throw new RangeError('boom')
}

class Account {
  readonly #balance = 1
  name = 'a class of the user'
  get balance(): number {
    return this.#balance
  }
}

const throwingProxy = (target: object): object =>
  new Proxy(target, {
    get: boom,
    has: boom,
    ownKeys: boom,
    getPrototypeOf: boom,
    getOwnPropertyDescriptor: boom
  })

function revoked(): object {
  const { proxy, revoke } = Proxy.revocable({}, {})
  revoke()
  return proxy
}

function cycle(): object {
  const ring: Record<string, unknown> = { type: 'RING' }
  ring['self'] = [ring]
  return ring
}

function nested(depth: number): object {
  let value: object = {}
  for (let level = 0; level < depth; level++) value = level % 2 === 0 ? [value] : { value }
  return value
}

/** Another answer each time that it is asked. */
function fickle(): object {
  let asked = 0
  return {
    get type() {
      return asked++ === 0 ? 'TAKE' : 'xstate.stop'
    },
    get key() {
      return asked++ === 0 ? 'a' : '\0'
    }
  }
}

const own = (target: object, fields: object): object => Object.assign(target, fields)

/** By name: thunks, as many of these cannot be used twice, nor copied. */
export const hostileMakers: Readonly<Record<string, () => unknown>> = {
  undefined: () => undefined,
  null: () => null,
  'an empty text': () => '',
  'minus zero': () => -0,
  NaN: () => Number.NaN,
  Infinity: () => Infinity,
  'a huge number': () => 1.7976931348623157e308,
  'a number above all integers': () => 2 ** 53,
  'a number above int4': () => 2 ** 31,
  'a negative number': () => -1,
  'a fraction': () => 0.1,
  'a bigint': () => 2n ** 70n,
  'a symbol': () => Symbol('secret'),
  'a function': () => () => undefined,
  'an empty object': () => ({}),
  'an empty array': () => [],
  'an array of holes': () => [, 1, ,], // oxlint-disable-line no-sparse-arrays -- that is what it is
  'a sparse array without end': () => own([], { length: 2 ** 32 - 1 }),
  'an array with names': () => own([1, 2], { type: 'TAKE', key: 'x', extra: 1 }),
  'a date that is none': () => new Date(Number.NaN),
  'the first date': () => new Date(-8.64e15),
  'the last date': () => new Date(8.64e15),
  'a date of lies': () => own(new Date(0), { toISOString: () => 'soon', getTime: () => 1 }),
  'a date with toJSON': () => own(new Date(0), { toJSON: boom }),
  'an object with toJSON': () => ({ type: 'TAKE', toJSON: boom }),
  'an object with a toJSON that lies': () => ({ type: 'TAKE', toJSON: () => 'other' }),
  'an object with toString': () => ({ toString: boom, valueOf: boom }),
  'a getter that throws': () => Object.defineProperty({}, 'type', { get: boom, enumerable: true }),
  'a getter that throws, below': () => ({
    type: 'TAKE',
    below: Object.defineProperty([1], '0', { get: boom, enumerable: true })
  }),
  'a getter that throws no error': () => ({
    type: 'TAKE',
    get field() {
      // oxlint-disable-next-line typescript/only-throw-error -- users do
      throw null
    }
  }),
  'a fickle object': fickle,
  'a proxy that throws': () => throwingProxy({}),
  'a proxy of an array that throws': () => throwingProxy([]),
  'a proxy of a function that throws': () => throwingProxy(() => undefined),
  'a revoked proxy': revoked,
  'a proxy of an event': () => new Proxy({ type: 'TAKE', value: 1 }, {}),
  'an instance of a class': () => new Account(),
  'a class': () => Account,
  'an object of nobody': () => own(Object.create(null) as object, { type: 'TAKE' }),
  'a child of an object': () => Object.create({ type: 'TAKE', key: 'inherited' }) as object,
  'a false date': () => Object.create(Date.prototype) as object,
  'a false map': () => Object.create(Map.prototype) as object,
  'a false error': () => Object.create(Error.prototype) as object,
  'a false array': () => Object.create(Array.prototype) as object,
  'a false regular expression': () => Object.create(RegExp.prototype) as object,
  'a false ref': () => Object.create(Object.getPrototypeOf(durableRef({ key: 'x' })) as object) as object,
  'a ref': () => durableRef({ key: 'nobody' }),
  'a key __proto__': () => JSON.parse('{"type":"TAKE","__proto__":{"polluted":true}}') as object,
  'a key __proto__ in a key': () => JSON.parse('{"key":"x","__proto__":{"key":"polluted"}}') as object,
  'a key constructor': () => ({ type: 'TAKE', constructor: { prototype: { polluted: true } } }),
  'a key toString': () => ({ type: 'TAKE', toString: 'text', hasOwnProperty: 1 }),
  'a tag of ours': () => ({ type: 'TAKE', $type: 'Date', value: 'never' }),
  'a tag of a codec': () => ({ type: 'TAKE', $type: 'encoded', machine: 'keeper', text: '{}' }),
  'a tag within a tag': () => ({ type: 'TAKE', value: { $type: 'object', value: { $type: 'undefined' } } }),
  'a cycle': cycle,
  'a depth of 900': () => nested(900),
  'a depth of 10,000': () => nested(10_000),
  'more than a megabyte': () => ({ type: 'TAKE', text: 'x'.repeat(1_200_000) }),
  'a text of a megabyte': () => 'k'.repeat(1_048_576),
  'many items': () => Array(100_000).fill(7),
  'a thenable': () => own({ type: 'TAKE' }, JSON.parse('{"then":"a field"}') as object),
  'a thenable that never answers': () =>
    // oxlint-disable-next-line unicorn/no-thenable -- that is what it is
    Object.defineProperty({ type: 'TAKE' }, 'then', { value: () => undefined, enumerable: true }),
  'a promise that rejects': () => {
    const promise = Promise.reject(new Error('nobody hears'))
    promise.catch(() => undefined)
    return promise
  },
  'an aggregate of no errors': () => own(new AggregateError([]), { errors: 5, stack: 'here' }),
  'an error of strange parts': () => own(new Error('m'), { name: Symbol('n'), cause: cycle(), stack: 1 }),
  'an expression that stands nowhere': () => own(/x/g, { lastIndex: -1 }),
  'an expression that stands at NaN': () => own(/x/y, { lastIndex: Number.NaN }),
  'a map with itself': () => {
    const map = new Map<unknown, unknown>()
    return map.set(map, 1)
  },
  'a boxed text': () => new String('text'),
  'a boxed number': () => Object(5) as object,
  'a boxed symbol': () => Object(Symbol('s')) as object,
  'shared memory': () => new SharedArrayBuffer(8),
  'a weak map': () => new WeakMap(),
  'the global object': () => globalThis,
  arguments: (...args: unknown[]) => args
}

const names = Object.keys(hostileMakers)

/** A value with the name of what it is. */
export interface Named {
  readonly name: string
  readonly make: () => unknown
  /** Where it is taken at all it comes back equal in every respect. Others lose what JSON does not keep either. */
  readonly isExact: boolean
}

const strangeTexts = [
  "'; drop table perdure.actor; --",
  '"quoted"',
  '$1',
  '%s%n',
  '\\u0000',
  '\\',
  '{}',
  'null',
  '\0',
  'a\0b',
  '\ud800',
  'x\udfff',
  '😀'.repeat(10),
  '__proto__',
  'constructor',
  'toString',
  'hasOwnProperty',
  '\u202eright to left',
  '\ufeff',
  '\u2028\r\n',
  ' ',
  '*',
  'xstate.init',
  'perdure.stop',
  'x'.repeat(1024),
  'x'.repeat(1025),
  '漢'.repeat(1024),
  '😀'.repeat(512)
]

/** 1024 characters that do not compress, of three bytes each. */
const incompressible = fc
  .array(fc.integer({ min: 0x4e00, max: 0x9fff }), { minLength: 1024, maxLength: 1024 })
  .map((codes) => String.fromCodePoint(...codes))

export const hostileText: fc.Arbitrary<string> = fc.oneof(
  { weight: 4, arbitrary: fc.constantFrom(...strangeTexts) },
  { weight: 3, arbitrary: fc.string({ unit: 'binary', maxLength: 60 }) },
  { weight: 1, arbitrary: fc.string({ unit: 'binary', minLength: 900, maxLength: 1100 }) },
  { weight: 1, arbitrary: incompressible }
)

/** Everything that can be stored, and much of what cannot. */
const anyValue = fc.anything({
  maxDepth: 3,
  withBigInt: true,
  withDate: true,
  withMap: true,
  withSet: true,
  withNullPrototype: true,
  withObjectString: true,
  withSparseArray: true,
  withTypedArray: true,
  withUnicodeString: true
} as fc.ObjectConstraints)

const special: fc.Arbitrary<Named> = fc
  .constantFrom(...names)
  .map((name) => ({ name, make: hostileMakers[name] as () => unknown, isExact: false }))

const wrappers: Readonly<Record<string, (value: unknown) => unknown>> = {
  'in a field': (value) => ({ type: 'TAKE', value }),
  'in a field __proto__': (value) => Object.defineProperty({ type: 'TAKE' }, '__proto__', { value, enumerable: true }),
  'in an array': (value) => [value],
  'in a map': (value) => new Map([[value, value]]),
  'in a set': (value) => new Set([value]),
  'as a cause': (value) => own(new Error('outer', { cause: value }), { stack: 'here' }),
  'in an object of nobody': (value) => Object.assign(Object.create(null) as object, { value })
}

const wrapped: fc.Arbitrary<Named> = fc
  .tuple(special, fc.constantFrom(...Object.keys(wrappers)))
  .map(([{ name, make }, how]) => ({
    name: `${name}, ${how}`,
    make: () => (wrappers[how] as (value: unknown) => unknown)(make()),
    isExact: false
  }))

const plain = (value: unknown): Named => ({
  name: fc.stringify(value).slice(0, 2_000),
  make: () => value,
  isExact: true
})

export const hostileValue: fc.Arbitrary<Named> = fc.oneof(
  { weight: 4, arbitrary: special },
  { weight: 2, arbitrary: wrapped },
  { weight: 3, arbitrary: anyValue.map(plain) },
  { weight: 2, arbitrary: fc.string({ unit: 'grapheme', minLength: 1 }).map(plain) },
  { weight: 1, arbitrary: fc.double().map(plain) },
  { weight: 1, arbitrary: fc.integer().map(plain) },
  { weight: 2, arbitrary: hostileText.map(plain) }
)
