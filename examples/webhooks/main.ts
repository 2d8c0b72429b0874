/**
 * `npm run example:webhooks`: what GitHub really sent about pull requests, delivered in order, then shuffled and twice, with
 * the same outcome.
 *
 *     npm run example:webhooks -- --seed 7       another shuffle
 *     DATABASE_URL=postgres://… …                on your server; makes the schemas webhooks_* anew
 */
import { fileURLToPath } from 'node:url'
import { isDeepStrictEqual } from 'node:util'
import postgres from 'postgres'
import { readCommandLine, text } from '../../scripts/command-line.ts'
import { startPostgres } from '../../scripts/postgres.ts'
import { loadDeliveries, shuffle } from './deliveries.ts'
import { deliverAll, type Knowledge, type Outcome } from './post-office.ts'

const folder = fileURLToPath(new URL('../../.perdure/webhooks', import.meta.url))

const { seed } = readCommandLine('Usage: npm run example:webhooks [-- --seed S]', { seed: text('1') })
const inOrder = loadDeliveries()
const inDisorder = shuffle([...inOrder, ...inOrder], seed)

const given = process.env['DATABASE_URL']
const server = given === undefined ? await startPostgres({ dir: folder }) : null
const sql = postgres(server?.url ?? given ?? '', { onnotice: () => undefined })
try {
  const orderly = await deliverAll(sql, 'webhooks_in_order', inOrder)
  const messy = await deliverAll(sql, 'webhooks_in_disorder', inDisorder)
  for (const [key, knowledge] of Object.entries(messy.pullRequests)) showPullRequest(key, knowledge)
  showAnswers(orderly, messy)
  const checks = {
    'every pull request ends the same': isDeepStrictEqual(messy.pullRequests, orderly.pullRequests),
    'every second copy is turned away': messy.answers.duplicate === orderly.answers.duplicate + inOrder.length
  }
  for (const [promised, isKept] of Object.entries(checks)) console.log(`  ${isKept ? '✓' : '✗'}  ${promised}`)
  process.exitCode = Object.values(checks).every(Boolean) ? 0 : 1
} finally {
  await sql.end()
  await server?.stop()
}

function showPullRequest(key: string, { title, author, state, items, waiting }: Knowledge): void {
  const line = (label: string, text: string): void => console.log(`  ${label.padEnd(32)}${text}`)
  console.log(`\n${key}`)
  if (state === 'unheardOf') line('not opened yet', `${waiting} waiting`)
  else {
    console.log(`  ${title} (${author})`)
    line('state', Object.values(state.known).join(', '))
  }
  for (const item of Object.keys(items).toSorted()) line(item, items[item]?.is ?? '')
}

function showAnswers(orderly: Outcome, messy: Outcome): void {
  const line = (label: string, a: string | number, b: string | number): void =>
    console.log(`  ${label.padEnd(12)}${String(a).padStart(12)}${String(b).padStart(22)}`)
  console.log()
  line('', 'in order', 'shuffled and twice')
  line('deliveries', inOrder.length, inDisorder.length)
  line('applied', orderly.answers.applied, messy.answers.applied)
  line('deferred', orderly.answers.deferred, messy.answers.deferred)
  line('duplicates', orderly.answers.duplicate, messy.answers.duplicate)
  const news = new Set(inOrder.map(({ id }) => id)).size
  console.log(`
  duplicates: there are some in order, too, because GitHub's samples repeat themselves: ${inOrder.length} deliveries bring ${news} pieces of news.
  deferred: came before what it follows, such as the opening; it waited, and was applied when that came, if it did.
`)
}
