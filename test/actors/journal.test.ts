import {
  type AnyActorRef,
  type AnyStateMachine,
  assign,
  createActor,
  createMachine,
  emit,
  enqueueActions,
  fromCallback,
  fromTransition,
  log,
  sendTo,
  setup,
  stopChild
} from 'xstate'
import { describe, expect, test } from 'vitest'
import { compile, isJournaled, MachineTree, markPerformed, type TreeEffect } from '../../src/actors/transition.ts'
import type { Json } from '../../src/persistence/store.ts'
import { ACTOR_ID, TreeStage, types } from './tree-stage.ts'

interface Committed {
  readonly effects: readonly TreeEffect[]
  readonly journal: Json | null
  readonly needsBefore: boolean
  readonly before: Json | null
  readonly after: Json
}

/** The last of these turns, as it was committed: nothing of it has run. */
function commit(machine: AnyStateMachine, ...types: readonly string[]): Committed {
  const actor = new TreeStage(machine)
  const last = types.at(-1)
  if (last === undefined) actor.compute({ kind: 'start', input: { from: 'input' } })
  else actor.start({ from: 'input' })
  for (const type of types.slice(0, -1)) actor.send({ type })
  const before = last === undefined ? null : actor.stored
  if (last !== undefined) actor.compute({ kind: 'event', event: { type: last, at: new Date(7) } })
  const encoded = actor.tree.encodeJournal(actor.effects)
  const { journal = null, needsBefore = false } = encoded ?? {}
  return { effects: actor.effects, journal, needsBefore, before, after: actor.stored }
}

/** Another process takes the actor up, perhaps with another version of the machine. */
function takeUp({ journal, before, needsBefore, after }: Committed, machine: AnyStateMachine, host = {}) {
  const tree = MachineTree.hydrate(compile(machine), ACTOR_ID, { enqueue: () => {}, ...host }, after)
  const decoded = tree.decodeJournal(journal ?? 'null', needsBefore ? before : null)
  return { tree, ...decoded, run: () => decoded.effects.forEach((effect) => tree.perform(effect)) }
}

/** A machine that writes down what its actions saw. */
function noting(seen: unknown[]) {
  return setup({
    types: types<{ context: { n: number }; events: { type: string; at?: Date } }>(),
    actions: {
      note: ({ context, event, self }, params: unknown) => void seen.push([context, event, self.sessionId, params])
    }
  })
}

