import { type AnyActorLogic, assign, fromCallback, fromObservable, fromPromise, sendTo, setup } from 'xstate'
import { describe, expect, test } from 'vitest'
import { ACTOR_ID, stage, TreeStage, types } from './tree-stage.ts'

const kinds = (stage: TreeStage): readonly string[] =>
  stage.effects.map(({ kind }) => kind).filter((kind) => kind !== 'observe')

describe('children that work', () => {
  const worker = (logic: AnyActorLogic) =>
    setup({ types: types<{ context: { got: unknown[] } }>(), actors: { work: logic } }).createMachine({
      id: 'm',
      context: { got: [] },
      initial: 'on',
      states: {
        on: {
          invoke: {
            src: 'work',
            id: 'work',
            onDone: { target: 'off', actions: assign({ got: ({ event }) => [event.output] }) },
            onError: { target: 'off', actions: assign({ got: ({ event }) => [event.error] }) }
          },
          on: {
            SAID: { actions: assign({ got: ({ context, event }) => [...context.got, event.word] }) },
            ASK: { actions: sendTo('work', { type: 'ASKED' }) },
            OFF: 'off'
          }
        },
        off: {}
      }
    })

  test('a promise starts after the commit, and its result is a later event', async () => {
    let runs = 0
    const actor = new TreeStage(worker(fromPromise(async () => ++runs)))
    actor.compute({ kind: 'start', input: 1 })
    expect([runs, kinds(actor), actor.tree.hasLiveWork()]).toEqual([0, ['start'], true])
    for (const effect of actor.effects) actor.tree.perform(effect)
    await actor.hear()
    expect([actor.tree.snapshot.value, actor.tree.snapshot.context]).toEqual(['off', { got: [1] }])
  })

  test('a promise that rejects, or throws at once, is an error of the child', async () => {
    const rejects = await stage(worker(fromPromise(() => Promise.reject(new Error('r'))))).hear()
    const throws = stage(
      worker(
        fromPromise(() => {
          throw new Error('t')
        })
      )
    )
    expect([rejects, throws].map(({ tree }) => tree.snapshot.context)).toEqual([
      { got: [new Error('r')] },
      { got: [new Error('t')] }
    ])
  })

  test('what runs when an actor is brought back starts again, as the same session', async () => {
    const sessions: string[] = []
    let answer: ((text: string) => void) | undefined
    const logic = fromPromise(({ self }) => {
      sessions.push(self.sessionId)
      return new Promise<string>((resolve) => {
        answer = resolve
      })
    })
    const actor = stage(worker(logic)).rehydrate()
    answer?.('second')
    await actor.hear()
    expect(sessions).toEqual([`${ACTOR_ID}:1`, `${ACTOR_ID}:1`])
    expect(actor.tree.snapshot.context).toEqual({ got: ['second'] })
  })

  test('leaving the state aborts a promise, after the commit; dropping the tree does as well', () => {
    const aborted: string[] = []
    const logic = fromPromise(({ signal }) => {
      signal.addEventListener('abort', () => aborted.push('abort'))
      return new Promise(() => {})
    })
    const actor = stage(worker(logic))
    actor.compute({ kind: 'event', event: { type: 'OFF' } })
    expect(aborted).toEqual([])
    for (const effect of actor.effects) actor.tree.perform(effect)
    expect(aborted).toEqual(['abort'])
    stage(worker(logic)).tree.dispose()
    expect(aborted).toEqual(['abort', 'abort'])
  })

  test('a callback is told of events and answers, and is cleaned up', () => {
    const log: string[] = []
    const logic = fromCallback(({ sendBack, receive, emit }) => {
      receive((event) => {
        emit({ type: 'working' })
        sendBack({ type: 'SAID', word: event.type })
      })
      return () => log.push('clean')
    })
    const actor = stage(worker(logic), { emit: (_, event) => log.push(event.type) })
    actor.send({ type: 'ASK' }).send({ type: 'OFF' })
    expect(log).toEqual(['working', 'clean'])
    expect(actor.tree.snapshot.context).toEqual({ got: ['ASKED'] })
  })

  test('an observable is listened to, and let go', () => {
    let observer: { next(value: unknown): void } | undefined
    let isHeard = true
    const logic = fromObservable(() => ({
      subscribe: (given: unknown) => {
        observer = given as typeof observer
        return { unsubscribe: () => void (isHeard = false) }
      }
    }))
    const actor = stage(worker(logic))
    observer?.next(7)
    expect(actor.run().tree.snapshot.children.work?.getSnapshot().context).toBe(7)
    actor.send({ type: 'OFF' })
    expect(isHeard).toBe(false)
  })

  test('end when their parent fails', () => {
    const actor = stage(worker(fromCallback(() => {})))
    actor.run({ kind: 'failure', sessionId: `${ACTOR_ID}:0`, error: new Error('x') })
    expect([actor.tree.status, actor.tree.hasLiveWork(), kinds(actor)]).toEqual(['error', false, ['stop']])
  })
})
