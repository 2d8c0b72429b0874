/**
 * What people should hear of without asking: no failure is silent, even where nobody listens to telemetry.
 */
import type { TelemetryEventName } from './catalogue.ts'
import { telemetryEvents } from './catalogue.ts'
import type { Telemetry } from './telemetry.ts'

const REPORTED: readonly TelemetryEventName[] = [
  'actor.parked',
  'actor.crashed',
  'actor.regressed',
  'child.crashed',
  'effect.failed',
  'journal.diverged',
  'listener.failed',
  'machine.unknown',
  'machine.warning',
  'node.fenced',
  'pooler.found',
  'schedule.failed',
  'signal.unconsumed'
]

/** @param warn default: console.warn */
export function reportToPeople(
  telemetry: Telemetry,
  // oxlint-disable-next-line no-console -- the default of an option: people who want another place name it
  warn: (message: string, detail: unknown) => void = (message, detail) => console.warn(message, detail)
): void {
  for (const event of REPORTED)
    telemetry.on(event, (detail) => warn(`perdure ${event}: ${telemetryEvents[event]}`, detail))
}
