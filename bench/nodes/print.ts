/**
 * The results of many nodes, for people. Owns: wording, rounding, columns.
 */
import { formatCount, printTable } from '../report.ts'
import { median, ratioByRound } from '../statistics.ts'
import type { Failover } from './failover.ts'
import type { Idle } from './idle.ts'
import type { LeafLatency } from './leaf-latency.ts'
import type { Scaling, ScalingRound } from './scaling.ts'

export function printScaling(results: readonly Scaling[]): void {
  const figures = ({ rounds }: Scaling, figure: keyof ScalingRound): readonly number[] =>
    rounds.map((round) => round[figure])
  const [one] = results
  if (one === undefined) return
  const lines = results.map((result) => [
    String(result.workers),
    ...(['ownPerSecond', 'queuedPerSecond', 'appliedPerSecond'] as const).flatMap((figure) => [
      formatCount(median(figures(result, figure))),
      `${ratioByRound(figures(result, figure), figures(one, figure)).toFixed(2)}×`
    ])
  ])
  printTable(['workers', 'sent where they are', '', 'sent from elsewhere: queued', '', 'applied', ''], lines)
}

export function printLeafLatency({ samples, queued, applied }: LeafLatency): void {
  console.log(`Latency of one event from a process that owns nothing, at low load (samples: ${samples})`)
  const line = (name: string, { p50Ms, p99Ms }: LeafLatency['queued']): readonly string[] => [
    name,
    p50Ms.toFixed(2),
    p99Ms.toFixed(2)
  ]
  printTable(['until it is', 'p50 ms', 'p99 ms'], [line('durable', queued), line('applied by its owner', applied)])
}

export function printFailover({ actors, firstMs, lastMs }: Failover): void {
  console.log(`Fail-over after kill -9, ${actors} actors at work (kills: ${firstMs.length})`)
  const line = (name: string, ms: readonly number[]): readonly string[] => [
    name,
    ...[median(ms), Math.min(...ms), Math.max(...ms)].map(formatCount)
  ]
  printTable(
    ['until', 'p50 ms', 'min', 'max'],
    [line('the first is at work elsewhere', firstMs), line('all are', lastMs)]
  )
}

export function printIdle({ seconds, perSecond, countedBy, statements }: Idle): void {
  const aim = perSecond < 3 ? 'met' : 'not met'
  const head = `Idle: ${perSecond.toFixed(2)} statements/s (aim: below 3, ${aim}), in ${Math.round(seconds)} s, by ${countedBy}`
  console.log(head)
  printTable(
    ['', '/s'],
    statements.map(({ text, perSecond: each }) => [text, each.toFixed(2)])
  )
}
