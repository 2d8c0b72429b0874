/**
 * Pages that name the tests which show what they say: each point is a file below `test/` and the title of a test in it.
 *
 *     - `runtime/send`: an event can be sent by key at once after the spawn
 *
 * Owns: reading points, and looking for their tests. Does not own: which page must have which.
 */
import { readFiles } from './repository.ts'

export interface Point {
  readonly place: string
  readonly title: string
}

const files = new Map(readFiles('test').map(({ path, text }) => [path, text]))

export function readPoints(text: string): readonly Point[] {
  return [...text.matchAll(/^- `(.+?)`: (.+)$/gm)].map(([, place = '', title = '']) => ({ place, title }))
}

/** Of a file of tests, or of rules that tests share. */
const textOf = (place: string): string => files.get(`test/${place}.test.ts`) ?? files.get(`test/${place}.ts`) ?? ''

/** Those that no test has. */
export function findUnshown(points: readonly Point[]): readonly Point[] {
  return points.filter(
    ({ place, title }) => !["'", '"', '`'].some((mark) => textOf(place).includes(mark + title + mark))
  )
}
