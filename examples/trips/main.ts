/**
 * `npm run example:trips`: trips whose flight, hotel and car are booked side by side, and undone where one cannot be had; a worker
 * killed in the middle, and what that did to them (nothing).
 *
 *     npm run example:trips -- --trips 100 --seed 7
 *     DATABASE_URL=postgres://… …                on your server; makes the schemas perdure_trips and trips_world anew
 */
import { fileURLToPath } from 'node:url'
import postgres from 'postgres'
import { readArguments } from '../../scripts/command-line.ts'
import { startPostgres } from '../../scripts/postgres.ts'
import { openScreen } from '../shared/screen.ts'
import { readTrips, type Asked, usage } from './arguments.ts'
import { checkPromises } from './checks.ts'
import { runTrips } from './run.ts'

const folder = fileURLToPath(new URL('../../.perdure/trips', import.meta.url))

process.exitCode = await main(readArguments(usage, readTrips)).catch((error: unknown) => {
  console.error(error)
  return 1
})

/** Resolves to the exit code: 0 where all promises were kept. */
async function main({ trips, seed }: Asked): Promise<number> {
  const screen = openScreen()
  const given = process.env['DATABASE_URL']
  screen.say(given === undefined ? 'starting a Postgres in .perdure/trips' : 'using the Postgres of DATABASE_URL')
  const server = given === undefined ? await startPostgres({ dir: folder }) : null
  const database = server?.url ?? given ?? ''
  const sql = postgres(database, { onnotice: () => undefined })
  try {
    const checks = await checkPromises(sql, await runTrips({ database, sql, trips, seed, screen }))
    screen.showChecks(checks)
    const broken = checks.filter(({ isKept }) => !isKept).length
    if (broken === 0) screen.say(`all ${checks.length} promises kept`, 'good')
    else screen.say(`${broken} of ${checks.length} promises broken`, 'bad')
    return broken === 0 ? 0 : 1
  } finally {
    await sql.end()
    await server?.stop()
  }
}
