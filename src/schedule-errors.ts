/** Errors of schedules; the rules of errors.ts hold. */
import { PerdureError } from './errors.ts'

/** No schedule has this name. */
export class ScheduleNotFoundError extends PerdureError {
  readonly _tag = 'ScheduleNotFoundError'
  readonly schedule: string
  constructor(schedule: string) {
    super(`no schedule '${schedule}' exists. runtime.schedules.list() tells those that do.`)
    this.schedule = schedule
  }
}
