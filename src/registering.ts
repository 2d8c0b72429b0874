/**
 * The machines of a runtime, those of durable children among them, and what is given with each: read, and held against what else the
 * runtime was given.
 *
 * Does not own: the shape of these options (options.ts), whether a machine can be durable (actors/transition.ts).
 */
import type { AnyStateMachine } from 'xstate'
import { readMigration } from './actors/migration.ts'
import { Registrations, type Registration } from './actors/registration.ts'
import { readCodec } from './actors/row-codec.ts'
import { compile } from './actors/transition.ts'
import { checkUses, findMisuse, type Limits } from './limiting/limits.ts'
import { InvalidArgumentError } from './errors.ts'
import { lookAt, readFields, readList, readName, readRetentionMs, readRetry } from './plain-arguments.ts'
import { childMachinesOf } from './logics/reachable.ts'
import type { MachineEntry, MachineOptions, ReadOptions } from './options.ts'
import type { Telemetry } from './telemetry/telemetry.ts'

const MACHINE_OPTIONS = [
  'machine',
  'version',
  'unhandled',
  'retry',
  'migrate',
  'codec',
  'limit',
  'retention'
] as const satisfies readonly (keyof MachineOptions)[]

/** Throws MachineNotDurableError, or InvalidArgumentError. */
export function registerMachines(
  machines: readonly MachineEntry[],
  { limits, queues }: Pick<ReadOptions, 'limits' | 'queues'>
): Registrations {
  const registrations = new Registrations(withChildren(machines).map(readMachine))
  // A node that runs nothing takes no limits either.
  if (Object.keys(queues).length === 0) return registrations
  for (const { machine, limit } of registrations) {
    checkUses(machine, limits)
    if (limit !== null) checkLimit(machine.id, limit, limits)
  }
  return registrations
}

function checkLimit(machine: string, limit: string, limits: Limits): void {
  const problem = findMisuse({ option: 'concurrency', limit, isPartitioned: false }, 1, limits)
  if (problem)
    throw new InvalidArgumentError(`machines: '${machine}'`, `has a limit that ${problem.what}`, problem.remedy)
}

/** The entries, with the machines of their durable children, as far as those are not among them by their id. */
export function withChildren(entries: readonly MachineEntry[]): readonly MachineEntry[] {
  const given = readList('machines', entries)
  const machines = given.map((entry) => readEntry(entry).machine).filter(isMachine)
  const known = new Set(machines.map(({ id }) => id))
  const children = machines.flatMap(childMachinesOf).filter(({ id }) => !known.has(id))
  return [...given, ...new Set(children)]
}

/** An entry of `machines`, as one with options. Throws InvalidArgumentError. */
export function readEntry(entry: MachineEntry): MachineOptions {
  return isMachine(entry) ? { machine: entry } : readFields('machines', entry, MACHINE_OPTIONS)
}

/** Compiles a machine. Throws MachineNotDurableError, or InvalidArgumentError for the options beside it. */
export function readMachine(entry: MachineEntry): Registration {
  const options = readEntry(entry)
  const { machine, version = machine?.version, unhandled = 'defer', retry = false, migrate, retention } = options
  if (!isMachine(machine)) {
    throw new InvalidArgumentError(
      'machines',
      'holds something that is no machine',
      'Pass what createMachine() returned, or { machine }'
    )
  }
  if (unhandled !== 'defer' && unhandled !== 'drop') {
    throw new InvalidArgumentError('unhandled', 'is unknown', "Pass 'defer' or 'drop'")
  }
  const blueprint = compile(machine)
  return {
    name: readName('the id of a machine', blueprint.name),
    version: version === undefined ? null : readName('version', version),
    machine,
    blueprint,
    unhandled,
    retry: readRetry(retry),
    migration: migrate === undefined ? null : readMigration(migrate, version),
    codec: readCodec(options.codec),
    limit: options.limit === undefined ? null : readName('limit', options.limit),
    retentionMs: retention === undefined ? undefined : readRetentionMs(retention)
  }
}

/** What of these machines may not do what their author expects. */
export function tellWarnings(registrations: Registrations, telemetry: Telemetry): void {
  for (const { name, blueprint } of registrations) {
    for (const { place, problem, remedy } of blueprint.warnings) {
      telemetry.emit('machine.warning', { machine: name, place, problem, remedy })
    }
  }
}

export function isMachine(value: unknown): value is AnyStateMachine {
  return lookAt('machines', 'Pass what createMachine() returned', () => {
    return typeof value === 'object' && value !== null && 'getInitialSnapshot' in value && 'implementations' in value
  })
}
