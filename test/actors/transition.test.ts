import { type AnyActorRef, assign, createMachine, emit, fromPromise, raise, sendTo, setup } from 'xstate'
import { describe, expect, test } from 'vitest'
import { compile, MachineTree } from '../../src/actors/transition.ts'
import { ACTOR_ID, stage, TreeStage, types } from './tree-stage.ts'

const kinds = (stage: TreeStage): readonly string[] =>
  stage.effects.map(({ kind }) => kind).filter((kind) => kind !== 'observe')

describe('the stored document', () => {
  test('is plain JSON that a person can read', () => {
    const cart = createMachine({ id: 'cart', initial: 'open', context: { total: 5 }, states: { open: {} } })
    const machine = setup({ actors: { cart } }).createMachine({
      id: 'order',
      context: { at: new Date(0), ref: {} },
      initial: 'waiting',
      states: { waiting: { after: { 1000: 'late' }, invoke: { src: 'cart', id: 'cart' } }, late: {} },
      entry: assign({ ref: ({ self }) => self })
    })
    expect(JSON.parse(stage(machine).stored)).toEqual({
      format: 1,
      value: 'waiting',
      status: 'active',
      context: {
        at: { $type: 'Date', value: '1970-01-01T00:00:00.000Z' },
        ref: { $type: 'actor', session: 0, id: ACTOR_ID }
      },
      children: { cart: { session: 1, src: 'cart', value: 'open', status: 'active', context: { total: 5 } } },
      timers: [
        {
          seq: 2,
          source: 0,
          target: 0,
          id: 'xstate.after.1000.order.waiting',
          event: { type: 'xstate.after.1000.order.waiting' },
          dueAt: 1000
        }
      ],
      next: 3
    })
  })

  test('comes back to the same text', () => {
    const machine = createMachine({
      id: 'regions',
      type: 'parallel',
      states: { b: { initial: 'x', states: { x: { on: { GO: 'y' } }, y: {} } }, a: { initial: 'z', states: { z: {} } } }
    })
    const actor = stage(machine).send({ type: 'GO' })
    expect(actor.rehydrate(actor.stored).tree.persist()).toBe(actor.stored)
  })

  test('refuses a context that cannot be stored, with the path', () => {
    const machine = createMachine({ id: 'm', on: { GO: { actions: assign({ items: [{}, { fn: () => 1 }] }) } } })
    expect(() => stage(machine).send({ type: 'GO' })).toThrow(expect.objectContaining({ path: 'context.items[1].fn' }))
  })

  test('keeps the data of a snapshot that an event brought, and data that only looks like one', () => {
    const child = createMachine({ id: 'child', initial: 'a', context: { n: 1 }, states: { a: { tags: 't' } } })
    const machine = setup({ actors: { child } }).createMachine({
      id: 'm',
      invoke: {
        src: 'child',
        onSnapshot: { actions: assign({ last: ({ event }) => event.snapshot, mine: { _nodes: [1], machine: 'x' } }) }
      }
    })
    const { context } = stage(machine).tree.snapshot
    expect(context).toMatchObject({ last: { value: 'a', context: { n: 1 }, tags: ['t'] } })
    expect(context).toMatchObject({ mine: { _nodes: [1], machine: 'x' } })
  })

  test('names the child whose context cannot be stored', () => {
    const child = createMachine({ id: 'child', context: () => ({ secret: Symbol('s') }) })
    const machine = setup({ actors: { child } }).createMachine({ id: 'm', invoke: { src: 'child', id: 'cart' } })
    expect(() => stage(machine)).toThrow(expect.objectContaining({ path: 'children.cart.context.secret' }))
  })
})

