import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { type ActorRefs, decode, encode, encodeError, fromJson, toJson } from '../../src/actors/snapshot-codec.ts'

const copy = (value: unknown): unknown => fromJson(toJson(value, 'context'))

/** The one number that JSON.stringify changes. */
function hasMinusZero(value: unknown): boolean {
  return typeof value === 'object' && value !== null ? Object.values(value).some(hasMinusZero) : Object.is(value, -0)
}

describe('what JSON has words for', () => {
  test('is stored as it is, key order included', () => {
    const value = { b: 1, a: [true, null, 'text', { '': -1.5e300 }], '2': 0, '1': 0 }
    expect(toJson(value, 'context')).toBe(JSON.stringify(value))
    expect(JSON.stringify(copy(value))).toBe(JSON.stringify(value))
  })

  test('any JSON is stored as itself', () => {
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        const text = JSON.stringify(value)
        fc.pre(!text.includes('"$type"') && !hasMinusZero(value))
        expect(toJson(value, 'context')).toBe(text)
        expect(copy(value)).toEqual(value)
      })
    )
  })

  test('an object of the user that has a key $type comes back as it was', () => {
    const hostile = { $type: 'Date', value: '2026-01-31', more: { $type: { $type: 'undefined' } } }
    expect(copy(hostile)).toStrictEqual(hostile)
    expect(copy({ $type: new Date(5) })).toStrictEqual({ $type: new Date(5) })
  })

  test('NUL and lone surrogates are escaped in the text, in keys too', () => {
    const value = { 'key\0\ud800': 'a\0b\udc00c😀' }
    const text = toJson(value, 'context')
    expect(text).not.toContain('\0')
    expect(text).toBe(Buffer.from(text).toString())
    expect(copy(value)).toEqual(value)
  })

  test('__proto__ and constructor are keys like others', () => {
    const value = JSON.parse('{"__proto__":{"polluted":{"x":1}},"constructor":{"prototype":{"polluted":1}}}') as object
    const back = copy(value) as object
    expect(Object.keys(back)).toEqual(['__proto__', 'constructor'])
    expect(Object.getPrototypeOf(back)).toBe(Object.prototype)
    expect((back as { polluted?: unknown }).polluted).toBeUndefined()
    expect(toJson(back, 'context')).toBe(JSON.stringify(value))
  })
})

describe('what JSON has no words for', () => {
  test.each([
    ['undefined in objects and arrays', { a: undefined, b: [undefined, 1] }],
    ['special numbers', [Number.NaN, Infinity, -Infinity, -0, 0]],
    ['bigints', { big: -(2n ** 80n) }],
    ['dates', [new Date('2026-01-31T09:00:00.123Z'), new Date(Number.NaN), new Date(-8.64e15)]],
    [
      'maps, with objects as keys',
      new Map<unknown, unknown>([
        [{ a: new Date(1) }, new Map([['x', 1n]])],
        [1, undefined]
      ])
    ],
    ['sets', new Set<unknown>([1, 'a', new Set([undefined])])],
    ['URLs', new URL('https://example.org/a?b=%20#c')],
    ['sparse arrays', [, 1, , undefined, ,]], // oxlint-disable-line no-sparse-arrays -- that is the case
    ['a null prototype', Object.assign(Object.create(null) as object, { a: 1, $type: 'x' })],
    [
      'typed arrays',
      [new Uint8Array([1, 2]), new Float64Array([0.5, -0]), new BigUint64Array([7n]), Buffer.from('hé')]
    ],
    ['views of a part of a buffer', new Int16Array(new Int16Array([1, 2, 3, 4]).buffer, 2, 2)],
    ['buffers and views', [new Uint8Array([1, 2, 3]).buffer, new DataView(new Uint8Array([9, 8]).buffer, 1)]]
  ])('%s come back', (_, value) => {
    expect(copy(value)).toStrictEqual(value)
    expect(copy({ within: [value] })).toStrictEqual({ within: [value] })
  })

  test('a regular expression keeps its flags and where it is', () => {
    const expression = /a(?<b>.)/giu
    expression.lastIndex = 3
    const back = copy(expression) as RegExp
    expect([back.source, back.flags, back.lastIndex]).toEqual([expression.source, 'giu', 3])
  })

  test('a huge sparse array costs what it holds', () => {
    const array: number[] = []
    array[4_000_000_000] = 1
    const back = copy(array) as number[]
    expect([back.length, back[4_000_000_000]]).toEqual([4_000_000_001, 1])
  })

  test('any value made of these comes back equal', () => {
    const leaf = fc.oneof(
      fc.anything({ maxDepth: 0, withBigInt: true, withDate: true }),
      fc.constant(undefined),
      fc.uint8Array({ maxLength: 5 })
    )
    const values = fc.letrec((tie) => ({
      value: fc.oneof(
        { depthSize: 'small' },
        leaf,
        fc.array(tie('value')),
        fc.dictionary(fc.oneof(fc.string(), fc.constantFrom('$type', 'value', '__proto__')), tie('value')),
        fc.array(fc.tuple(tie('value'), tie('value'))).map((entries) => new Map(entries)),
        fc.array(tie('value')).map((items) => new Set(items))
      )
    })).value
    fc.assert(
      fc.property(values, (value) => {
        expect(copy(value)).toStrictEqual(value)
      })
    )
  })
})

describe('errors', () => {
  test('keep name, message, stack, cause and their own fields', () => {
    class PaymentError extends Error {
      override name = 'PaymentError'
      code = 'declined'
      at = new Date(7)
    }
    const error = new PaymentError('no funds', { cause: new RangeError('low') })
    const back = copy(error) as PaymentError
    expect([back.name, back.message, back.stack, back.code, back.at]).toEqual([
      'PaymentError',
      'no funds',
      error.stack,
      'declined',
      new Date(7)
    ])
    expect(back.cause).toBeInstanceOf(RangeError)
    expect(back).toBeInstanceOf(Error)
    expect(Object.keys(back)).toEqual(['code', 'at'])
  })

  test('an AggregateError keeps its errors', () => {
    const back = copy(new AggregateError([new TypeError('a'), 'b'], 'both')) as AggregateError
    expect(back).toBeInstanceOf(AggregateError)
    expect(back.errors).toEqual([new TypeError('a'), 'b'])
  })

  test('leave out what cannot be stored, as errors come from everywhere', () => {
    const error = Object.assign(new Error('request failed', { cause: () => {} }), {
      request: { end() {} },
      status: 500
    })
    const back = copy({ error }) as { error: Error & { status: number } }
    expect(Object.keys(back.error)).toEqual(['status'])
    expect('cause' in back.error).toBe(false)
  })

  test('whatever is thrown can be stored', () => {
    expect(fromJson(encodeError(new TypeError('no')))).toEqual(new TypeError('no'))
    expect(fromJson(encodeError('text'))).toBe('text')
    expect((fromJson(encodeError({ fn() {} })) as Error).message).toContain('error.fn is a function')
  })
})

test('references to actors are stored as their owner says', () => {
  const actor = new EventTarget()
  const refs: ActorRefs = {
    toRef: (value) => (value === actor ? { session: 3 } : undefined),
    fromRef: (stored) => ({ found: stored.session }),
    toStandIn: () => undefined
  }
  const tree = encode({ list: [actor] }, 'context', refs)
  expect(tree).toEqual({ list: [{ $type: 'actor', session: 3 }] })
  expect(decode(tree, 'context', refs)).toEqual({ list: [{ found: 3 }] })
  expect(() => toJson({ list: [actor] }, 'context')).toThrow(expect.objectContaining({ path: 'context.list[0]' }))
})
