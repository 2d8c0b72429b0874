/** Every line of what is offered (model.md) is shown by tests that exist. */
import { expect, test } from 'vitest'
import { findUnshown, readPoints } from './points.ts'
import { readFiles } from './repository.ts'

const page = readFiles('test/house').find(({ path }) => path === 'test/house/model.md')
const [offered = ''] = (page?.text ?? '').split('\n# Not taken\n')
const lines = offered.split('\n## ').slice(1)

test.each(lines.map((line) => [line.split('\n', 1)[0] ?? '', line]))('%s', (_, line) => {
  const points = readPoints(line)
  expect(points).not.toEqual([])
  expect(findUnshown(points)).toEqual([])
})
