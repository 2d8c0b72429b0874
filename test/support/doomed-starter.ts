/** A program that starts the Postgres of a folder and is killed: what a crash leaves behind. */
import { startPostgres } from '../../scripts/postgres.ts'

const [dir = ''] = process.argv.slice(2)
await startPostgres({ dir, settings: { fsync: 'off' } })
process.kill(process.pid, 'SIGKILL')
