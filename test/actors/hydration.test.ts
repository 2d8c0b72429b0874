/** Documents that no longer fit their machine, or never did. */
import {
  type AnyActorRef,
  type AnyStateMachine,
  assign,
  createMachine,
  fromCallback,
  fromTransition,
  setup
} from 'xstate'
import { describe, expect, test } from 'vitest'
import { SnapshotIllegalError } from '../../src/errors.ts'
import { compile, MachineTree } from '../../src/actors/transition.ts'
import { ACTOR_ID, stage } from './tree-stage.ts'

const hydrate = (machine: AnyStateMachine, stored: string): MachineTree =>
  MachineTree.hydrate(compile(machine), ACTOR_ID, { enqueue: () => {} }, stored)

const child = createMachine({ id: 'child', initial: 'a', states: { a: {} } })
const base = { listen: fromCallback(() => {}), sum: fromTransition((n: number) => n, 0), child }

/** A parallel machine with history and a child of each kind. */
const machine = (changes: object = {}, actors: object = base) =>
  setup({ actors: actors as typeof base }).createMachine({
    id: 'm',
    type: 'parallel',
    states: {
      work: {
        initial: 'draft',
        states: { draft: { on: { GO: 'review' } }, review: { on: { GO: 'draft' } }, recent: { type: 'history' } },
        exit: () => {}
      },
      calm: { initial: 'on', states: { on: {} } }
    },
    invoke: [
      { src: 'listen', id: 'l' },
      { src: 'sum', id: 's' },
      { src: 'child', id: 'c' }
    ],
    ...changes
  })
const { stored } = stage(machine())

describe('is refused, with what is wrong', () => {
  test.each<[string, AnyStateMachine, string]>([
    [
      'a state that is gone',
      machine({
        states: { work: { initial: 'new', states: { new: {} } }, calm: { initial: 'on', states: { on: {} } } }
      }),
      "'draft' does not exist"
    ],
    [
      'a region that is gone',
      machine({ type: 'parallel', states: { calm: { initial: 'on', states: { on: {} } } } }),
      "'work' does not exist"
    ],
    ['a region that is new', machine({ states: { ...machine().config.states, third: {} } }), 'the states of the root'],
    [
      'a child whose logic is gone',
      machine({ invoke: [] }, { listen: base.listen, child }),
      "'children.s' has no logic 'sum'"
    ],
    [
      'a child of another kind',
      machine({ invoke: [] }, { ...base, listen: child }),
      "'listen' of 'children.l' is of another kind"
    ],
    [
      'a machine that became something else',
      machine({ invoke: [] }, { ...base, child: base.sum }),
      "'child' of 'children.c' is of another"
    ],
    [
      "a child's state that is gone",
      machine({ invoke: [] }, { ...base, child: createMachine({ id: 'child', initial: 'b', states: { b: {} } }) }),
      "'children.c'"
    ]
  ])('%s', (_, changed, problem) => {
    expect(() => hydrate(changed, stored)).toThrow(SnapshotIllegalError)
    expect(() => hydrate(changed, stored)).toThrow(problem)
  })

  test('history that names a state that is gone', () => {
    const before = (states: object) =>
      createMachine({
        id: 'm',
        initial: 'in',
        states: { in: { initial: 'a', states: { ...states, back: { type: 'history' } }, on: { OUT: 'out' } }, out: {} }
      })
    const out = stage(before({ a: {} })).send({ type: 'OUT' }).stored
    const after = createMachine({
      id: 'm',
      initial: 'in',
      states: { in: { initial: 'b', states: { b: {}, back: { type: 'history' } } }, out: {} }
    })
    expect(hydrate(before({ a: {} }), out).snapshot.value).toBe('out')
    expect(() => hydrate(after, out)).toThrow("names a state 'm.in.a'")
  })

  test.each([
    ['no JSON', '{"format":1', 'is not JSON'],
    ['no document', 'null', 'format 1'],
    ['a document of another format', '{"format":2,"next":1}', 'format 1'],
    ['a document without its number', '{"format":1,"value":{}}', 'next number'],
    [
      'a value that is malformed',
      stored.replace('"context":{}', '"context":{"at":{"$type":"Date","value":1}}'),
      'context.at'
    ],
    ['a child without session', stored.replace('"session":1', '"session":"1"'), 'session'],
    [
      'children that are none',
      '{"format":1,"value":{},"status":"active","context":{},"children":[1],"next":1}',
      'session'
    ]
  ])('%s', (_, text, problem) => {
    expect(() => hydrate(machine(), text)).toThrow(SnapshotIllegalError)
    expect(() => hydrate(machine(), text)).toThrow(problem)
  })
})

describe('comes back', () => {
  test('an actor that has ended, with its output or error', () => {
    const ends = createMachine({
      id: 'm',
      context: { n: 1 },
      initial: 'a',
      states: { a: { type: 'final' } },
      output: () => new Set([1])
    })
    const done = hydrate(ends, stage(ends).stored)
    expect([done.status, done.output, done.takes('X')]).toEqual(['done', new Set([1]), 'defer'])
    const fails = createMachine({
      id: 'm',
      context: () => {
        throw new TypeError('no context')
      }
    })
    const failed = hydrate(fails, stage(fails).stored)
    expect([failed.status, failed.error]).toEqual(['error', new TypeError('no context')])
  })

  test('a context that holds actors, as those very actors', () => {
    const keeps = setup({ actors: { child } }).createMachine({
      id: 'm',
      context: { refs: new Map<string, unknown>() },
      entry: assign({
        refs: ({ spawn, self }) =>
          new Map<string, unknown>([
            ['kid', spawn('child', { id: 'kid' })],
            ['self', self]
          ])
      })
    })
    const { snapshot } = hydrate(keeps, stage(keeps).stored)
    const refs = (snapshot.context as { refs: Map<string, unknown> }).refs
    expect(refs.get('kid')).toBe(snapshot.children.kid)
    expect(refs.get('self')).toMatchObject({ sessionId: `${ACTOR_ID}:0` })
  })

  test('a child that no parent lists, beside one that has ended', () => {
    const ends = createMachine({ id: 'ends', initial: 'a', states: { a: { type: 'final' } } })
    const spawns = setup({ actors: { child, ends } }).createMachine({
      id: 'm',
      context: ({ spawn }) => ({
        refs: [spawn('child', { id: 'same' }), spawn('child', { id: 'same' }), spawn('ends', { id: 'over' })]
      })
    })
    const { tree } = stage(spawns).rehydrate()
    const { refs } = tree.snapshot.context as { refs: AnyActorRef[] }
    expect(refs.map((ref) => ref.getSnapshot().status)).toEqual(['active', 'active', 'done'])
    expect(refs.map(({ id, sessionId }) => [id, sessionId])).toEqual([
      ['same', `${ACTOR_ID}:1`],
      ['same', `${ACTOR_ID}:2`],
      ['over', `${ACTOR_ID}:3`]
    ])
  })

  test('the order of regions, on which always depends', () => {
    const { tree } = stage(machine()).send({ type: 'GO' })
    const orders = (snapshot: unknown) => (snapshot as { _nodes: { id: string }[] })._nodes.map(({ id }) => id)
    expect(orders(hydrate(machine(), tree.persist()).snapshot)).toEqual(orders(tree.snapshot))
  })
})
