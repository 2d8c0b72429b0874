/**
 * The machines that a runtime knows, and how the user wants them run.
 */
import type { AnyStateMachine } from 'xstate'
import { InvalidArgumentError, MachineNotRegisteredError } from '../errors.ts'
import { lookAt } from '../plain-arguments.ts'
import type { RetryPolicy } from '../retry-policy.ts'
import type { Migration } from './migration.ts'
import { shorten } from '../shorten.ts'
import { Codecs, type Codec } from './row-codec.ts'
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
  /** What moves actors of older versions to this one. */
  readonly migration: Migration | null
  /** null: what lies at rest of its actors is plain JSON. */
  readonly codec: Codec | null
  /** The limit of which an actor holds a slot while it executes. */
  readonly limit: string | null
  /** How long its actors are kept after their end, null: for ever; undefined: as the runtime has it. */
  readonly retentionMs: number | null | undefined
}

export class Registrations {
  readonly #all: readonly Registration[]
  /** By machine and version, versions that are migrated from among them. */
  readonly #byRow = new Map<string, Registration>()
  readonly #byMachine = new Map<AnyStateMachine, Registration>()
  readonly codecs: Codecs
  /** Rows that this runtime can run, those that it migrates first among them. */
  readonly runnable: readonly { readonly name: string; readonly version: string | null }[]

  /** Throws InvalidArgumentError where it could not be told which machine a row belongs to. */
  constructor(registrations: readonly Registration[]) {
    this.#all = registrations
    this.codecs = new Codecs(registrations)
    this.runnable = registrations.flatMap(({ name, version, migration }) =>
      [version, ...(migration?.from ?? [])].map((each) => ({ name, version: each }))
    )
    for (const registration of registrations) {
      this.#add(registration, registration.version, 'is registered twice')
      this.#byMachine.set(registration.machine, registration)
    }
    for (const registration of registrations) {
      for (const version of registration.migration?.from ?? []) {
        this.#add(registration, version, 'is migrated, and registered or migrated elsewhere as well,')
      }
    }
  }

  #add(registration: Registration, version: string | null, problem: string): void {
    const { name } = registration
    if (this.find(name, version)) {
      throw new InvalidArgumentError(
        `machines: '${name}'`,
        `${problem}${version === null ? '' : ` with version '${version}'`}`,
        'Give each machine its own id, or each version of one its own version'
      )
    }
    this.#byRow.set(nameOf(name, version), registration)
  }

  /** What runs a row; undefined where this runtime does not know it. Of another version than the row's: it has to be moved first. */
  find(name: string, version: string | null): Registration | undefined {
    return this.#byRow.get(nameOf(name, version))
  }

  /** Throws MachineNotRegisteredError. */
  of(machine: AnyStateMachine): Registration {
    const registration = this.#byMachine.get(machine)
    if (registration) return registration
    const name = nameOfUnknown(machine)
    if (!this.#all.some((known) => known.name === name)) throw this.unknown(name)
    throw new MachineNotRegisteredError(
      name,
      'is registered, but not as this object',
      'Pass the one that you registered (`provide` makes another).'
    )
  }

  /** For a machine that is not registered; `version`: for the row of an actor, whose machine may be known in others. */
  unknown(name: string, version: string | null = null): MachineNotRegisteredError {
    const known = this.#all.map((each) => describe(each.name, each.version)).join(', ') || 'none'
    const what = version === null ? '' : `of version '${version}' `
    return new MachineNotRegisteredError(
      name,
      `${what}is not registered (registered: ${known})`,
      'Add it to createRuntime({ machines }).'
    )
  }

  /**
   * That of a durable child's machine: as registered, or as the one that is registered under its id. Throws
   * MachineNotRegisteredError.
   */
  ofChild(machine: AnyStateMachine): Registration {
    const namesakes = this.#all.filter(({ name }) => name === machine.id)
    const [only] = namesakes
    return namesakes.length === 1 && only ? only : this.of(machine)
  }

  [Symbol.iterator](): IterableIterator<Registration> {
    return this.#all.values()
  }
}

/** Whatever was passed as a machine. */
function nameOfUnknown(machine: unknown): string {
  const id = lookAt(
    'the machine',
    'Pass what createMachine() returned',
    () => (machine as Partial<AnyStateMachine> | null)?.id
  )
  return typeof id === 'string' ? shorten(id) : 'without an id'
}

const describe = (name: string, version: string | null): string =>
  version === null ? name : `${name} of version '${version}'`

const nameOf = (name: string, version: string | null): string => JSON.stringify([name, version])
