/**
 * `npm run bench -- <name>`: runs one of the benchmarks, or lists them.
 *
 * Owns: their names. Does not own: what they measure.
 */
import { ArgumentError, readArguments } from './arguments.ts'
import { children } from './children.ts'
import { core } from './core.ts'
import { memory } from './memory.ts'
import { nodes } from './nodes.ts'

const benchmarks = { core, memory, nodes, children }

const list = Object.entries(benchmarks).map(([name, { description }]) => `  ${name.padEnd(10)}${description}`)
const usage = `Usage: npm run bench -- <name> [--rounds N] [--actors N] [--events N]\n\n${list.join('\n')}`

try {
  const { name, load } = readArguments(process.argv.slice(2))
  if (name === undefined) {
    console.log(usage)
  } else if (Object.hasOwn(benchmarks, name)) {
    await benchmarks[name as keyof typeof benchmarks].run(load)
  } else {
    throw new ArgumentError(`There is no benchmark '${name}'.`)
  }
} catch (error) {
  console.error(error instanceof ArgumentError ? `${error.message}\n\n${usage}` : error)
  process.exitCode = 1
}
