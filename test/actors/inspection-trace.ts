/**
 * What an inspector hears of a machine: run plainly, and durably, as lists that can be compared.
 *
 * Owns: both runs, and the words for an inspection event in which they must agree.
 */
import { setImmediate } from 'node:timers/promises'
import { createActor, SimulatedClock, type AnyEventObject, type AnyStateMachine, type InspectionEvent } from 'xstate'
import { createTestRuntime } from '../../src/testing/index.ts'

export const ID = '0199aaaa-0000-7000-8000-000000000001'

/** An event, or milliseconds to wait. */
export type Step = AnyEventObject | number

interface Shown {
  readonly id: string
  readonly value?: unknown
}

export function describe(told: InspectionEvent): readonly unknown[] {
  const { type, actorRef } = told
  const about = [type, idOf(actorRef)]
  switch (told.type) {
    case '@xstate.event':
      return [...about, textOf(told.event), `from ${idOf(told.sourceRef)}`]
    case '@xstate.snapshot':
    case '@xstate.transition':
    case '@xstate.microstep':
      return [...about, textOf(told.event), told.snapshot.status, (told.snapshot as unknown as Shown).value]
    case '@xstate.action':
      return [...about, told.action.type, paramsOf(told.action.params)]
    default:
      return about
  }
}

/** Without XState's mark on the snapshot of an observable that has been subscribed to. */
const textOf = (event: AnyEventObject): string =>
  JSON.stringify(event, (key, value: unknown) => (key === '_subscription' ? undefined : value))

const idOf = (actor: unknown): string => (actor as Shown | undefined)?.id ?? 'nobody'

/** Of built-in actions they hold actors. */
const paramsOf = (params: unknown): unknown => (params === undefined ? 'none' : typeof params)

export async function inspectPlainly(machine: AnyStateMachine, steps: readonly Step[]): Promise<readonly unknown[]> {
  const told: unknown[] = []
  const clock = new SimulatedClock()
  const inspect = (event: InspectionEvent): void => void told.push(describe(event))
  const actor = createActor(machine, { id: ID, clock, inspect, logger: () => undefined })
  actor.subscribe({ error: () => undefined })
  actor.start()
  await setImmediate()
  for (const step of steps) {
    if (typeof step === 'number') clock.increment(step)
    else actor.send(step)
    await setImmediate()
  }
  return told
}

/** `isForgetful`: the actor leaves memory between any two steps. */
export async function inspectDurably(
  machine: AnyStateMachine,
  steps: readonly Step[],
  isForgetful = false
): Promise<readonly unknown[]> {
  const told: unknown[] = []
  const runtime = createTestRuntime({
    machines: [{ machine, unhandled: 'drop' }],
    log: () => undefined,
    warn: () => undefined
  })
  await runtime.start()
  runtime.inspect((event) => told.push(describe(event)))
  const ref = await runtime.spawn(machine, { id: ID })
  await runtime.drain()
  for (const step of steps) {
    if (isForgetful) await runtime.passivateAll()
    if (typeof step === 'number') await runtime.advance(step)
    else await ref.send(step).catch(() => undefined)
    await runtime.drain()
  }
  await runtime.stop()
  return told
}

/** Without what is told of an actor each time that it comes into memory. */
export function withoutReturns(told: readonly unknown[]): readonly unknown[] {
  const known = new Set<string>()
  return told.filter((event) => {
    const [type, id] = event as readonly [string, string]
    if (type !== '@xstate.actor' || !known.has(id)) return known.add(id)
    return false
  })
}
