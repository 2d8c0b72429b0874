/** Every fault that perdure is made for (docs/faults.md) has its number, and tests that exist. */
import { expect, test } from 'vitest'
import { findUnshown, readPoints } from './points.ts'
import { readFiles } from './repository.ts'

const page = readFiles('docs').find(({ path }) => path === 'docs/faults.md')
const faults = (page?.text ?? '').split(/\n### /).slice(1)
const titles = faults.map((fault) => fault.split('\n', 1)[0] ?? '')

test('the faults are numbered from 1 to 34', () => {
  expect(titles.map((title) => Number.parseInt(title, 10))).toEqual(Array.from({ length: 34 }, (_, n) => n + 1))
})

test.each(faults.map((fault, n) => [titles[n] ?? '', fault]))('%s', (_, fault) => {
  const points = readPoints(fault)
  expect(points).not.toEqual([])
  expect(findUnshown(points)).toEqual([])
})
