import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { NotSerializableError } from '../../src/errors.ts'
import { fromJson, MalformedValueError, toJson } from '../../src/actors/snapshot-codec.ts'

function refusalOf(value: unknown): NotSerializableError {
  try {
    toJson(value, 'context')
  } catch (error) {
    if (error instanceof NotSerializableError) return error
  }
  throw new Error('was not refused')
}

function fateOf(text: string): string {
  try {
    fromJson(text)
    return 'read'
  } catch (error) {
    return (error as Error).name
  }
}

function nest(depth: number): object {
  let value: object = {}
  for (let level = 0; level < depth; level++) value = { in: value }
  return value
}

describe('refusals', () => {
  class Money {
    amount = 1
  }
  const circle: { items: { self?: object }[] } = { items: [{}] }
  circle.items[0]!.self = circle
  const { proxy: revoked, revoke } = Proxy.revocable({}, {})
  revoke()

  test.each([
    ['a function', { items: [0, { fn() {} }] }, 'context.items[1].fn', 'a function'],
    ['a symbol', [Symbol('s')], 'context[0]', 'a symbol'],
    ['a cycle', circle, 'context.items[0].self', 'part of'],
    ['a class instance', { 'unit price': new Money() }, 'context["unit price"]', 'Money'],
    ['a subclass of a known type', { tags: new (class Tags extends Set {})() }, 'context.tags', 'Tags'],
    ['a WeakMap', { cache: new WeakMap() }, 'context.cache', 'WeakMap'],
    ['a promise', [Promise.resolve()], 'context[0]', 'Promise'],
    ['a boxed number', Object(1), 'context', 'Number'],
    ['a revoked proxy', { a: revoked }, 'context.a', 'throws'],
    ['what a map holds', new Map([[{ a: 1 }, { fn() {} }]]), 'context<value 0>.fn', 'a function'],
    ['what a set holds', { set: new Set([() => 1]) }, 'context.set<item 0>', 'a function']
  ])('%s is refused with its path', (_, value, path, what) => {
    const refusal = refusalOf(value)
    expect(refusal.path).toBe(path)
    expect(refusal.message).toContain(what)
  })

  test('nesting beyond a thousand levels is refused, not a stack overflow', () => {
    expect(refusalOf(nest(200_000)).message).toContain('levels deep')
    expect(fromJson(toJson(nest(900), 'context'))).toEqual(nest(900))
    const text = `${'['.repeat(5000)}${']'.repeat(5000)}`
    expect(() => fromJson(text)).toThrow(MalformedValueError)
  })

  test('objects that are shared so often that they stand for billions are refused', () => {
    let shared: object = {}
    for (let level = 0; level < 40; level++) shared = { left: shared, right: shared }
    expect(refusalOf(shared).message).toContain('objects in one value')
  })

  test('toJSON is never called; a getter is read', () => {
    const value = {
      get price() {
        return 5
      }
    }
    expect(toJson(value, 'context')).toBe('{"price":5}')
    expect(refusalOf({ toJSON: () => 'lie' }).path).toBe('context.toJSON')
  })

  test('a getter that throws is named', () => {
    const value = {
      inner: {
        get broken(): never {
          throw new Error('secret')
        }
      }
    }
    const refusal = refusalOf(value)
    expect(refusal.path).toBe('context.inner')
    expect(refusal.message).not.toContain('secret')
  })
})

describe('reading what was not written here', () => {
  test.each([
    ['{"a":{"$type":"Dat"}}', 'value.a'],
    ['{"$type":5}', 'value'],
    ['[{"$type":"Date","value":"yesterday"}]', 'value[0]'],
    ['{"$type":"Date","value":5}', 'value'],
    ['{"$type":"number","value":"7"}', 'value'],
    ['{"$type":"bigint","value":"0x1"}', 'value'],
    ['{"m":{"$type":"Map","value":[[1]]}}', 'value.m'],
    ['{"m":{"$type":"Map","value":[["k",{"$type":"Set"}]]}}', 'value.m<value 0>'],
    ['{"$type":"Uint8Array","value":"!"}', 'value'],
    ['{"$type":"Uint16Array","value":"AA=="}', 'value'],
    ['{"$type":"RegExp","source":"(","flags":""}', 'value'],
    ['{"$type":"URL","value":"nowhere"}', 'value'],
    ['{"$type":"sparse-array","length":2,"items":[[5,1]]}', 'value'],
    ['{"$type":"Error","name":1,"message":"m"}', 'value'],
    ['{"$type":"actor","session":1,"id":"a"}', 'value'],
    ['{"$type":"object","value":[1]}', 'value'],
    ['{"a":', 'value']
  ])('%s is refused with its place', (text, path) => {
    expect(() => fromJson(text)).toThrow(expect.objectContaining({ name: 'MalformedValueError', path }))
  })

  test('no text makes it throw anything else', () => {
    const tags = [
      'Date',
      'Map',
      'Set',
      'Error',
      'RegExp',
      'sparse-array',
      'object',
      'null-prototype',
      'Uint32Array',
      'x'
    ]
    const record = fc.record({ $type: fc.constantFrom(...tags), value: fc.jsonValue(), items: fc.jsonValue() })
    fc.assert(
      fc.property(fc.oneof(record, fc.array(record)), (tree) => {
        expect(['read', 'MalformedValueError']).toContain(fateOf(JSON.stringify(tree)))
      })
    )
  })
})
