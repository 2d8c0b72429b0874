/** Rows that are given back: who must look at them next, and when. */
import { expect, test } from 'vitest'
import { giveBackCommit } from '../../src/actors/row-commits.ts'

const claimed = {
  id: 'a',
  version: 1,
  status: 'waiting',
  snapshot: '{}',
  lastError: '"down"',
  journal: null,
  timerAt: 5,
  attempt: 1,
  inboxSeq: 0,
  inbox: []
} as const

test.each([
  ['was due for its next attempt', { attempt: 2 }],
  ['was due for its start', { snapshot: null, version: 0 }],
  ['has signals', { inbox: [{ seq: 1, event: '{}', dedupKey: null, sentAt: 0 }] }]
])('a row that %s when it was claimed is given back to run at once', (_, row) => {
  expect(giveBackCommit({ ...claimed, ...row })).toMatchObject({ status: 'ready', untried: true, lastError: '"down"' })
})

test('a row that only waited is given back to wait on, until its timer', () => {
  expect(giveBackCommit(claimed)).toMatchObject({ status: 'waiting', untried: true, timerAt: 5 })
})