describe('a turn', () => {
  test('runs nothing that the world could notice before perform', () => {
    const seen: string[] = []
    const machine = createMachine({
      id: 'm',
      entry: () => seen.push('entry'),
      on: { GO: { actions: [() => seen.push('action'), emit({ type: 'emitted' })] } }
    })
    const actor = new TreeStage(machine, { emit: () => seen.push('emit'), observe: () => seen.push('observe') })
    const effects = actor.compute({ kind: 'start', input: 1 }, { kind: 'event', event: { type: 'GO' } })
    expect(seen).toEqual([])
    for (const effect of effects) actor.tree.perform(effect)
    expect(seen).toEqual(['entry', 'observe', 'action', 'emit', 'observe'])
  })

  test('gives actions the context of their moment', () => {
    const seen: number[] = []
    const machine = setup({ types: types<{ context: { n: number } }>() }).createMachine({
      id: 'm',
      context: { n: 0 },
      on: { UP: { actions: [assign({ n: ({ context }) => context.n + 1 }), ({ context }) => seen.push(context.n)] } }
    })
    const up = { kind: 'event', event: { type: 'UP' } } as const
    stage(machine).run(up, up, up)
    expect(seen).toEqual([1, 2, 3])
  })

  test('what an action sends is a new event, after the turn', () => {
    const machine = createMachine({
      id: 'm',
      initial: 'a',
      states: {
        a: { on: { GO: { target: 'b', actions: ({ self }) => self.send({ type: 'NEXT' }) } } },
        b: { on: { NEXT: 'c' } },
        c: {}
      }
    })
    expect(stage(machine).send({ type: 'GO' }).tree.snapshot.value).toBe('c')
  })

  test('a reference that was kept speaks to the actor that is in memory now', () => {
    let kept: AnyActorRef | undefined
    const machine = createMachine({
      id: 'm',
      initial: 'a',
      states: { a: { entry: ({ self }) => void (kept = self), on: { GO: 'b' } }, b: {} }
    })
    const actor = stage(machine).rehydrate()
    kept?.send({ type: 'GO' })
    expect(actor.run().tree.snapshot.value).toBe('b')
  })

  test('an action that throws ends the actor with its error, in its new state', () => {
    const machine = createMachine({
      id: 'm',
      initial: 'a',
      states: {
        a: { on: { GO: 'b' } },
        b: {
          entry: () => {
            throw new Error('no mail')
          }
        }
      }
    })
    const { tree } = stage(machine).send({ type: 'GO' })
    expect([tree.status, tree.snapshot.value, (tree.error as Error).message]).toEqual(['error', 'b', 'no mail'])
  })

  test('an action that throws on the way to the end leaves an error, and no end', () => {
    const notices: string[] = []
    const machine = createMachine({
      id: 'm',
      output: 'paid',
      initial: 'a',
      states: { a: { on: { END: 'b' } }, b: { type: 'final' } },
      exit: () => {
        throw new Error('no receipt')
      }
    })
    const { tree } = stage(machine, { observe: (notice) => void notices.push(notice) }).send({ type: 'END' })
    expect([tree.status, tree.output, (tree.error as Error).message]).toEqual(['error', undefined, 'no receipt'])
    expect(notices.at(-1)).toBe('error')
  })

  test('a tree that was dropped in the middle of a turn moves no more', () => {
    let kept: AnyActorRef | undefined
    const sent: unknown[] = []
    const machine = createMachine({
      id: 'm',
      initial: 'a',
      states: { a: { entry: assign(({ self }) => void (kept = self)), on: { GO: 'b' } }, b: {} }
    })
    const tree = MachineTree.create(compile(machine), ACTOR_ID, { enqueue: (_, event) => void sent.push(event) })
    tree.beginTurn(0)
    tree.apply({ kind: 'start', input: undefined })
    tree.dispose()
    kept?.send({ type: 'GO' })
    expect([tree.snapshot.value, sent]).toEqual(['a', [{ type: 'GO' }]])
  })

  test('a subscription made in an action hears of committed snapshots only', () => {
    const heard: unknown[] = []
    const child = createMachine({ id: 'child', initial: 'a', states: { a: { on: { GO: 'b' } }, b: {} } })
    const machine = setup({ actors: { child }, types: types<{ children: { child: 'child' } }>() }).createMachine({
      id: 'm',
      invoke: { src: 'child', id: 'child' },
      entry: ({ self }) => self.getSnapshot().children.child?.subscribe((snapshot) => heard.push(snapshot.value)),
      on: { GO: { actions: sendTo('child', { type: 'GO' }) } }
    })
    const actor = new TreeStage(machine)
    for (const effect of actor.compute({ kind: 'start', input: 1 })) actor.tree.perform(effect)
    const effects = actor.compute({ kind: 'event', event: { type: 'GO' } })
    expect(heard).toEqual([])
    for (const effect of effects) actor.tree.perform(effect)
    expect(heard).toEqual(['b'])
  })

  test('stopping ends the actor and all its work', () => {
    const machine = setup({
      actors: { work: fromPromise(() => new Promise<void>(() => {})) },
      actions: { never: () => {} }
    }).createMachine({
      id: 'm',
      invoke: { src: 'work' },
      after: { 1000: { actions: 'never' } }
    })
    const actor = stage(machine).run({ kind: 'stop' })
    expect([actor.tree.status, actor.tree.hasLiveWork(), actor.tree.nextTimer()]).toEqual(['stopped', false, undefined])
    expect(kinds(actor)).toEqual(['stop'])
  })
})

describe('timers', () => {
  const alarm = (delay: number) =>
    createMachine({
      id: 'm',
      initial: 'a',
      states: { a: { entry: raise({ type: 'RANG' }, { delay }), on: { RANG: 'b' } }, b: {} }
    })

  test('are due at an absolute time, also after sleep', () => {
    const actor = new TreeStage(alarm(50))
    actor.nowMs = 1000
    actor.start()
    expect(actor.tree.nextTimer()).toMatchObject({ dueAt: 1050 })
    expect([actor.tree.dueTimers(1049).length, actor.tree.dueTimers(1050).length]).toEqual([0, 1])
    expect(actor.advance(50).tree.snapshot.value).toBe('b')
  })

  test('never come for a delay without end, and at once for one that is no number', () => {
    expect(stage(alarm(Infinity)).advance(1e15).tree.snapshot.value).toBe('a')
    expect(stage(alarm(Number.NaN)).advance(0).tree.snapshot.value).toBe('b')
  })
})
