/**
 * The machines of a runtime, those of durable children among them, held against what else the runtime was given.
 */
import { Registrations } from './actors/registration.ts'
import { checkUses, findMisuse, type Limits } from './limiting/limits.ts'
import { InvalidArgumentError } from './errors.ts'
import { childMachinesOf } from './logics/reachable.ts'
import { isMachine, readMachine, type MachineEntry, type ReadOptions } from './options.ts'

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
  const machines = entries.map((entry) => ('machine' in entry ? entry.machine : entry)).filter(isMachine)
  const known = new Set(machines.map(({ id }) => id))
  const children = machines.flatMap(childMachinesOf).filter(({ id }) => !known.has(id))
  return [...entries, ...new Set(children)]
}
