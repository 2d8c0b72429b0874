/** One of the processes of a campaign: does the jobs that it is sent, one at a time. It ends when its starter does. */
import { on } from 'node:events'
import { type Job, perform } from './job.ts'
import { SteeredDatabase } from './steered-database.ts'

process.on('disconnect', () => process.exit())
// Ctrl-C goes to all processes; the one that has started this one ends it.
process.on('SIGINT', () => undefined)

const database = await SteeredDatabase.open(process.env['DATABASE_URL'] as string)
for await (const [job] of on(process, 'message')) process.send?.(await perform(job as Job, database))
