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
  const asked: string[] = []
  return {
    asked,
    query: async (_: unknown, [document]: readonly unknown[]) => {
      asked.push(String(document))
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

test('halves are asked for in order: of two that want one key the first has it', async () => {
  const inserted = [{ n: 0, kind: 'inserted', inserted: true }]
  for (let n = 0; n < 8; n++) {
    const database = answering(lockTimeout, inserted, inserted)
    const actors = [newActor({ key: 'one' }), newActor({ key: 'one' })]
    await insertUnlessLocked(database, loadQueries('perdure'), actors)
    expect(database.asked.slice(1)).toEqual(actors.map(({ id }) => expect.stringContaining(id)))
  }
})
