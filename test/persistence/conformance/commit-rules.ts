/** `commit`: compare-and-set, what it writes, and what it leaves alone (S1, S2, S7). */
import { describe, expect, it } from 'vitest'
import { acknowledgement, HOUR_MS, newActor, transition, uniqueId } from './world.ts'
import type { World } from './world.ts'

export function commitRules(world: World): void {
  describe('commit of a transition', () => {
    it('writes the snapshot and raises the version by one', async () => {
      const { id } = await world.insert({ owner: world.node })
      const result = await world.commit(transition({ id, version: 0 }, { snapshot: '{"at":"paid"}' }))
      expect(result).toEqual({ kind: 'committed', released: false, inboxSeq: 0 })
      expect(await world.row(id)).toMatchObject({
        snapshot: '{"at":"paid"}',
        version: 1,
        status: 'waiting',
        owner: world.node
      })
    })

    it('forgets the attempts that were counted when effects are acknowledged, and not when they are not', async () => {
      const { id } = await world.insert()
      await world.take(id)
      await world.commit(transition({ id, version: 0 }, { journal: '[1]' }))
      await world.commit(acknowledgement({ id, version: 1 }, { journal: '[1]', retryInMs: 0 }))
      await world.passTime()
      await world.take(id)
      await world.commit(acknowledgement({ id, version: 1 }, { journal: '[1]' }))
      expect((await world.row(id))?.attempt).toBeGreaterThan(0)
      await world.commit(acknowledgement({ id, version: 1 }))
      expect(await world.row(id)).toMatchObject({ attempt: 0, journal: null })
    })

    it('forgets the attempts that were counted', async () => {
      const { id } = await world.insert()
      await world.take(id)
      await world.commit(transition({ id, version: 0 }))
      expect(await world.row(id)).toMatchObject({ attempt: 0 })
    })

    it('always writes status, error and journal', async () => {
      const actor = await world.awake()
      await world.commit(transition(actor, { status: 'running', journal: '[1]', lastError: '"late"' }))
      expect(await world.row(actor.id)).toMatchObject({ status: 'running', journal: '[1]', lastError: '"late"' })
      await world.commit(transition({ ...actor, version: 2 }))
      expect(await world.row(actor.id)).toMatchObject({ status: 'waiting', journal: null, lastError: null })
    })

    it('keeps the snapshot before it only while the journal needs it', async () => {
      const { id } = await world.insert({ owner: world.node })
      await world.commit(transition({ id, version: 0 }, { snapshot: '"one"' }))
      await world.commit(transition({ id, version: 1 }, { snapshot: '"two"', journal: '[]', journalNeedsBefore: true }))
      expect(await world.row(id)).toMatchObject({ snapshot: '"two"', journalBefore: '"one"' })
      await world.commit(transition({ id, version: 2 }, { snapshot: '"three"', journal: '[]' }))
      expect(await world.row(id)).toMatchObject({ snapshot: '"three"', journalBefore: null })
    })

    it.each(['done', 'failed', 'stopped'] as const)('ends the lease of an actor that is %s', async (status) => {
      const actor = await world.awake()
      const output = status === 'done' ? '{"total":7}' : null
      const lastError = status === 'failed' ? '{"message":"no"}' : null
      const result = await world.commit(transition(actor, { status, output, lastError }))
      expect(result).toMatchObject({ kind: 'committed', released: true })
      expect(await world.row(actor.id)).toMatchObject({ status, output, lastError, owner: null, version: 2 })
    })

    it('takes nothing more from an actor that has ended', async () => {
      const id = await world.ended('done')
      expect(await world.commit(transition({ id, version: 1 }))).toEqual({ kind: 'stale' })
    })

    it('leaves wakeAt alone while the lease is held', async () => {
      const actor = await world.awake()
      const { wakeAt } = await world.row(actor.id)
      await world.commit(transition(actor, { timerAt: Date.UTC(2100, 0, 1) }))
      expect(await world.row(actor.id)).toMatchObject({ wakeAt })
    })
  })

  describe('commit of an acknowledgement', () => {
    it('clears the journal and raises no version', async () => {
      const actor = await world.awake()
      await world.commit(transition(actor, { journal: '[1]', journalNeedsBefore: true, snapshot: '"kept"' }))
      const result = await world.commit(acknowledgement({ ...actor, version: 2 }, { status: 'running' }))
      expect(result).toEqual({ kind: 'committed', released: false, inboxSeq: 0 })
      expect(await world.row(actor.id)).toMatchObject({
        snapshot: '"kept"',
        version: 2,
        status: 'running',
        journal: null,
        journalBefore: null,
        owner: world.node
      })
    })

    it('keeps the snapshot before while some of the journal is left', async () => {
      const { id } = await world.insert({ owner: world.node })
      await world.commit(transition({ id, version: 0 }, { snapshot: '"one"' }))
      await world.commit(
        transition({ id, version: 1 }, { snapshot: '"two"', journal: '[1,2]', journalNeedsBefore: true })
      )
      await world.commit(acknowledgement({ id, version: 2 }, { journal: '[2]' }))
      expect(await world.row(id)).toMatchObject({ journal: '[2]', journalBefore: '"one"' })
    })
  })

  describe('a stale commit', () => {
    it('is told by the version', async () => {
      const { id } = await world.awake()
      expect(await world.commit(transition({ id, version: 0 }))).toEqual({ kind: 'stale' })
      expect(await world.commit(transition({ id, version: 2 }))).toEqual({ kind: 'stale' })
    })

    it('is told by the owner, though that one lives', async () => {
      const actor = await world.asleep()
      expect(await world.commit(transition(actor))).toEqual({ kind: 'stale' })
      expect(await world.commit(acknowledgement(actor, { release: true }))).toEqual({ kind: 'stale' })
    })

    it('is the answer for a row that does not exist', async () => {
      expect(await world.commit(transition({ id: uniqueId(), version: 0 }))).toEqual({ kind: 'stale' })
    })

    it('writes nothing of what it carries', async () => {
      const { id } = await world.awake()
      const seq = await world.queue(id, '"stays"')
      const before = await world.row(id)
      const deferred = [{ event: '"lost"', dedupKey: 'lost' }]
      const fields = { deferred, consumed: [seq], dedupKeys: ['never'], inboxSeen: seq, status: 'done' as const }
      await world.commit(transition({ id, version: 0 }, fields))
      expect(await world.row(id)).toEqual(before)
      expect(await world.inboxEvents(id)).toEqual(['"stays"'])
      const pairs = ['lost', 'never'].map((dedupKey) => ({ actorId: id, dedupKey }))
      expect(await world.store.knownDedup(pairs)).toEqual([false, false])
    })

    it('is what a repeated transition gets, whatever it carried', async () => {
      const actor = await world.awake()
      const seq = await world.queue(actor.id)
      const deferred = [{ event: '"later"', dedupKey: 'later' }]
      const commit = transition(actor, { deferred, consumed: [seq], dedupKeys: ['now'], inboxSeen: seq })
      await world.commit(commit)
      const before = await world.row(actor.id)
      expect(await world.commit(commit)).toEqual({ kind: 'stale' })
      expect(await world.row(actor.id)).toEqual(before)
      expect(await world.inboxEvents(actor.id)).toEqual(['"later"'])
    })

    it('is what a repeated release gets, and a repeated retry', async () => {
      const [one, two] = [await world.awake(), await world.awake()]
      const release = acknowledgement(one, { release: true })
      const retry = acknowledgement(two, { retryInMs: HOUR_MS })
      await world.store.commit(world.node, [release, retry])
      expect(await world.store.commit(world.node, [release, retry])).toEqual([{ kind: 'stale' }, { kind: 'stale' }])
    })
  })

  describe('a repeated acknowledgement', () => {
    it('changes nothing', async () => {
      const actor = await world.awake()
      const acknowledge = acknowledgement(actor, { lastError: '"once"' })
      await world.commit(acknowledge)
      const before = await world.row(actor.id)
      expect(await world.commit(acknowledge)).toMatchObject({ kind: 'committed' })
      expect(await world.row(actor.id)).toEqual(before)
    })
  })

  describe('a batch of commits', () => {
    it('commits every kind in one batch, and leaves out only the stale rows', async () => {
      const awake = () => world.awake()
      const births = [awake(), awake(), awake(), awake(), awake(), awake()] as const
      const [step, gone, ack, rest, retry, end] = await Promise.all(births)
      const results = await world.store.commit(world.node, [
        transition(step),
        transition({ ...gone, version: 7 }),
        acknowledgement(ack),
        transition(rest, { release: true }),
        acknowledgement(retry, { retryInMs: HOUR_MS }),
        transition(end, { status: 'done', output: '1' })
      ])
      expect(results).toEqual([
        { kind: 'committed', released: false, inboxSeq: 0 },
        { kind: 'stale' },
        { kind: 'committed', released: false, inboxSeq: 0 },
        { kind: 'committed', released: true, inboxSeq: 0 },
        { kind: 'committed', released: true, inboxSeq: 0 },
        { kind: 'committed', released: true, inboxSeq: 0 }
      ])
      const rows = await world.store.read([step, gone, ack, rest, retry, end].map(({ id }) => id))
      expect(rows.map((row) => row?.version)).toEqual([2, 1, 1, 2, 1, 2])
    })

    it('commits two thousand transitions at once', async () => {
      const actors = Array.from({ length: 2_000 }, () => newActor({ owner: world.node }))
      await world.store.insert(actors)
      const commits = actors.map(({ id }, n) => transition({ id, version: 0 }, { snapshot: `${n}`, release: true }))
      const results = await world.store.commit(world.node, commits)
      expect(results.filter((result) => result.kind === 'committed')).toHaveLength(2_000)
      const rows = await world.store.read(actors.map(({ id }) => id))
      expect(rows.map((row) => row?.snapshot)).toEqual(actors.map((_, n) => `${n}`))
    })

    it('does nothing for an empty batch', async () => {
      expect(await world.store.commit(world.node, [])).toEqual([])
    })
  })
}
