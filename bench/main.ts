/**
 * `npm run bench -- <name>`: runs one of the benchmarks, or lists them.
 *
 * Owns: their names. Does not own: what they measure.
 */
import { readArguments } from '../scripts/command-line.ts'
import { readBenchmark } from './arguments.ts'
import { children } from './children.ts'
import { core } from './core.ts'
import { memory } from './memory.ts'
import { nodes } from './nodes.ts'
import { oldTransaction } from './old-transaction.ts'
import { timers } from './timers.ts'

const benchmarks = { core, memory, nodes, children, timers, 'old-transaction': oldTransaction }

type Name = keyof typeof benchmarks

const names = Object.keys(benchmarks) as Name[]
const list = names.map((name) => `  ${name.padEnd(17)}${benchmarks[name].description}`)
const usage = `Usage: npm run bench -- <name> [--rounds N] [--actors N] [--events N]\n\n${list.join('\n')}`

const asked = readArguments(usage, (args) => readBenchmark(args, names))
try {
  if (asked === null) console.log(usage)
  else await benchmarks[asked.name].run(asked.load)
} catch (error) {
  console.error(error)
  process.exitCode = 1
}
