import { expect, it } from 'vitest'
import type { TelemetryEvents } from '../../src/telemetry/catalogue.ts'
import { Telemetry } from '../../src/telemetry/telemetry.ts'

type Failure = TelemetryEvents['listener.failed']

const joined = { node: 'n1' }

function failuresOf(telemetry: Telemetry): Failure[] {
  const failures: Failure[] = []
  telemetry.on('listener.failed', (failure) => failures.push(failure))
  return failures
}

it('a listener hears its event, with the payload, and no other', () => {
  const telemetry = new Telemetry()
  const heard: unknown[] = []
  telemetry.on('node.joined', (payload) => heard.push(payload))
  telemetry.emit('node.joined', joined)
  telemetry.emit('node.left', { node: 'n2' })
  expect(heard).toEqual([joined])
})

it('listeners are called in the order in which they came', () => {
  const telemetry = new Telemetry()
  const heard: string[] = []
  telemetry.on('node.joined', () => heard.push('first'))
  telemetry.on('node.joined', () => heard.push('second'))
  telemetry.emit('node.joined', joined)
  expect(heard).toEqual(['first', 'second'])
})

it('has tells whether anybody listens', () => {
  const telemetry = new Telemetry()
  expect(telemetry.has('node.joined')).toBe(false)
  const stop = telemetry.on('node.joined', () => undefined)
  expect([telemetry.has('node.joined'), telemetry.has('node.left')]).toEqual([true, false])
  stop()
  expect(telemetry.has('node.joined')).toBe(false)
})

it('a subscription that is ended hears nothing more, and its twin still does', () => {
  const telemetry = new Telemetry()
  const heard: string[] = []
  const listener = () => heard.push('heard')
  const stop = telemetry.on('node.joined', listener)
  telemetry.on('node.joined', listener)
  stop()
  stop()
  telemetry.emit('node.joined', joined)
  expect(heard).toHaveLength(1)
})

it('a listener that throws reaches neither the emitter nor the other listeners', () => {
  const telemetry = new Telemetry()
  const heard: string[] = []
  telemetry.on('node.joined', () => {
    throw new Error('broken')
  })
  telemetry.on('node.joined', () => heard.push('heard'))
  telemetry.emit('node.joined', joined)
  expect(heard).toEqual(['heard'])
})

it('a listener that throws is reported once, and is still called', () => {
  const telemetry = new Telemetry()
  const failures = failuresOf(telemetry)
  const error = new Error('broken')
  let calls = 0
  telemetry.on('node.joined', () => {
    calls += 1
    throw error
  })
  telemetry.emit('node.joined', joined)
  telemetry.emit('node.joined', joined)
  expect(failures).toEqual([{ event: 'node.joined', error }])
  expect(calls).toBe(2)
})

it('a second listener that throws is reported too', () => {
  const telemetry = new Telemetry()
  const failures = failuresOf(telemetry)
  for (const error of ['one', 'two']) {
    telemetry.on('node.joined', () => {
      throw new Error(error)
    })
  }
  telemetry.emit('node.joined', joined)
  expect(failures).toMatchObject([{ error: { message: 'one' } }, { error: { message: 'two' } }])
})

it('a listener that rejects is reported', async () => {
  const telemetry = new Telemetry()
  const error = new Error('broken later')
  const failure = new Promise<Failure>((resolve) => void telemetry.on('listener.failed', resolve))
  telemetry.on('node.joined', () => Promise.reject(error))
  telemetry.emit('node.joined', joined)
  expect(await failure).toEqual({ event: 'node.joined', error })
})

it('a listener of failures that fails itself ends there, told to the others once', () => {
  const telemetry = new Telemetry()
  const broken = () => {
    throw new Error('broken')
  }
  telemetry.on('listener.failed', broken)
  const failures = failuresOf(telemetry)
  telemetry.on('node.joined', broken)
  telemetry.emit('node.joined', joined)
  expect(failures.map(({ event }) => event).toSorted()).toEqual(['listener.failed', 'node.joined'])
})

it('who comes or goes during an event counts from the next one', () => {
  const telemetry = new Telemetry()
  const heard: string[] = []
  const stop = telemetry.on('node.joined', () => {
    heard.push('first')
    stop()
    telemetry.on('node.joined', () => heard.push('late'))
  })
  telemetry.on('node.joined', () => heard.push('second'))
  telemetry.emit('node.joined', joined)
  expect(heard).toEqual(['first', 'second'])
  telemetry.emit('node.joined', joined)
  expect(heard).toEqual(['first', 'second', 'second', 'late'])
})

it('the events that can be heard are listed with what they tell', () => {
  const { events } = new Telemetry()
  expect(events['commit.flush']).toBe('A batch of commits was answered by the database.')
})
