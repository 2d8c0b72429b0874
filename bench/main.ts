/**
 * `npm run bench -- <name>`: runs one of the benchmarks, or lists them.
 *
 * Owns: their names. Does not own: what they measure.
 */
import { ArgumentError, refuse } from '../scripts/command-line.ts'
import { readArguments } from './arguments.ts'
import { children } from './children.ts'
import { core } from './core.ts'
import { memory } from './memory.ts'
import { nodes } from './nodes.ts'
import { oldTransaction } from './old-transaction.ts'
import { timers } from './timers.ts'

const benchmarks = { core, memory, nodes, children, timers, 'old-transaction': oldTransaction }

const list = Object.entries(benchmarks).map(([name, { description }]) => `  ${name.padEnd(17)}${description}`)
const usage = `Usage: npm run bench -- <name> [--rounds N] [--actors N] [--events N]\n\n${list.join('\n')}`

try {
  const { name, load } = readArguments(process.argv.slice(2))
  if (name === undefined) {
    console.log(usage)
  } else if (Object.hasOwn(benchmarks, name)) {
    await benchmarks[name as keyof typeof benchmarks].run(load)
  } else {
    throw new ArgumentError(`There is no benchmark '${name}'. There are: ${Object.keys(benchmarks).join(', ')}.`)
  }
} catch (error) {
  if (error instanceof ArgumentError) refuse(error)
  console.error(error)
  process.exitCode = 1
}
