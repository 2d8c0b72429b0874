/**
 * A case under plain XState.
 *
 * Owns: `createActor`, its clock, and waiting until started work has said what it has to say.
 *
 * Invariant
 * 1. Time goes from one timer to the next, as it does for a durable actor: none of them fires late.
 */
import { setImmediate } from 'node:timers/promises'
import { createActor, SimulatedClock } from 'xstate'
import type { Case } from './case.ts'
import { Ear, type Observation } from './observation.ts'

/** Turns of the event loop that started work has to settle in. */
export const PATIENCE = 20

/** What is seen after the start and after each step. `id` is the root's. */
export async function runPlain({ makeMachine, input, steps }: Case, id: string): Promise<readonly Observation[]> {
  const ear = new Ear()
  const clock = new SteppedClock()
  const actor = createActor(makeMachine(ear.note), { id, input, clock, logger: ear.log })
  actor.on('*', ear.emitted)
  actor.subscribe(ear.observer)
  actor.start()
  await settle(clock)
  const observations = [ear.observe(actor.getSnapshot())]
  for (const step of steps) {
    if ('send' in step) actor.send(step.send)
    else await advance(clock, step.advanceMs)
    await settle(clock)
    observations.push(ear.observe(actor.getSnapshot()))
  }
  actor.stop()
  return observations
}

async function advance(clock: SteppedClock, ms: number): Promise<void> {
  const targetMs = clock.now() + ms
  while (clock.nextDueMs <= targetMs) {
    clock.set(clock.nextDueMs)
    await settle(clock)
  }
  clock.set(targetMs)
}

async function settle(clock: SteppedClock): Promise<void> {
  do {
    clock.set(clock.now())
    for (let turn = 0; turn < PATIENCE; turn++) await setImmediate()
  } while (clock.nextDueMs <= clock.now())
}

/** XState's own clock for tests, which also tells when its next timer is due. */
class SteppedClock extends SimulatedClock {
  readonly #dueMs = new Map<number, number>()

  /** Infinity: no timer is set. */
  get nextDueMs(): number {
    return Math.min(...this.#dueMs.values())
  }

  override setTimeout(ring: () => void, delayMs: number): number {
    const id = super.setTimeout(() => {
      this.#dueMs.delete(id)
      ring()
    }, delayMs)
    this.#dueMs.set(id, this.now() + Math.max(delayMs, 0))
    return id
  }

  override clearTimeout(id: number): void {
    this.#dueMs.delete(id)
    super.clearTimeout(id)
  }
}
