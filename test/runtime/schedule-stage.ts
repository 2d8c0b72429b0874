/** What the tests of schedules share: a machine, and ways to look at a schedule and to make it due. */
import { setup } from 'xstate'
import type { MissedPolicy } from 'perdure'
import type { TestDatabase } from '../support/database.ts'

/** Ends at once, and keeps its input. */
export const report = setup({
  types: {
    input: {} as { of: string; day?: Date },
    context: {} as { of: string; day?: Date },
    output: {} as { of: string; day?: Date }
  }
}).createMachine({
  id: 'report',
  context: ({ input }) => input,
  initial: 'written',
  states: { written: { type: 'final' } },
  output: ({ context }) => context
})

/** Once an hour, in a minute that is half an hour away from now: nothing falls due by itself while a test runs. */
export const hourly = (): string => `${(new Date().getUTCMinutes() + 30) % 60} * * * *`

/** The last occurrence of YEARLY. */
export const thisYear = (): number => Date.UTC(new Date().getUTCFullYear(), 0, 1)

export const MINUTELY = '* * * * *'
export const YEARLY = '@yearly'
export const input = { of: 'sales' }

export interface ScheduleColumns {
  readonly cron: string
  readonly missed: MissedPolicy
  readonly revision: string
  readonly paused: boolean
  readonly next_at: Date
  readonly last_at: Date | null
}

export function scheduleTools(db: TestDatabase) {
  return {
    row: async (name: string): Promise<ScheduleColumns> => {
      const [row] = await db.sql('select * from perdure.schedule where name = $1', [name])
      return row as unknown as ScheduleColumns
    },
    /** Makes schedules due, as if so much time had passed; nobody is told. */
    letTimePass: async (interval: string): Promise<void> => {
      const back = 'next_at = next_at - $1::interval, last_at = last_at - $1::interval'
      await db.sql(`update perdure.schedule set ${back}`, [interval])
    },
    /** Makes one due since the beginning of the year. */
    makeDue: async (name: string): Promise<void> => {
      await db.sql('update perdure.schedule set next_at = $2 where name = $1', [name, new Date(thisYear())])
    },
    /** Ids of the actors that came of schedules, or of anything else. */
    actors: async (): Promise<readonly string[]> =>
      (await db.sql('select id from perdure.actor order by wake_at, ended_at')).map(({ id }) => String(id)),
    isDue: async (name: string): Promise<boolean> => {
      const [row] = await db.sql('select next_at <= now() as due from perdure.schedule where name = $1', [name])
      return row?.['due'] as boolean
    }
  }
}
