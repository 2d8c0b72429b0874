/**
 * The machines of a runtime, those of durable children among them, held against what else the runtime was given.
 */
import { Registrations } from './actors/registration.ts'
import { checkUses } from './limiting/limits.ts'
import { readMachine, withChildren, type MachineEntry, type ReadOptions } from './options.ts'

/** Throws MachineNotDurableError, or InvalidArgumentError. */
export function registerMachines(
  machines: readonly MachineEntry[],
  { limits, queues }: Pick<ReadOptions, 'limits' | 'queues'>
): Registrations {
  const registrations = new Registrations(withChildren(machines).map(readMachine))
  // A node that runs nothing takes no limits either.
  if (Object.keys(queues).length > 0) for (const { machine } of registrations) checkUses(machine, limits)
  return registrations
}
