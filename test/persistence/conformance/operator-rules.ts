/** What operators do to a row, whatever it does at the moment: cancel and retry. */
import { describe, expect, it } from 'vitest'
import type { CancelResult } from '../../../src/persistence/operator.ts'
import { HOUR_MS, transition, uniqueId } from './world.ts'
import type { World } from './world.ts'

const REQUEST = '{"type":"xstate.stop"}'

export function operatorRules(world: World): void {
  const cancel = (id: string, reason: string | null = null): Promise<CancelResult> =>
    world.store.cancel({ id, request: REQUEST, reason })
  const tryLater = { retryInMs: HOUR_MS, lastError: '"ill"' }

  describe('cancel', () => {
    it('ends a row that nobody owns, with the reason, and keeps its snapshot', async () => {
      const { id } = await world.asleep({ timerAt: Date.UTC(2100, 0, 1), snapshot: '"kept"' })
      expect(await cancel(id, '"enough"')).toEqual({ kind: 'ended' })
      const row = {
        status: 'stopped',
        version: 1,
        snapshot: '"kept"',
        lastError: '"enough"',
        wakeAt: null,
        timerAt: null
      }
      expect(await world.row(id)).toMatchObject(row)
      expect(await world.claim(id)).toEqual({ kind: 'terminated', status: 'stopped' })
      expect(await world.signal(id)).toEqual({ kind: 'terminated', status: 'stopped' })
    })

    it('ends one that is parked, and keeps why it was where no other reason is given', async () => {
      const { id } = await world.asleep({ status: 'parked', lastError: '"look"', journal: '"left"' })
      expect(await cancel(id)).toEqual({ kind: 'ended' })
      expect(await world.row(id)).toMatchObject({ status: 'stopped', lastError: '"look"', journal: null })
    })

    it('ends one that has not started, or waits for an attempt', async () => {
      const { id: late } = await world.insert({ startInMs: HOUR_MS })
      const { id: ill } = await world.asleep(tryLater)
      for (const id of [late, ill]) {
        expect(await cancel(id)).toEqual({ kind: 'ended' })
        expect(await world.row(id)).toMatchObject({ status: 'stopped' })
      }
    })

    it('asks the owner of a row that is owned, once until it is heeded, though the inbox is full', async () => {
      const { id, version } = await world.awake()
      expect(await cancel(id)).toEqual({ kind: 'asked', owner: world.node })
      expect(await cancel(id, '"again"')).toEqual({ kind: 'asked', owner: world.node })
      expect(await world.inboxEvents(id)).toEqual([REQUEST])
      expect(await world.store.unseen(world.node, 10_000)).toContain(id)
      const commit = transition({ id, version }, { status: 'stopped', consumed: [1], inboxSeen: 1 })
      expect(await world.commit(commit)).toMatchObject({ kind: 'committed', released: true })
      expect(await cancel(id)).toEqual({ kind: 'ended' })
    })

    it('keeps an owner that was asked from going to rest', async () => {
      const actor = await world.awake()
      await cancel(actor.id)
      expect(await world.commit(transition(actor, { release: true }))).toMatchObject({ released: false })
    })

    it('frees the key', async () => {
      const key = uniqueId()
      const { id } = await world.asleep({}, { key })
      await cancel(id)
      await world.insert({ key })
    })

    it('changes nothing of a row that has ended, and knows where there is none', async () => {
      const id = await world.ended('done')
      expect(await cancel(id, '"late"')).toEqual({ kind: 'ended' })
      expect(await world.row(id)).toMatchObject({ status: 'done', lastError: null })
      expect(await cancel(uniqueId())).toEqual({ kind: 'missing' })
    })
  })

  describe('retry', () => {
    it.each([
      ['is parked', { status: 'parked', lastError: '"ill"' } as const],
      ['waits for its next attempt', tryLater]
    ])('has a row run now that %s, with no attempt counted and its error kept', async (_, commit) => {
      const queue = uniqueId()
      const { id } = await world.asleep(commit, { queue })
      expect(await world.pickAll(queue)).toEqual([])
      expect(await world.store.retry(id)).toEqual({ kind: 'ready' })
      expect(await world.row(id)).toMatchObject({ status: 'ready', attempt: 0, lastError: '"ill"' })
      expect(await world.take(id)).toMatchObject({ attempt: 1 })
    })

    it('leaves any other row alone', async () => {
      const { id: awake } = await world.awake()
      const { id: asleep } = await world.asleep()
      const { id: late } = await world.insert({ startInMs: HOUR_MS })
      for (const id of [awake, asleep, late]) {
        const before = await world.row(id)
        expect(await world.store.retry(id)).toEqual({ kind: 'untouched', status: 'waiting' })
        expect(await world.row(id)).toEqual(before)
      }
      expect(await world.store.retry(await world.ended('done'))).toEqual({ kind: 'untouched', status: 'done' })
      expect(await world.store.retry(uniqueId())).toEqual({ kind: 'missing' })
    })
  })

  describe('within', () => {
    it('refuses what is no transaction', () => {
      expect(() => world.store.within({})).toThrow('withTransaction')
    })
  })
}
