/** Calls that wait for their node. */
import { expect, test } from 'vitest'
import { LeaseLostError } from '../../src/errors.ts'
import { WaitingRoom } from '../../src/supervisor/waiting-room.ts'

const stopped = new AbortController()

const waitIn = (room: WaitingRoom<string>): Promise<string> =>
  new Promise((resolve, reject) => room.enter(resolve, reject))

test('who waits for longer than a lease is turned away, in order; who came later waits on', async () => {
  const room = new WaitingRoom<string>(200, stopped.signal)
  const order: string[] = []
  const wait = (name: string): Promise<unknown> =>
    waitIn(room)
      .catch((error: unknown) => error)
      .finally(() => order.push(name))
  const [first, second] = [wait('first'), wait('second')]
  const third = new Promise((resolve) => setTimeout(() => resolve(wait('third')), 100))
  expect(await first).toBeInstanceOf(LeaseLostError)
  expect(String(await second)).toContain('it has not joined within 200 ms')
  expect(order).toEqual(['first', 'second'])
  room.letIn('the node')
  expect(await third).toBe('the node')
})

test('who came later is turned away in turn', async () => {
  const room = new WaitingRoom<string>(100, stopped.signal)
  const first = waitIn(room).catch((error: unknown) => error)
  const later = new Promise((resolve) => setTimeout(() => resolve(waitIn(room).catch((error: unknown) => error)), 50))
  expect(await first).toBeInstanceOf(LeaseLostError)
  expect(await later).toBeInstanceOf(LeaseLostError)
})

test('who waits when the runtime stops is told so, and who comes after that, too', async () => {
  const controller = new AbortController()
  const room = new WaitingRoom<string>(60_000, controller.signal)
  const waiting = waitIn(room)
  controller.abort(new Error('it has stopped'))
  await expect(waiting).rejects.toThrow('it has stopped')
  await expect(waitIn(room)).rejects.toThrow('it has stopped')
})