describe('actions', () => {
  test('run again by name, with the parameters, event and context of their moment', () => {
    const seen: unknown[] = []
    const machine = noting(seen).createMachine({
      id: 'm',
      context: { n: 0 },
      on: { GO: { actions: [{ type: 'note', params: { of: new Map([[1, 2n]]) } }, assign({ n: 5 }), 'note'] } }
    })
    const committed = commit(machine, 'GO')
    expect(committed.needsBefore).toBe(false)
    takeUp(committed, machine).run()
    const event = { type: 'GO', at: new Date(7) }
    expect(seen).toEqual([
      [{ n: 0 }, event, `${ACTOR_ID}:0`, { of: new Map([[1, 2n]]) }],
      [{ n: 5 }, event, `${ACTOR_ID}:0`, undefined]
    ])
  })

  test('run again where they were written, of children too, even of those that are gone', () => {
    const seen: unknown[] = []
    const child = createMachine({
      id: 'child',
      on: { GO: { actions: ({ self, context }) => seen.push([self.id, self.sessionId, context]) } }
    })
    const machine = setup({ actors: { child } }).createMachine({
      id: 'm',
      invoke: { src: 'child', id: 'kid' },
      on: {
        GO: { actions: [() => seen.push('root'), sendTo('kid', { type: 'GO' })] },
        END: { actions: [sendTo('kid', { type: 'GO' }), stopChild('kid')] }
      }
    })
    takeUp(commit(machine, 'GO'), machine).run()
    takeUp(commit(machine, 'END'), machine).run()
    const ofKid = ['kid', `${ACTOR_ID}:1`, {}]
    expect(seen).toEqual(['root', ofKid, ofKid])
  })

  test('of the first turn know its input', () => {
    const seen: unknown[] = []
    const machine = noting(seen).createMachine({ id: 'm', context: { n: 0 }, entry: 'note' })
    takeUp(commit(machine), machine).run()
    expect(seen).toMatchObject([
      [{ n: 0 }, { type: 'xstate.init', input: { from: 'input' } }, `${ACTOR_ID}:0`, undefined]
    ])
  })

  test('store an event and a context once, and the committed context not at all', () => {
    const machine = noting([]).createMachine({
      id: 'm',
      context: { n: 0 },
      on: { GO: { actions: ['note', 'note', assign({ n: 5 }), 'note', 'note'] } }
    })
    const { events, contexts } = JSON.parse(commit(machine, 'GO').journal ?? '') as Record<string, unknown[]>
    expect([events?.length, contexts]).toEqual([1, [{ n: 0 }]])
  })

  test('speak to the actor as it is now', () => {
    const sent: unknown[] = []
    const machine = createMachine({ id: 'm', on: { GO: { actions: ({ self }) => self.send({ type: 'HI' }) } } })
    takeUp(commit(machine, 'GO'), machine, {
      enqueue: (sessionId: string, event: unknown) => sent.push([sessionId, event])
    }).run()
    expect(sent).toEqual([[`${ACTOR_ID}:0`, { type: 'HI' }]])
  })
})

test('emits, logs and deliveries are data, and the start of work keeps its place among them', () => {
  const heard: unknown[] = []
  const listen = fromCallback(({ receive }) => receive((event) => heard.push(event)))
  const machine = setup({ actors: { listen } }).createMachine({
    id: 'm',
    initial: 'off',
    states: {
      off: { on: { GO: 'on' } },
      on: {
        invoke: { src: 'listen', id: 'l' },
        entry: [emit({ type: 'E' }), log('text', 'label'), sendTo('l', { type: 'D' })]
      }
    }
  })
  const again = takeUp(commit(machine, 'GO'), machine, {
    emit: (_: string, event: unknown) => heard.push(event),
    log: (...words: unknown[]) => heard.push(words)
  })
  expect(again.effects.map(({ kind }) => kind)).toEqual(['log', 'emit', 'start', 'deliver'])
  again.run()
  expect(heard).toEqual([['label', 'text'], { type: 'E' }, { type: 'D' }])
})

test('a turn that only starts work, or does nothing, needs no journal', () => {
  const machine = setup({ actors: { listen: fromCallback(() => {}) } }).createMachine({
    id: 'm',
    invoke: { src: 'listen' }
  })
  expect(commit(machine).journal).toBeNull()
  expect(commit(machine, 'UNKNOWN').journal).toBeNull()
})

test('what has run is noted, and every journaled effect has its place', () => {
  const machine = noting([]).createMachine({
    id: 'm',
    context: { n: 0 },
    on: { GO: { actions: ['note', emit({ type: 'E' })] } }
  })
  const committed = commit(machine, 'GO')
  const { effects, performed } = takeUp({ ...committed, journal: markPerformed(committed.journal ?? '', 1) }, machine)
  expect(performed).toBe(1)
  expect(effects.length).toBe(committed.effects.filter(isJournaled).length)
})

