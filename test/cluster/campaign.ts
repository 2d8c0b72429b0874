/**
 * A campaign: bouts of load, each with one fault that comes again and again, and the checks at the end of each.
 *
 * Owns: a bout, and the table of many. Does not own: what a fault is (faults.ts), how long a campaign is (main.ts).
 */
import type { Violation } from '../support/checks.ts'
import type { Cluster } from './cluster.ts'
import { pause, startNode, type Fault, type Field } from './field.ts'
import { Load } from './load.ts'
import type { Random } from '../support/random.ts'

export interface Bout {
  readonly fault: string
  readonly times: number
  /** Events that were accepted, and actors that were spawned. */
  readonly acknowledged: number
  readonly violations: readonly Violation[]
  /** The longest that an event was tried to be sent before it was accepted. */
  readonly longestRecoveryMs: number
}

const NODES = 3
const ACTORS = 12
const LINES = 6
/** How long it may take, on a machine that is busy, until nothing is left to do. */
const REST_WITHIN_MS = 60_000

/** Ends as the cluster does: what it has started is closed with that. */
export async function runBout(cluster: Cluster, fault: Fault, times: number, random: Random): Promise<Bout> {
  const field: Field = { cluster, random, nodes: [] }
  for (let started = 0; started < NODES; started++) await startNode(field)
  const actors = await Promise.all(Array.from({ length: ACTORS }, () => cluster.spawn(random.of(field.nodes))))
  const load = new Load(cluster, { random, actors, lines: LINES })
  for (let time = 0; time < times; time++) {
    await pause(random.below(300))
    const heal = await fault.inject(field)
    await pause(fault.lastsMs)
    await heal()
    const before = load.accepted
    await cluster.waitUntil('events are accepted again', () => load.accepted > before, REST_WITHIN_MS)
  }
  await load.stop()
  const violations = await cluster.judge(REST_WITHIN_MS)
  const { sends } = await cluster.history()
  return {
    fault: fault.name,
    times,
    acknowledged: load.accepted + actors.length,
    violations,
    longestRecoveryMs: longest(sends)
  }
}

function longest(
  sends: readonly { event: { n: string }; outcome: { kind: string }; askedAt: number; answeredAt: number }[]
): number {
  const askedAt = new Map<string, number>()
  let longest = 0
  // In the order in which they were answered, which for tries of one event is that in which they were asked.
  for (const send of sends) {
    const { n } = send.event
    askedAt.set(n, askedAt.get(n) ?? send.askedAt)
    if (send.outcome.kind === 'ok') longest = Math.max(longest, send.answeredAt - (askedAt.get(n) as number))
  }
  return longest
}

const COLUMNS = ['fault', 'times', 'acknowledged', 'lost', 'doubled', 'uncommitted', 'stranded', 'other', 'recovery']

/** One line for each fault. All but the first three columns, and the last, ought to be zeros. */
export function tabulate(bouts: readonly Bout[]): readonly string[] {
  const lines = [...new Set(bouts.map(({ fault }) => fault))].map((name) => {
    const mine = bouts.filter(({ fault }) => fault === name)
    const sum = (count: (bout: Bout) => number): number => mine.reduce((total, bout) => total + count(bout), 0)
    const kinds = (['lost', 'doubled', 'uncommitted', 'stranded'] as const).map((kind) =>
      sum(({ violations }) => violations.filter((violation) => violation.kind === kind).length)
    )
    const other = sum(({ violations }) => violations.length) - kinds.reduce((total, count) => total + count, 0)
    const recovery = Math.max(...mine.map(({ longestRecoveryMs }) => longestRecoveryMs))
    const counts = [sum(({ times }) => times), sum(({ acknowledged }) => acknowledged), ...kinds, other]
    return [name, ...counts.map(String), `${(recovery / 1000).toFixed(1)} s`]
  })
  const widths = COLUMNS.map((title, column) =>
    Math.max(title.length, ...lines.map((line) => line[column]?.length ?? 0))
  )
  return [COLUMNS, ...lines].map((line) =>
    line
      .map((cell, column) => (column === 0 ? cell.padEnd(widths[0] ?? 0) : cell.padStart(widths[column] ?? 0)))
      .join('  ')
  )
}
