/** Campaigns that several processes share. */
import { afterAll, expect, test } from 'vitest'
import { testDatabase } from '../support/database.ts'
import type { Job } from './job.ts'
import { shareOut, Worker } from './workers.ts'

const urls = [(await testDatabase()).url, (await testDatabase()).url, (await testDatabase()).url] as const
const oldest = new Worker(urls[0], 'oldest')
const pair = [new Worker(urls[1], 'newest'), new Worker(urls[2], 'newest')]
afterAll(() => Promise.all([oldest, ...pair].map((worker) => worker.end())))

const seeds = [11, 12, 13, 14]
const jobs: readonly Job[] = seeds.map((seed) => ({ do: 'compareRandom', seed, count: 1 }))

test('answers come in the order of the jobs, and do not depend on how many share them', async () => {
  const answers = await shareOut(jobs, pair)
  expect(answers.flatMap(({ findings }) => findings.map(({ name }) => name))).toEqual(
    seeds.map((seed) => `seed ${seed}`)
  )
  expect(await shareOut(jobs, pair.slice(0, 1))).toEqual(answers)
})

test('a worker runs on the release of XState that it was started for', async () => {
  const [answer] = await shareOut(jobs.slice(0, 1), [oldest])
  expect(answer?.release).toMatch(/^5\.20\./)
})

test('a worker that has ended fails what is asked of it', async () => {
  const worker = new Worker(urls[0], 'newest')
  const answer = worker.run(jobs[0] as Job)
  await Promise.all([expect(answer).rejects.toThrow(/abort/), worker.end()])
  await expect(worker.run(jobs[0] as Job)).rejects.toThrow('a worker has ended')
})
