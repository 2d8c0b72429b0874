/** Names and numbers in the tables of the documentation are those of the source. */
import { readFileSync } from 'node:fs'
import { createMachine } from 'xstate'
import { expect, test } from 'vitest'
import { DEFAULT_RETRY_POLICY } from '../../src/retry-policy.ts'
import { DEFAULT_SCHEMA, readOptions, type RuntimeOptions } from '../../src/options.ts'
import { readMachine } from '../../src/registering.ts'
import { telemetryEvents, type TelemetryEventName } from '../../src/telemetry/catalogue.ts'
import { reportToPeople } from '../../src/telemetry/report.ts'
import { Telemetry } from '../../src/telemetry/telemetry.ts'
import { readTypeScript } from '../house/repository.ts'
import { codesIn, findPage, readTable, root, type Table } from './pages.ts'

const operating = 'docs/operating.md'

const readSource = (path: string): string => readFileSync(root + path, 'utf8')

/** The members of an interface, in order. */
function membersOf(path: string, name: string): readonly string[] {
  const [, body = ''] = new RegExp(`interface ${name}\\b.* \\{\n([^]*?)\n\\}`).exec(readSource(path)) ?? []
  return [...body.matchAll(/^ {2}readonly (\w+)\??:/gm)].map((match) => match[1] as string)
}

const byName = ([a]: readonly unknown[], [b]: readonly unknown[]): number => String(a).localeCompare(String(b))

const namesIn = (table: Table): readonly string[] => table.flatMap(([first]) => codesIn(first))

/** The values in a column, by the names in the first; those that are told in words are left out. */
function defaultsIn(table: Table): Record<string, unknown> {
  const literals = table.flatMap(([name, value]) => {
    const [code] = codesIn(value)
    return code === undefined || code.startsWith('console.')
      ? []
      : [[codesIn(name)[0], JSON.parse(code.replaceAll("'", '"'))]]
  })
  return Object.fromEntries(literals)
}

test('every option of createRuntime is in the table', () => {
  const names = namesIn(readTable(operating, '## Options'))
  expect(names.toSorted()).toEqual(membersOf('src/options.ts', 'RuntimeOptions').toSorted())
})

test('the defaults in the table are those that an option left out has', () => {
  const { schema, ...given } = defaultsIn(readTable(operating, '## Options'))
  const required: RuntimeOptions = { database: 'none', machines: [] }
  expect(Object.keys(given)).toHaveLength(10)
  expect(readOptions({ ...required, ...given })).toEqual(readOptions(required))
  expect(schema).toBe(DEFAULT_SCHEMA)
})

test('every option of a machine and of a spawn is in its table', () => {
  const machine = namesIn(readTable(operating, '### Machine options'))
  expect(machine.toSorted()).toEqual(membersOf('src/options.ts', 'MachineOptions').toSorted())
  const spawn = namesIn(readTable(operating, '### Spawn options'))
  expect(spawn.toSorted()).toEqual(membersOf('src/options.ts', 'SpawnSettings').toSorted())
})

test('the retry policy in the table is the default one', () => {
  const retry = defaultsIn(readTable('docs/faults-and-retries.md', '## Retries'))
  const { retry: policy } = readMachine({ machine: createMachine({ id: 'any' }), retry })
  expect(policy).toEqual(DEFAULT_RETRY_POLICY)
  expect(Object.keys(retry)).toHaveLength(Object.keys(DEFAULT_RETRY_POLICY).length)
})

test('every telemetry event is in the table, with its fields, in the words of the source', () => {
  const members = /\/\*\* (?<text>.*) \*\/\n {2}'(?<name>[a-z_.]+)': (?<type>[^]*?)(?=\n\n| {2}\/\*\*|\n\}\n)/g
  const source = [...readSource('src/telemetry/catalogue.ts').matchAll(members)].map(({ groups = {} }) => {
    const { name = '', text = '', type = '' } = groups
    const ofActor = type.startsWith('OfActor') ? ['id', 'machine'] : []
    return [name, [...ofActor, ...[...type.matchAll(/readonly (\w+):/g)].map((match) => match[1])], text]
  })
  const rows = readTable(operating, '## Telemetry').map(([event, fields, text]) => [
    ...codesIn(event),
    codesIn(fields),
    text
  ])
  expect(source).toHaveLength(Object.keys(telemetryEvents).length)
  expect(rows).toEqual(source)
})

test('the events that people hear of without asking are named', () => {
  const bus = new Telemetry()
  const warned: string[] = []
  reportToPeople(bus, (message) => warned.push(/^perdure ([a-z_.]+):/.exec(message)?.[1] ?? message))
  for (const name of Object.keys(telemetryEvents)) bus.emit(name as TelemetryEventName, {} as never)
  const [, list] = /^Those that you should hear of [^]*?: ([^]*?)\.$/m.exec(findPage(operating).text) ?? []
  expect(codesIn(list).toSorted()).toEqual(warned.toSorted())
})

test('every error that is thrown is in the table', () => {
  const files = ['src/errors.ts', 'src/schedule-errors.ts', 'src/persistence/refusals.ts'].map(readSource)
  const classes = [...files.join('').matchAll(/^export class (\w+)/gm)].map((match) => match[1] as string)
  const sources = readTypeScript('src').map(({ text }) => text)
  const thrown = classes.filter((name) => sources.some((text) => text.includes(`new ${name}(`)))
  const documented = readTable('docs/sending.md', '## Errors').map(([first]) => String(codesIn(first)[0]))
  expect(documented.toSorted()).toEqual(thrown.toSorted())
})

test('every package that the project depends on is in the table of the README, with its range', () => {
  const { dependencies, peerDependencies, devDependencies } = JSON.parse(readSource('package.json')) as Record<
    string,
    Record<string, string>
  >
  const table = readTable('README.md', '## Dependencies')
  expect(namesIn(table).toSorted()).toEqual(
    [...new Set(Object.keys({ ...dependencies, ...peerDependencies, ...devDependencies }))].toSorted()
  )
  const peers = table.filter(([, kind]) => kind?.startsWith('peer')).map(([name, kind]) => [codesIn(name)[0], kind])
  const ranges = Object.entries(peerDependencies ?? {}).map(([name, range]) => [name, expect.stringContaining(range)])
  expect(peers.toSorted(byName)).toEqual(ranges.toSorted(byName))
})
