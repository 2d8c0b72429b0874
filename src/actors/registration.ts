/**
 * The machines that a runtime knows, and how the user wants them run.
 */
import type { AnyStateMachine } from 'xstate'
import { InvalidArgumentError, MachineNotRegisteredError } from '../errors.ts'
import type { RetryPolicy } from './retry-policy.ts'
import type { Blueprint } from './transition.ts'

export interface Registration {
  /** The machine's id. */
  readonly name: string
  readonly version: string | null
  readonly machine: AnyStateMachine
  readonly blueprint: Blueprint
  /** What becomes of an event that the present state has no transition for: it waits, or is dropped as XState does. */
  readonly unhandled: 'defer' | 'drop'
  /** null: a machine that throws fails, as in XState. */
  readonly retry: RetryPolicy | null
}

export class Registrations {
  readonly #byName = new Map<string, Registration>()
  readonly #byMachine = new Map<AnyStateMachine, Registration>()

  /** Throws InvalidArgumentError where two machines have the same id and version. */
  constructor(registrations: readonly Registration[]) {
    for (const registration of registrations) {
      const { name, version, machine } = registration
      if (this.find(name, version)) {
        throw new InvalidArgumentError(
          `machines: '${name}'`,
          `is registered twice${version === null ? '' : ` with version '${version}'`}`,
          'Give each machine its own id, or each version of one its own version'
        )
      }
      this.#byName.set(nameOf(name, version), registration)
      this.#byMachine.set(machine, registration)
    }
  }

  /** The machine of a row; undefined where this runtime does not know it. */
  find(name: string, version: string | null): Registration | undefined {
    return this.#byName.get(nameOf(name, version))
  }

  /** Throws MachineNotRegisteredError. */
  of(machine: AnyStateMachine): Registration {
    const registration = this.#byMachine.get(machine)
    if (registration) return registration
    throw new MachineNotRegisteredError(
      machine.id,
      [...this.#byName.values()].map(({ name }) => name)
    )
  }

  [Symbol.iterator](): IterableIterator<Registration> {
    return this.#byName.values()
  }
}

const nameOf = (name: string, version: string | null): string => JSON.stringify([name, version])
