/** A machine that has passed the checks, with what is worked out once for all its actors. */
import type { AnyStateMachine } from 'xstate'
import { type Finding, MachineNotDurableError } from '../../errors.ts'
import { type AcceptTable, compileAccepts } from './accepts.ts'
import type { MachineLogic } from './internals.ts'
import { checkMachine } from './registration.ts'

export interface Blueprint {
  readonly machine: AnyStateMachine
  /** The machine's id. */
  readonly name: string
  readonly warnings: readonly Finding[]
  readonly accepts: AcceptTable
  /** How many microsteps one input may take before it counts as an endless loop. */
  readonly maxMicrosteps: number
}

const DEFAULT_MAX_MICROSTEPS = 10_000

/** Throws MachineNotDurableError with everything that is wrong, not only the first. The machine is not changed. */
export function compile(machine: AnyStateMachine): Blueprint {
  const logic = machine as unknown as MachineLogic
  const findings = checkMachine(logic)
  const errors = findings.filter(({ level }) => level === 'error')
  if (errors.length > 0) throw new MachineNotDurableError(machine.id, errors)
  const ownBound = logic.options?.maxIterations ?? Infinity
  return {
    machine,
    name: machine.id,
    warnings: findings,
    accepts: compileAccepts(logic.root),
    maxMicrosteps: Number.isFinite(ownBound) ? Math.max(ownBound, DEFAULT_MAX_MICROSTEPS) : DEFAULT_MAX_MICROSTEPS
  }
}
