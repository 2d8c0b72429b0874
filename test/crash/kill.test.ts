/** `kill -9` at every moment of a node's life. */
import { afterAll, beforeAll, expect, test } from 'vitest'
import { dieAtEveryMoment } from './every-moment.ts'
import { live, takeOver, type Life } from './life.ts'
import { expectCompleteness, expectPassage, expectTruth, tellMoments } from './promises.ts'
import { openDatabase, readRecord } from './record.ts'
import { queueing, sending, snoozing, spawning, takingOver, waking, working } from './scenarios.ts'
import { Workers } from './workers.ts'

/** A process is started for every moment, on a machine that may be busy. */
const timeout = 180_000

const workers = new Workers()
beforeAll(() => workers.open())
afterAll(() => workers.close())

/** A worker takes everything of its queue that it finds: each test has a database of its own. */
const stages = await Promise.all(
  [spawning, sending, waking, queueing, working, snoozing].map(async (scenario) => {
    return { scenario, database: await openDatabase() }
  })
)
const [relay, workshop, alarmClock] = [await openDatabase(), await openDatabase(), await openDatabase()]

for (const { scenario, database } of stages) {
  test.concurrent(`a node may die at every moment while ${scenario.name}`, { timeout }, () =>
    dieAtEveryMoment(workers, database, scenario)
  )
}

// Each dies a moment later than the one before; from the first moment on again, once one of them has taken a step.
test.concurrent('nodes may die at every moment while they take over from each other', { timeout }, async () => {
  const abandoned = await live(workers, relay.url, working, (moments) => moments.at(-1) === "charge of 'pay'")
  const lives = [abandoned]
  let { steps } = await readRecord(relay, abandoned.id)
  for (let last = 1; lives.at(-1)?.isKilled; last++) {
    const life = await live(workers, relay.url, takingOver, (moments) => moments.length === last, abandoned.id)
    const left = await readRecord(relay, life.id)
    await tellMoments(life, () => expectTruth(life, left, takingOver))
    lives.push(life)
    if (left.steps.length > steps.length) last = 0
    steps = left.steps
  }
  expectPassage(lives.at(-1) as Life, ['reap', 'pick', 'expire'])
  const reports = await takeOver(relay.url, abandoned.id, takingOver)
  expectCompleteness(lives, reports, await readRecord(relay, abandoned.id), takingOver)
})

test.concurrent('work that was under way runs again, under the same key', { timeout }, async () => {
  const life = await live(workers, workshop.url, working, (moments) => moments.at(-1) === "charge of 'pay'")
  expect(await takeOver(workshop.url, life.id, working)).toContainEqual(life.reports.at(-1))
})

test.concurrent('a timer that falls due while nothing runs fires once, when a node comes', { timeout }, async () => {
  const life = await live(
    workers,
    alarmClock.url,
    snoozing,
    (moments) => moments.at(-1) === "second action of 'snooze'"
  )
  await alarmClock.sql('select pg_sleep_until(timer_at) from perdure.actor where id = $1', [life.id])
  expect((await readRecord(alarmClock, life.id)).steps).toEqual(['open', 'snooze'])

  const reports = await takeOver(alarmClock.url, life.id, snoozing)
  expectCompleteness([life], reports, await readRecord(alarmClock, life.id), snoozing)
})
