/**
 * Cron expressions: which moments they name.
 *
 * Owns: reading an expression and a time zone, and refusing them by name. Does not own: what happens at such a moment, what becomes of
 * moments that were missed (supervisor/occurrences.ts), the present time, which is given.
 *
 * Invariants
 * 1. The same expression in the same zone names the same moments on every node: nothing of the process goes in.
 * 2. Moments are whole seconds, in epoch milliseconds, and each is later than the one before.
 */
import { Cron } from 'croner'
import { InvalidArgumentError } from './errors.ts'

const FORM =
  "Pass five fields (minute, hour, day, month, weekday), six with seconds before them, or a name such as '@daily'"

export interface CronPlan {
  /** The first moment after `ms`; null: there is none to come. */
  after(ms: number): number | null
  /** The last moment that is not after `ms`; null: there was none. */
  upTo(ms: number): number | null
}

/** Throws InvalidArgumentError. */
export function readCron(cron: string, timeZone: string): CronPlan {
  checkTimeZone(timeZone)
  const plan = parse(cron, timeZone)
  return {
    after: (ms) => plan.nextRun(new Date(ms))?.getTime() ?? null,
    upTo: (ms) => plan.previousRuns(1, new Date(ms + 1))[0]?.getTime() ?? null
  }
}

function checkTimeZone(timeZone: unknown): void {
  try {
    if (typeof timeZone === 'string' && Intl.DateTimeFormat('en', { timeZone })) return
  } catch {
    // Refused below, as what is no text at all.
  }
  const said = typeof timeZone === 'string' ? ` '${timeZone}'` : ''
  throw new InvalidArgumentError(`timeZone${said}`, 'is unknown', "Pass an IANA name such as 'Europe/Vienna' or 'UTC'")
}

function parse(cron: unknown, timezone: string): Cron {
  // With a colon the library takes it for a date.
  if (typeof cron !== 'string' || cron.includes(':'))
    throw new InvalidArgumentError('cron', 'is no cron expression', FORM)
  try {
    return new Cron(cron, { timezone, mode: '5-or-6-parts', paused: true })
  } catch {
    throw new InvalidArgumentError(`cron '${cron}'`, 'is no cron expression', FORM)
  }
}
