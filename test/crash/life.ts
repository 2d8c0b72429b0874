/**
 * The life of a worker, and how what it left is taken over.
 *
 * What can be noticed of a worker from outside is a moment of its life: a statement before the server gets it, its answer
 * before the worker hears it, an effect. What a worker does first when it has heard an answer is the next moment. Between two
 * moments nothing can be noticed: who has died at every moment has died everywhere.
 *
 * Owns: one worker from its job to its end, and the proxy before it. Does not own: processes (workers.ts), what must be so
 * afterwards (promises.ts).
 *
 * Invariants
 * 1. A worker that dies at a statement has had the time to say all that it would say before it hears the answer; but nothing
 *    of it passes to the server any more, nor to it. One that dies in an effect does nothing after it.
 * 2. When a life is over, the server knows it: nothing of the worker is under way any more.
 */
import { randomUUID } from 'node:crypto'
import { setTimeout } from 'node:timers/promises'
import { createRuntime } from '../../src/index.ts'
import { diary } from './family.ts'
import { createOrder, type Report } from './order.ts'
import { openProxy, type Passage } from '../support/proxy.ts'
import type { Call, Scenario } from './scenarios.ts'
import type { Workers } from './workers.ts'

export interface Life {
  /** Of its order. */
  readonly id: string
  /** In words, in order. Where the worker was killed, its death is the last. */
  readonly moments: readonly string[]
  readonly isKilled: boolean
  readonly reports: readonly Report[]
  /** The calls of the scenario that have resolved, and what they resolved to. */
  readonly answers: readonly Answer[]
}

export interface Answer {
  readonly call: Call
  readonly answer: string
}

/** Whether it dies now; asked at each moment, which is the last of `moments`. */
export type Dies = (moments: readonly string[]) => boolean

/**
 * What is a moment of a scenario. Not the answer to what only reads, nor to a statement within a transaction: it leaves the database
 * as it was when it was asked.
 */
export function isMoment({ statement, at, isWithin }: Passage, { passes }: Scenario): boolean {
  if (at === 'answered' && (isWithin || READS.has(statement))) return false
  return !UNCOUNTED.has(statement) || passes.includes(statement)
}

/** Of others, who come to rest after the order. What is not over by then, the checks find. */
const ENDING_MS = 20_000
const LOOK_MS = 10

const READS = new Set(['inbox', 'find_keys', 'known_dedup'])
/** Statements of a node that comes, of new connections (''), and of loops. They count where a scenario is about them. */
const UNCOUNTED = new Set([
  'schema_version',
  'join',
  '',
  'renew',
  'pick',
  'unseen',
  'due_schedules',
  'read',
  'notify',
  'session_state',
  'reset_session'
])

export async function live(
  workers: Workers,
  database: string,
  scenario: Scenario,
  dies: Dies,
  id: string = randomUUID()
): Promise<Life> {
  const moments: string[] = []
  const reports: Report[] = []
  const answers: Answer[] = []
  const worker = workers.next()
  let isCounting = false
  let isDying = false

  /** true: it is the last moment. */
  const isLast = (moment: string): boolean => {
    if (!isCounting || isDying) return false
    moments.push(moment)
    isDying = dies(moments)
    return isDying
  }
  const proxy = await openProxy(database, (passage) => {
    const { statement, at } = passage
    if (isMoment(passage, scenario) && isLast(`${statement} ${at}`)) worker.killWhenIdle()
    return isDying ? 'hold' : 'pass'
  })
  /** The reply to a worker that stands at this moment; undefined: it was the last. */
  const replyAt = (moment: string): unknown => {
    if (!isLast(moment)) return {}
    worker.kill()
    return undefined
  }
  worker.serve((said) => {
    switch (said.kind) {
      case 'ready':
        return { scenario, database: proxy.url, id }
      case 'begin':
        isCounting = true
        return {}
      case 'told':
        answers.push({ call: scenario.calls[said.call] as Call, answer: said.answer })
        return {}
      case 'report':
        reports.push(said.report)
        return replyAt(`${said.report.effect} of '${said.report.step}'`)
      case 'end': {
        const reply = replyAt('the end')
        isCounting = false
        return reply
      }
    }
  })
  const endedWell = await worker.ended
  await proxy.close()
  if (!endedWell && !isDying) throw new Error(`the worker ended by itself: ${moments.join(' → ')}`)
  return { id, moments, isKilled: isDying, reports, answers }
}

/**
 * Another node comes, this process, takes over what a worker left, and is asked again for everything that may be repeated.
 * Then the order is closed. Resolves to what the world has seen of that, once the order has ended, and `isOver`.
 */
export async function takeOver(
  database: string,
  id: string,
  scenario: Scenario,
  isOver = async () => true
): Promise<readonly Report[]> {
  const reports: Report[] = []
  const order = createOrder((report) => reports.push(report))
  await using runtime = createRuntime({
    database,
    machines: [order, diary],
    bounds: scenario.runtime?.bounds ?? {},
    warn: () => undefined
  })
  await runtime.start()
  const actor = await runtime.spawn(order, { id, input: { id }, ifExists: 'return' })
  const ended = new Promise<void>((complete) => actor.subscribe({ complete }))
  for (const call of scenario.calls) {
    if (call.kind === 'send' && call.isRepeatable) await actor.send({ type: call.event }, { dedupKey: call.event })
  }
  await actor.send({ type: 'close' }, { dedupKey: 'close' })
  await ended
  for (const until = Date.now() + ENDING_MS; Date.now() < until && !(await isOver());) await setTimeout(LOOK_MS)
  return reports
}
