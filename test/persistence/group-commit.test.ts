/** What callers of a batch are told where its first run may have taken effect, and later ones did not come through. */
import { expect, onTestFinished, test } from 'vitest'
import { LeaseLostError, OutcomeUnknownError, StoreUnavailableError } from '../../src/errors.ts'
import { Batcher } from '../../src/persistence/group-commit.ts'

const coded = (code: string): Error => Object.assign(new Error(code), { code })

/** Runs that come out one after the other as given: an error is thrown, a text is the result. */
function batcherOf(runs: readonly (Error | string)[], refuse: () => Error | null = () => null) {
  const left = [...runs]
  return new Batcher<string, string>({
    name: 'commit',
    lanes: 1,
    maxBatch: 10,
    repeatable: true,
    retryForMs: 1_000,
    refuse,
    mustWait: (result) => result === 'locked',
    run: async (batch) => {
      const next = left.shift() ?? 'done'
      if (next instanceof Error) throw next
      return batch.map(() => next)
    }
  })
}

for (const [last, error] of [
  ['cannot reach the database', coded('ECONNREFUSED')],
  ['is refused by the database', coded('P0001')]
] as const) {
  test(`in doubt, then locked, then a run that ${last}: the outcome is unknown`, async () => {
    const runs = [coded('57P01'), 'locked', ...Array.from({ length: 50 }, () => error)]
    await expect(batcherOf(runs).request('x')).rejects.toThrow(OutcomeUnknownError)
  })
}

test('in doubt, then locked, then the lease is lost: the outcome is unknown', async () => {
  let hasLease = true
  const batcher = batcherOf([coded('57P01'), 'locked'], () => (hasLease ? null : new LeaseLostError('it ran out')))
  const told = batcher.request('x')
  setTimeout(() => (hasLease = false), 100)
  await expect(told).rejects.toThrow(OutcomeUnknownError)
})

test('in doubt, then locked, then done: the result says that it is in doubt', async () => {
  expect(await batcherOf([coded('57P01'), 'locked', 'done']).request('x')).toMatchObject({
    value: 'done',
    inDoubt: true
  })
})

test('a batcher that gives up answers all at once: what may have been sent is unknown, all else is refused', async () => {
  const batches: (readonly string[])[] = []
  const batcher = new Batcher<string, string>({
    name: 'commit',
    lanes: 1,
    maxBatch: 1,
    repeatable: true,
    retryForMs: 0,
    // Never answered.
    run: (batch) => new Promise(() => void batches.push(batch))
  })
  const [ended, unknown] = [new Error('ended'), new Error('unknown')]
  const answers = [batcher.request('sent'), batcher.request('gathered')]
  await expect.poll(() => batches).toEqual([['sent']])
  batcher.giveUp(ended, unknown)
  answers.push(batcher.request('late'))
  const reasons = (await Promise.allSettled(answers)).map((answer) => answer.status === 'rejected' && answer.reason)
  expect(reasons).toEqual([unknown, ended, ended])
  expect(batches).toHaveLength(1)
})

test('a batcher that has given up tells no one a second time when the answer comes after all', async () => {
  let answer = (): void => undefined
  const batcher = new Batcher<string, string>({
    name: 'commit',
    lanes: 1,
    maxBatch: 10,
    repeatable: true,
    retryForMs: 0,
    run: (batch) => new Promise((resolve) => (answer = () => resolve(batch)))
  })
  const heard: unknown[] = []
  batcher.submit('sent', (settled) => heard.push(settled.ok))
  await new Promise((resolve) => setImmediate(resolve))
  batcher.giveUp(new Error('ended'), new Error('unknown'))
  answer()
  await batcher.whenIdle()
  expect(heard).toEqual([false])
})

test('how long a batch is tried again goes by no clock that can be set back', async () => {
  const { now } = Date
  onTestFinished(() => void (Date.now = now))
  // It is set back as fast as it goes on.
  Date.now = () => 0
  const runs = Array.from({ length: 1_000 }, () => coded('25006'))
  await expect(batcherOf(runs).request('x')).rejects.toThrow(StoreUnavailableError)
})
