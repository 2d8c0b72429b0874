/** docs/bounds.md says of each bound what the source says, and names a test that exists. */
import { expect, test } from 'vitest'
import { DEFAULT_BOUNDS, SPAWN_MANY } from '../../src/bounds.ts'
import { readOptions } from '../../src/options.ts'
import { findUnshown, readPoints } from '../house/points.ts'
import { readTypeScript } from '../house/repository.ts'
import { codesIn, readTable } from './pages.ts'

const rows = readTable('docs/bounds.md', '## Bounds that you can meet').map(
  ([what = '', bound, setBy, , shownBy = '']) => ({
    what,
    bound: Number(codesIn(bound)[0]),
    setBy: codesIn(setBy)[0] ?? '',
    shownBy
  })
)
const sources = readTypeScript('src').map(({ text }) => text)

const options = readOptions({ database: 'none', machines: [] })
const settable: Readonly<Record<string, number | undefined>> = {
  ...Object.fromEntries(Object.entries(DEFAULT_BOUNDS).map(([name, bound]) => [`bounds.${name}`, bound])),
  ...Object.fromEntries(Object.entries(SPAWN_MANY).map(([name, bound]) => [`SPAWN_MANY.${name}`, bound])),
  maxResident: options.maxResident,
  maxResidentBytes: options.maxResidentBytes,
  queues: options.queues['default']
}

/** What a constant of the source is, in each file that has one of this name. */
const valuesOf = (name: string): readonly number[] =>
  sources.flatMap((text) =>
    [...text.matchAll(new RegExp(`const ${name} = ([\\d_]+)$`, 'gm'))].map(([, value = '']) =>
      Number(value.replaceAll('_', ''))
    )
  )

test.each(rows.map((row) => [row.what, row] as const))('%s: is bounded as the source says', (_, { bound, setBy }) => {
  const values = setBy in settable ? [settable[setBy]] : valuesOf(setBy)
  expect(values).not.toEqual([])
  expect(values).toEqual(values.map(() => bound))
})

test.each(rows.map((row) => [row.what, row] as const))('%s: is shown by a test', (_, { shownBy }) => {
  const points = readPoints(`- ${shownBy}`)
  expect(points).toHaveLength(1)
  expect(findUnshown(points)).toEqual([])
})

test('every bound that can be set is told of', () => {
  const told = rows.map(({ setBy }) => setBy)
  expect(Object.keys(settable).filter((name) => !told.includes(name))).toEqual([])
})
