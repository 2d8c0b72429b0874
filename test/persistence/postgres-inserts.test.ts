/** What is told of a batch of births of which one half came about, and the other could not be asked for. */
import { expect, test } from 'vitest'
import type { Row } from '../../src/persistence/drivers/driver.ts'
import { insertUnlessLocked } from '../../src/persistence/postgres-inserts.ts'
import { loadQueries } from '../../src/persistence/queries.ts'
import { classifyError } from '../../src/persistence/transient-errors.ts'
import { newActor } from './conformance/world.ts'

const failure = (code: string): Error => Object.assign(new Error(code), { code })
const [lockTimeout, tooManyConnections] = ['55P03', '53300']

/** Answers the statements in turn, with rows or an error code. */
function answering(...answers: readonly (readonly Row[] | string)[]) {
  const left = [...answers]
  return {
    query: async () => {
      const answer = left.shift()
      if (Array.isArray(answer)) return answer as readonly Row[]
      throw failure(answer as string)
    }
  }
}

const insert = (database: ReturnType<typeof answering>) =>
  insertUnlessLocked(database, loadQueries('perdure'), [newActor(), newActor()])

test('a half that stands makes the failure of the other one a loss, of which nobody knows what was done', async () => {
  const inserted = [{ n: 0, kind: 'inserted', inserted: true }]
  const error: unknown = await insert(answering(lockTimeout, inserted, tooManyConnections)).catch(
    (error: unknown) => error
  )
  expect(error).toMatchObject({ code: '40003', cause: { code: tooManyConnections } })
  expect(classifyError(error)).toBe('lost')
})

test('where the first half fails nothing was done', async () => {
  const error: unknown = await insert(answering(lockTimeout, tooManyConnections)).catch((error: unknown) => error)
  expect(error).toMatchObject({ code: tooManyConnections })
})

test('who alone waits is locked', async () => {
  expect(await insert(answering(lockTimeout, lockTimeout, lockTimeout))).toEqual([
    { kind: 'locked' },
    { kind: 'locked' }
  ])
})
