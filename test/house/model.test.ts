/** Every line of what is offered (model.md) is shown by tests that exist. */
import { expect, test } from 'vitest'
import { readFiles } from './repository.ts'

const files = new Map(readFiles('test').map(({ path, text }) => [path, text]))
const [offered = ''] = (files.get('test/house/model.md') ?? '').split('\n# Not taken\n')

const lines = offered.split('\n## ').slice(1)

/** The text of a file of tests, or of rules that tests share. */
const textOf = (place: string): string => files.get(`test/${place}.test.ts`) ?? files.get(`test/${place}.ts`) ?? ''

test.each(lines.map((line) => [line.split('\n', 1)[0] ?? '', line]))('%s', (_, line) => {
  const points = [...line.matchAll(/^- `(.+?)`: (.+)$/gm)].map(([, place = '', title = '']) => ({ place, title }))
  expect(points).not.toEqual([])
  expect(points.filter(({ place, title }) => !textOf(place).includes(`'${title}'`))).toEqual([])
})
