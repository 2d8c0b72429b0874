/** What comes while an actor ends: events from here and from afar, the cancelling of a parent, the end of its child. */
import { randomUUID } from 'node:crypto'
import { assign, setup } from 'xstate'
import { expect, test } from 'vitest'
import { ActorTerminatedError, all, durable } from 'perdure'
import { eventually, openStage } from './stage.ts'

const { db, start, rowOf } = await openStage()

const rounds = 8

const brief = setup({
  types: { context: {} as { taken: number[] }, events: {} as { type: 'NOTE'; n: number } | { type: 'END' } }
}).createMachine({
  id: 'brief',
  context: { taken: [] },
  initial: 'on',
  states: {
    on: {
      on: {
        NOTE: { actions: assign({ taken: ({ context, event }) => [...context.taken, event.n] }) },
        END: 'off'
      }
    },
    off: { type: 'final' }
  }
})

test('events that race the end of their actor are applied, or refused, or left with its row and told of', async () => {
  const here = await start([brief])
  const afar = await start([brief], { queues: {} })
  const toldLeft = new Map<string, number>()
  here.on('signal.unconsumed', ({ id, count }) => toldLeft.set(id, count))
  for (let round = 0; round < rounds; round++) {
    const { id } = await here.spawn(brief)
    const numbers = [0, 1, 2, 3, 4, 5]
    const sends = numbers.map((n) => (n % 2 === 0 ? here : afar).send(id, { type: 'NOTE', n }))
    const ending = (round % 2 === 0 ? here : afar).send(id, { type: 'END' })
    const outcomes = await Promise.allSettled(sends)
    await ending
    await eventually(() => rowOf(id)).toMatchObject({ status: 'done' })

    const { snapshot, inbox } = await rowOf(id)
    const left = (inbox as unknown as { n: number }[]).map(({ n }) => n)
    const accepted = numbers.filter((n) => outcomes[n]?.status === 'fulfilled')
    const found = [...(snapshot.context as { taken: number[] }).taken, ...left]
    expect(found.toSorted((a, b) => a - b)).toEqual(accepted)
    if (left.length > 0) await eventually(() => toldLeft.get(id)).toBe(left.length)
    const refusals = outcomes.flatMap((outcome) => (outcome.status === 'rejected' ? [outcome.reason as unknown] : []))
    expect(refusals.filter((refusal) => !(refusal instanceof ActorTerminatedError))).toEqual([])
  }
})

test('a hundred sends of one key get the same answer at each stage of a life: one applied, then duplicates, then no actor', async () => {
  const first = await start([brief], { passivateAfter: 0 })
  const { id } = await first.spawn(brief)
  const key = { dedupKey: randomUUID() }
  const sendHundred = async (runtime: typeof first) => {
    const sends = Array.from({ length: 100 }, () => runtime.send(id, { type: 'NOTE', n: 1 }, key))
    const answers = await Promise.all(
      sends.map((send) =>
        send.then(
          ({ status }) => status,
          (error: Error) => error.name
        )
      )
    )
    return [...new Set(answers)].toSorted().map((answer) => [answer, answers.filter((each) => each === answer).length])
  }
  expect(await sendHundred(first)).toEqual([
    ['applied', 1],
    ['duplicate', 99]
  ])
  await eventually(() => rowOf(id)).toMatchObject({ owner: null })
  expect(await sendHundred(first)).toEqual([['duplicate', 100]])
  await first.send(id, { type: 'END' })
  expect(await sendHundred(first)).toEqual([['duplicate', 100]])
  await first.stop()
  await db.sql(`update perdure.actor set ended_at = ended_at - interval '31 days'`)
  const second = await start([brief])
  await eventually(() => db.sql('select from perdure.actor')).toEqual([])
  expect(await sendHundred(second)).toEqual([['ActorNotFoundError', 100]])
})

const parent = setup({ actors: { child: durable(brief) } }).createMachine({
  id: 'parent',
  initial: 'waiting',
  states: { waiting: { invoke: { src: 'child', onDone: 'heard' } }, heard: { type: 'final' } }
})

test('a parent that is cancelled while its child ends leaves no orphan, and hears of it once or never', async () => {
  const nodes = [await start([parent, brief]), await start([parent, brief])] as const
  for (let round = 0; round < rounds; round++) {
    const { id } = await nodes[0].spawn(parent)
    const childId = await findChild(id)
    const both = [nodes[round % 2]!.send(childId, { type: 'END' }).catch(() => null), nodes[1].cancel(id)]
    await Promise.all(round % 3 === 0 ? both.toReversed() : both)
    await eventually(() => rowOf(id)).toMatchObject({ status: expect.stringMatching(/done|stopped/) })
    await eventually(() => rowOf(childId)).toMatchObject({ status: expect.stringMatching(/done|stopped/), owner: null })
  }
})

test('a child whose end is told twice releases its join once', async () => {
  const hub = setup({
    types: { context: {} as { joined: number } },
    actors: { children: all(brief) }
  }).createMachine({
    id: 'hub',
    context: { joined: 0 },
    invoke: {
      src: 'children',
      input: [{}, {}],
      onDone: { actions: assign({ joined: ({ context }) => context.joined + 1 }) }
    },
    on: { '*': {} }
  })
  const node = await start([hub, brief])
  const { id } = await node.spawn(hub)
  await eventually(() => db.sql('select from perdure.actor where parent = $1', [id])).toHaveLength(2)
  const children = (await db.sql('select id from perdure.actor where parent = $1', [id])).map((row) =>
    String(row['id'])
  )
  const ends = children.flatMap((child) => [node.send(child, { type: 'END' }), node.cancel(child), node.cancel(child)])
  await Promise.allSettled(ends)
  await eventually(() => rowOf(id)).toMatchObject({ snapshot: { context: { joined: 1 } }, inbox: [] })
  expect(await db.sql('select from perdure.child_join')).toEqual([])
})

async function findChild(parent: string): Promise<string> {
  const find = async () => (await db.sql('select id from perdure.actor where parent = $1', [parent]))[0]?.['id']
  await eventually(find).toBeDefined()
  return String(await find())
}
