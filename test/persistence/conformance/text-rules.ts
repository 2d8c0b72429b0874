/** Documents are kept to the letter, and no text means anything to the store. */
import { describe, expect, it } from 'vitest'
import { transition, uniqueId } from './world.ts'
import type { World } from './world.ts'

const DOCUMENTS = {
  'keys in their order': '{"b":1,"a":2,"10":3,"9":4}',
  'keys that occur twice': '{"a":1,"a":2}',
  'white space and number forms': '{ "n" : [ 1.0, 1e3, -0, 12345678901234567890 ] }',
  'an escaped NUL': '{"text":"a\\u0000b"}',
  'a lone surrogate, escaped': '["\\ud800", "\\udfff"]',
  'emoji, raw and escaped': '["🧾", "\\ud83e\\uddfe"]',
  'quotes, backslashes and dollars': '["\\"", "\\\\", "\\n", "$1 $$ \'; -- "]',
  'names of the prototype': '{"__proto__":{"x":1},"constructor":null}',
  'line separators': '["\u2028\u2029"]',
  'a bare string': '"null"',
  null: 'null'
}

const HOSTILE_TEXTS = [
  `'; drop table actor; --`,
  `"quoted" \\ back \\\\ slashed`,
  '{a,b}',
  '{"json":[1,2]}',
  'NULL',
  '',
  ' leading and trailing ',
  'line\nbreak\ttab\r',
  '$1 :name ? %s ${x}',
  '🧾 e\u0301 \u202e עברית',
  '__proto__',
  'x'.repeat(1_000)
]

export function textRules(world: World): void {
  describe('documents', () => {
    it.each(Object.entries(DOCUMENTS))('are kept to the letter: %s', async (_name, json) => {
      const { id } = await world.insert({ owner: world.node, input: json })
      await world.queue(id, json)
      const deferred = [{ event: json, dedupKey: null }]
      await world.commit(transition({ id, version: 0 }, { snapshot: json, inboxSeen: 1, deferred }))
      const stored = { snapshot: json, journal: json, output: json, lastError: json }
      const end = { status: 'done' as const, journalNeedsBefore: true, inboxSeen: 2 }
      await world.commit(transition({ id, version: 1 }, { ...stored, ...end }))
      expect(await world.row(id)).toMatchObject({ ...stored, input: json, journalBefore: json })
      expect(await world.inboxEvents(id)).toEqual([json, json])
    })

    it('of a megabyte are kept to the letter', async () => {
      const json = JSON.stringify({ text: 'é"\\'.repeat(260_000) })
      const { id } = await world.insert({ owner: world.node, input: json })
      await world.commit(transition({ id, version: 0 }, { snapshot: json, release: true }))
      await world.queue(id, json)
      const row = await world.take(id)
      expect([row.input === json, row.snapshot === json, row.inbox[0]?.event === json]).toEqual([true, true, true])
    })
  })

  describe('hostile text', () => {
    it.each(HOSTILE_TEXTS)('is kept as it is: %j', async (text) => {
      const fields = { machine: text, machineVersion: text, partitionKey: text, key: text + uniqueId() }
      const { id } = await world.insert({ ...fields, owner: world.node })
      expect(await world.row(id)).toMatchObject(fields)
      expect(await world.findKey(fields.key)).toBe(id)
      expect(await world.findKey(text + uniqueId())).toBeNull()
    })

    it.each(HOSTILE_TEXTS)('names a queue like any other: %j', async (text) => {
      const queue = text + uniqueId()
      const { id } = await world.insert({ queue })
      expect(await world.pickAll(queue)).toEqual([id])
    })

    it('tells dedup keys apart by nothing but their text', async () => {
      const actor = await world.awake()
      const [half, other] = [HOSTILE_TEXTS.slice(0, 6), HOSTILE_TEXTS.slice(6)]
      await world.commit(transition(actor, { dedupKeys: half }))
      const signals = HOSTILE_TEXTS.map((dedupKey) => ({ actorId: actor.id, machine: null, event: '1', dedupKey }))
      const results = await world.store.signal(signals, 100)
      expect(results.map((result) => result.kind)).toEqual([
        ...half.map(() => 'duplicate'),
        ...other.map(() => 'queued')
      ])
      const inbox = await world.store.inbox(actor.id, 0)
      expect(inbox.map(({ dedupKey }) => dedupKey)).toEqual(other)
    })

    it('comes back as it is in the keys of a duplicate', async () => {
      const actor = await world.awake()
      await world.commit(transition(actor, { dedupKeys: HOSTILE_TEXTS }))
      const result = await world.commit(transition({ ...actor, version: 2 }, { dedupKeys: HOSTILE_TEXTS }))
      if (result.kind !== 'duplicate') throw new Error(`expected a duplicate, got ${result.kind}`)
      expect(result.keys.toSorted()).toEqual(HOSTILE_TEXTS.toSorted())
    })
  })
}
