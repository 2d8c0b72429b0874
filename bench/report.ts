/**
 * The results, for people and as JSON.
 *
 * Owns: wording, rounding, columns. Does not own: what is measured, or what is aimed at.
 */
import { mkdir, writeFile } from 'node:fs/promises'
import { join, relative } from 'node:path'
import type { Aim } from './aims.ts'
import { benchFolder, type Environment } from './environment.ts'
import type { Latency } from './latency.ts'
import type { Memory } from './memory.ts'
import { median, ratioByRound } from './statistics.ts'
import type { Throughput } from './throughput.ts'

export function printEnvironment(environment: Environment): void {
  const { cpu, cores, memoryGiB, load, system, node, server, postgres, settings, packages } = environment
  const pairs = (values: Readonly<Record<string, string>>, sign: string): string =>
    Object.entries(values)
      .map(([name, value]) => `${name}${sign}${value}`)
      .join(', ')
  console.log(`Machine   ${cpu}, ${cores} cores, ${memoryGiB} GiB, ${system}, load ${load.toFixed(2)} before the start`)
  console.log(`Versions  Node ${node}, Postgres ${postgres}, ${pairs(packages, ' ')}`)
  console.log(`Postgres  ${server}; ${pairs(settings, ' = ')}`)
  if (settings['fsync'] !== 'on') console.log('          NOT DURABLE: fsync is off, these figures do not count')
  console.log('')
}

export function printThroughput(results: readonly Throughput[]): void {
  const [baseline] = results
  if (baseline === undefined) return
  const speeds = ({ rounds }: Throughput): readonly number[] => rounds.map((round) => round.eventsPerSecond)
  const lines = results.map((result) => {
    const medianOf = (figure: keyof Throughput['rounds'][number]): number =>
      median(result.rounds.map((round) => round[figure]))
    return [
      result.name,
      formatCount(medianOf('eventsPerSecond')),
      `${formatCount(Math.min(...speeds(result)))}–${formatCount(Math.max(...speeds(result)))}`,
      formatRatio(ratioByRound(speeds(result), speeds(baseline))),
      medianOf('cpuMicrosPerEvent').toFixed(1),
      (medianOf('statementsPerEvent') * 1_000).toFixed(1),
      formatCount(medianOf('rowsPerStatement'))
    ]
  })
  printTable(['', 'events/s', 'min–max', 'ratio', 'CPU µs/event', 'statements/1,000 events', 'rows/statement'], lines)
}

export function printLatency(results: readonly Latency[]): void {
  const [baseline] = results
  if (baseline === undefined) return
  const p50s = ({ rounds }: Latency): readonly number[] => rounds.map((round) => round.p50Ms)
  const lines = results.map((result) => {
    const p99s = result.rounds.map((round) => round.p99Ms)
    return [
      result.name,
      median(p50s(result)).toFixed(3),
      `${Math.min(...p50s(result)).toFixed(3)}–${Math.max(...p50s(result)).toFixed(3)}`,
      formatRatio(ratioByRound(p50s(result), p50s(baseline))),
      median(p99s).toFixed(3),
      `${Math.min(...p99s).toFixed(3)}–${Math.max(...p99s).toFixed(3)}`
    ]
  })
  printTable(['', 'p50 ms', 'min–max', 'ratio', 'p99 ms', 'min–max'], lines)
}

export function printAims(aims: readonly Aim[]): void {
  const lines = aims.map(({ what, aim, measured, isMet }) => [
    what,
    aim,
    formatRatio(measured),
    isMet ? 'met' : 'not met'
  ])
  printTable(['', 'aim', 'measured', ''], lines)
}

export function printMemory(results: readonly Memory[]): void {
  const lines = results.map(({ name, rounds }) => {
    const medianOf = (figure: keyof Memory['rounds'][number]): number => median(rounds.map((round) => round[figure]))
    const [stored, data, heap, estimated] = [
      medianOf('storedBytes'),
      medianOf('dataBytes'),
      medianOf('heapBytes'),
      medianOf('estimatedBytes')
    ]
    return [
      name,
      ...[stored, heap, data, heap - data].map(formatCount),
      (data / stored).toFixed(2),
      formatCount(estimated)
    ]
  })
  printTable(['context', 'stored', 'heap', 'of it data', 'the rest', 'data/stored', 'estimated'], lines)
}

/** All figures, for programs. */
export async function writeResults(name: string, results: object): Promise<void> {
  const file = join(benchFolder, `${name}.json`)
  await mkdir(benchFolder, { recursive: true })
  await writeFile(file, `${JSON.stringify(results, null, 2)}\n`)
  console.log(`All figures: ${relative(process.cwd(), file)}`)
}

/** The first column to the left, all others to the right. */
export function printTable(head: readonly string[], lines: readonly (readonly string[])[]): void {
  const widths = head.map((_, column) => Math.max(...[head, ...lines].map((line) => line[column]?.length ?? 0)))
  for (const line of [head, ...lines]) {
    const cells = line.map((cell, column) => {
      const width = widths[column] ?? 0
      return column === 0 ? cell.padEnd(width) : cell.padStart(width)
    })
    console.log(`  ${cells.join('  ')}`.trimEnd())
  }
  console.log('')
}

export const formatCount = (value: number): string => Math.round(value).toLocaleString('en-US')
const formatRatio = (value: number): string => `${value.toFixed(2)}×`
