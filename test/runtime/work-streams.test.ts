/** What a machine invokes that speaks more than once: callbacks and observables. */
import { assign, fromCallback, fromEventObservable, fromObservable, sendTo, setup, type Observer } from 'xstate'
import { expect, test } from 'vitest'
import { eventually, openStage } from './stage.ts'

const { start } = await openStage()

test('a callback hears, answers, and cleans up when its state is left', async () => {
  const heard: unknown[] = []
  const echo = fromCallback<{ type: 'SAY'; text: string }>(({ sendBack, receive }) => {
    receive(({ text }) => sendBack({ type: 'ECHO', text: `${text}!` }))
    return () => heard.push('cleaned up')
  })
  const machine = setup({
    types: { events: {} as { type: 'SAY' | 'ECHO'; text: string } | { type: 'END' } },
    actors: { echo }
  }).createMachine({
    id: 'talker',
    initial: 'on',
    states: {
      on: {
        invoke: { src: 'echo', id: 'echo' },
        on: {
          SAY: { actions: sendTo('echo', ({ event }) => event) },
          ECHO: { actions: ({ event }) => heard.push(event.text) },
          END: 'off'
        }
      },
      off: {}
    }
  })
  const runtime = await start([machine])
  const ref = await runtime.spawn(machine)
  await ref.send({ type: 'SAY', text: 'hello' })
  await eventually(() => heard).toEqual(['hello!'])
  await ref.send({ type: 'END' })
  expect(heard).toEqual(['hello!', 'cleaned up'])
})

/** An observable that its test feeds. */
function source<Value>() {
  const observers = new Set<Observer<Value>>()
  return {
    observable: {
      subscribe: (observer: Observer<Value>) => {
        observers.add(observer)
        return { unsubscribe: () => void observers.delete(observer) }
      }
    },
    next: (value: Value) => observers.forEach((observer) => observer.next?.(value)),
    complete: () => observers.forEach((observer) => observer.complete?.()),
    count: () => observers.size
  }
}

test('an observable gives snapshots until it completes', async () => {
  const ticks = source<number>()
  const machine = setup({
    types: { context: {} as { seen: (number | undefined)[] } },
    actors: { ticks: fromObservable(() => ticks.observable as never) }
  }).createMachine({
    id: 'clock',
    context: { seen: [] },
    initial: 'on',
    states: {
      on: {
        invoke: {
          src: 'ticks',
          onSnapshot: {
            actions: assign({ seen: ({ context, event }) => [...context.seen, event.snapshot.context as number] })
          },
          onDone: 'off'
        }
      },
      off: {}
    }
  })
  const runtime = await start([machine])
  const ref = await runtime.spawn(machine)
  await eventually(ticks.count).toBe(1)
  for (const n of [1, 2]) ticks.next(n)
  ticks.complete()
  const { context } = await ref.waitFor(({ value }) => value === 'off')
  expect(context.seen.slice(-2)).toEqual([1, 2])
})

test('an event observable sends its events to the machine, and is let go with its state', async () => {
  const events = source<{ type: 'PRICE'; value: number } | { type: 'CLOSE' }>()
  const machine = setup({
    types: { context: {} as { price: number }, events: {} as { type: 'PRICE'; value: number } | { type: 'CLOSE' } },
    actors: { market: fromEventObservable(() => events.observable as never) }
  }).createMachine({
    id: 'trader',
    context: { price: 0 },
    initial: 'open',
    states: {
      open: {
        invoke: { src: 'market' },
        on: { PRICE: { actions: assign({ price: ({ event }) => event.value }) }, CLOSE: 'closed' }
      },
      closed: {}
    }
  })
  const runtime = await start([machine])
  const ref = await runtime.spawn(machine)
  await eventually(events.count).toBe(1)
  events.next({ type: 'PRICE', value: 7 })
  await ref.waitFor(({ context }) => context.price === 7)
  events.next({ type: 'CLOSE' })
  await ref.waitFor(({ value }) => value === 'closed')
  expect(events.count()).toBe(0)
})
