/**
 * Who inspects the actors of this process.
 *
 * Owns: the inspectors, and what becomes of one that fails. Does not own: what there is to inspect (xstate/inspection.ts),
 * when it is told (after its commit, as an effect; transition.ts).
 *
 * Invariants
 * 1. An inspector that throws, or whose promise rejects, harms nobody. It is reported once and still called afterwards.
 * 2. Where nobody inspects, a turn costs the question whether somebody does.
 */
import { toObserver, type InspectionEvent, type Observer } from 'xstate'
import { InvalidArgumentError } from '../errors.ts'
import { lookAt } from '../plain-arguments.ts'
import type { Telemetry } from '../telemetry/telemetry.ts'
import type { Subscription } from './observers.ts'
import type { Inspection } from './transition.ts'

export type Inspector = Observer<InspectionEvent> | ((event: InspectionEvent) => void)

interface Enlisted {
  readonly observer: Observer<InspectionEvent>
  hasFailed: boolean
}

export class Inspectors implements Inspection {
  readonly #telemetry: Telemetry
  #inspectors: readonly Enlisted[] = []
  #arrivals = 0

  constructor(telemetry: Telemetry) {
    this.#telemetry = telemetry
  }

  get audience(): number {
    return this.#inspectors.length === 0 ? 0 : this.#arrivals
  }

  /** Throws InvalidArgumentError. */
  add(inspector: Inspector): Subscription {
    const remedy = "Pass a function, or what is given to createActor's option: createSkyInspector().inspect"
    const observer = lookAt('the inspector', remedy, () => {
      const isInspector = typeof inspector === 'function' || typeof inspector?.next === 'function'
      return isInspector ? toObserver(inspector as Observer<InspectionEvent>) : null
    })
    if (observer === null) {
      throw new InvalidArgumentError('the inspector', 'is neither a function nor an observer', remedy)
    }
    const enlisted = { observer, hasFailed: false }
    this.#inspectors = [...this.#inspectors, enlisted]
    this.#arrivals++
    return { unsubscribe: () => void (this.#inspectors = this.#inspectors.filter((other) => other !== enlisted)) }
  }

  tell(event: InspectionEvent): void {
    for (const enlisted of this.#inspectors) {
      try {
        const answer: unknown = enlisted.observer.next?.(event)
        if (answer instanceof Promise) answer.catch((error: unknown) => this.#report(enlisted, error))
      } catch (error) {
        this.#report(enlisted, error)
      }
    }
  }

  #report(enlisted: Enlisted, error: unknown): void {
    if (enlisted.hasFailed) return
    enlisted.hasFailed = true
    this.#telemetry.emit('listener.failed', { event: 'inspector', error })
  }
}
