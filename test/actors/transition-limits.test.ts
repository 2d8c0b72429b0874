import {
  type AnyActorRef,
  assign,
  createActor,
  createMachine,
  enqueueActions,
  fromTransition,
  sendParent,
  sendTo,
  setup
} from 'xstate'
import { describe, expect, test } from 'vitest'
import { NotSerializableError } from '../../src/errors.ts'
import { compile, MachineTree } from '../../src/actors/transition.ts'
import { ACTOR_ID, stage, types } from './tree-stage.ts'

describe('what only shows when it runs', () => {
  const inline = createMachine({ id: 'inline' })

  test('a child of inline logic is refused by name, also where the machine would hear of the error', () => {
    const spawns = createMachine({
      id: 'm',
      on: { GO: { actions: assign({ kid: ({ spawn }) => spawn(inline, { id: 'kid' }) }) } }
    })
    const enqueues = createMachine({
      id: 'm',
      on: { GO: { actions: enqueueActions(({ enqueue }) => enqueue.spawnChild(inline as never, { id: 'kid' })) } }
    })
    for (const machine of [spawns, enqueues]) {
      expect(() => stage(machine).send({ type: 'GO' })).toThrow(NotSerializableError)
      expect(() => stage(machine).send({ type: 'GO' })).toThrow(/children\.kid .*setup\(\{ actors \}\)/)
    }
  })

  test('a delayed event for an actor outside of the machine is refused', () => {
    const outside = createActor(inline)
    const machine = createMachine({ id: 'm', on: { GO: { actions: sendTo(outside, { type: 'HI' }, { delay: 5 }) } } })
    expect(() => stage(machine).send({ type: 'GO' })).toThrow(/delayed event 'HI'/)
  })

  test('an event for an actor outside of the machine goes there after the commit', () => {
    const outside = createActor(fromTransition((heard: string[], { type }) => [...heard, type], [])).start()
    const machine = createMachine({ id: 'm', on: { GO: { actions: sendTo(outside, { type: 'HI' }) } } })
    const actor = stage(machine)
    actor.compute({ kind: 'event', event: { type: 'GO' } })
    expect(outside.getSnapshot().context).toEqual([])
    for (const effect of actor.effects) actor.tree.perform(effect)
    expect(outside.getSnapshot().context).toEqual(['HI'])
  })

  test('an endless loop of transitions is an error of the machine', () => {
    const machine = createMachine({
      id: 'm',
      initial: 'a',
      states: { a: { on: { GO: 'b' } }, b: { always: 'c' }, c: { always: 'b' } }
    })
    expect(stage(machine).send({ type: 'GO' }).tree.error).toMatchObject({
      message: expect.stringMatching(/^more than 10000 .*circle/)
    })
  })

  test('two actors that answer each other for ever are an error, a broadcast is not', () => {
    const echo = createMachine({ id: 'echo', on: { PING: { actions: sendParent({ type: 'PONG' }) } } })
    const base = setup({ actors: { echo }, types: types<{ context: { kids: AnyActorRef[] } }>() })
    const pingPong = base.createMachine({
      id: 'm',
      context: { kids: [] },
      invoke: { src: 'echo', id: 'echo' },
      on: { PONG: { actions: sendTo('echo', { type: 'PING' }) } }
    })
    const { error } = stage(pingPong).send({ type: 'PONG' }).tree
    expect(error).toMatchObject({ message: expect.stringMatching(/^more than 10100 /) })
    const broadcast = base.createMachine({
      id: 'm',
      context: ({ spawn }) => ({ kids: Array.from({ length: 11_000 }, () => spawn('echo')) }),
      on: {
        ALL: {
          actions: enqueueActions(({ context, enqueue }) =>
            context.kids.forEach((kid) => enqueue.sendTo(kid, { type: 'PING' }))
          )
        }
      }
    })
    const tree = MachineTree.create(compile(broadcast), ACTOR_ID, { enqueue: () => {} })
    tree.beginTurn(0)
    tree.apply({ kind: 'start', input: undefined })
    tree.apply({ kind: 'event', event: { type: 'ALL' } })
    expect(tree.status).toBe('active')
  })
})
