import { readFileSync } from 'node:fs'
import { expect, it } from 'vitest'
import { telemetryEvents } from '../../src/telemetry/catalogue.ts'

const source = readFileSync(new URL('../../src/telemetry/catalogue.ts', import.meta.url), 'utf8')

it('every event is described by the very words of its docstring', () => {
  const documented = [...source.matchAll(/\/\*\* ([^\n]*) \*\/\n {2}'([a-z_.]+)':/g)]
  const docstrings = Object.fromEntries(documented.map(([, text, name]) => [name, text]))
  expect(docstrings).toEqual(telemetryEvents)
})

it('the events of the model keep their names', () => {
  expect(Object.keys(telemetryEvents)).toEqual(
    expect.arrayContaining([
      'step.stop',
      'pick.stop',
      'scheduler.saturation',
      'scheduler.drain',
      'partition.contended',
      'reaper.reaped',
      'rate_limit.throttled',
      'concurrency.throttled'
    ])
  )
})

it('an event is named by its subject and what became of it', () => {
  for (const name of Object.keys(telemetryEvents)) expect(name).toMatch(/^[a-z_]+\.[a-z]+$/)
})