describe('what has no address', () => {
  const closing = (seen: unknown[], random = () => 'x') =>
    noting(seen).createMachine({
      id: 'm',
      context: { n: 1 },
      on: {
        UP: { actions: assign({ n: ({ context }) => context.n + 1 }) },
        GO: {
          actions: enqueueActions(({ enqueue, context, event }) => {
            enqueue({ type: 'note', params: 'first' })
            enqueue(() => seen.push([context.n, event.at, random()]))
            if (random() === 'more') enqueue({ type: 'note' })
          })
        }
      }
    })

  test('is found by running the turn again on the snapshot before', () => {
    const seen: unknown[] = []
    const committed = commit(closing(seen), 'UP', 'UP', 'GO')
    expect(committed.needsBefore).toBe(true)
    const again = takeUp(committed, closing(seen))
    again.run()
    expect(again.problems).toEqual([])
    expect(seen.at(-1)).toEqual([3, new Date(7), 'x'])
  })

  test('is a problem where the turn comes out differently; the other effects run', () => {
    const seen: unknown[] = []
    const again = takeUp(
      commit(closing(seen), 'GO'),
      closing(seen, () => 'more')
    )
    again.run()
    expect(again.problems).toEqual([expect.stringContaining('effect 1')])
    expect(seen).toMatchObject([[{ n: 1 }, { type: 'GO' }, `${ACTOR_ID}:0`, 'first']])
  })

  test('parameters with functions in them are found that way too', () => {
    const seen: unknown[] = []
    const machine = setup({
      actions: { call: (_, { fn }: { fn: () => string }) => void seen.push(fn()) }
    }).createMachine({
      id: 'm',
      entry: { type: 'call', params: { fn: () => 'called' } }
    })
    takeUp(commit(machine), machine).run()
    expect(seen).toEqual(['called'])
  })

  test('so is an actor outside of the machine', () => {
    const outside = createActor(fromTransition((heard: string[], { type }) => [...heard, type], [])).start()
    const machine = createMachine({ id: 'm', on: { GO: { actions: sendTo(outside as AnyActorRef, { type: 'HI' }) } } })
    takeUp(commit(machine, 'GO'), machine).run()
    expect(outside.getSnapshot().context).toEqual(['HI'])
  })
})

describe('another version of the machine', () => {
  const withEntry = (...entry: (() => void)[]) => createMachine({ id: 'm', entry, on: { X: {} } })

  test('runs an action that has only moved', () => {
    const seen: string[] = []
    const other = (): void => void seen.push('other')
    const mine = (): void => void seen.push('mine')
    takeUp(commit(withEntry(mine)), withEntry(other, mine)).run()
    expect(seen).toEqual(['mine'])
  })

  test('does not run another action in its place, nor one that is gone', () => {
    const seen: string[] = []
    const again = takeUp(
      commit(withEntry(() => void seen.push('mine'))),
      withEntry(() => void seen.push('other'))
    )
    again.run()
    expect([seen, again.problems]).toEqual([[], [expect.stringContaining('no such action any more at #m entry[0]')]])
    const named = commit(noting(seen).createMachine({ id: 'm', context: { n: 0 }, entry: 'note' }))
    expect(takeUp(named, createMachine({ id: 'm' })).problems).toEqual([expect.stringContaining("'note'")])
  })
})

test('an event that cannot be stored is refused with its path; a logged value is not', () => {
  const machine = createMachine({
    id: 'm',
    on: { GO: { actions: [log(() => () => {}), emit({ type: 'E', fn: () => {} })] } }
  })
  expect(() => commit(machine, 'GO')).toThrow(expect.objectContaining({ path: "event 'E'.fn" }))
  const logs = createMachine({ id: 'm', on: { GO: { actions: log(() => () => {}) } } })
  const words: unknown[] = []
  takeUp(commit(logs, 'GO'), logs, { log: (word: unknown) => words.push(word) }).run()
  expect(words).toEqual([expect.stringContaining('a function')])
})

test('a journal that cannot be read is a problem, not a crash', () => {
  const machine = createMachine({ id: 'm' })
  const { after } = commit(machine)
  for (const journal of ['', '{}', '{"effects":[{"kind":"x"}],"events":[],"contexts":[]}']) {
    expect(takeUp({ effects: [], journal, needsBefore: false, before: null, after }, machine).problems.length).toBe(1)
  }
})
