/**
 * Rows that a claim or a pick has leased, each with its whole inbox.
 *
 * The statement answers the first signals of each, as one document: a text that cannot be too long for a client, however large events
 * are and however many wait. The rest are rows of another statement.
 *
 * Owns: putting the two together. Does not own: the statements (postgres-store.ts), what else is in a row (postgres-rows.ts).
 */
import type { Row } from './drivers/driver.ts'
import { runUntilSeen } from './second-looks.ts'
import type { Signal } from './store.ts'

/** How many signals the view inbox_row shows. */
export const INBOX_SHOWN = 50

type ReadInbox = (id: string, afterSeq: number) => Promise<readonly Signal[]>

/** The answer of `run`, with inboxes as arrays. */
export async function leaseRows(run: () => Promise<readonly Row[]>, readInbox: ReadInbox): Promise<readonly Row[]> {
  const rows: Row[] = []
  for (const row of await runUntilSeen(run)) {
    const inbox = JSON.parse((row['inbox'] as string | null) ?? '[]') as readonly Signal[]
    rows.push({ ...row, inbox: inbox.length < INBOX_SHOWN ? inbox : await complete(row, inbox, readInbox) })
  }
  return rows
}

async function complete(row: Row, shown: readonly Signal[], readInbox: ReadInbox): Promise<readonly Signal[]> {
  const rest = await readInbox(row['id'] as string, shown.at(-1)?.seq ?? 0)
  // What has arrived since the row was leased is not seen yet: its owner asks for it.
  return [...shown, ...rest.filter(({ seq }) => seq <= (row['inboxSeq'] as number))]
}
