/**
 * What must be so of an order after its worker was killed, and once another node has taken it over.
 */
import { expect } from 'vitest'
import { isOfFlight } from './family.ts'
import type { Report, Step } from './order.ts'
import type { Answer, Life } from './life.ts'
import type { OrderRecord } from './record.ts'
import type { Scenario } from './scenarios.ts'

/** At the moment of death: the state is that before a transition or that after it, and all that was said is true. */
export function expectTruth(life: Life, left: OrderRecord, { steps }: Scenario): void {
  expectWholeTransitions(left)
  expect(
    steps.filter((step) => left.steps.includes(step)),
    'steps are taken in order'
  ).toEqual(left.steps)

  const seen = life.reports.map(({ step }) => step).filter((step) => !isOfFlight(step))
  expect(left.steps, 'whose effects were seen is committed').toEqual(expect.arrayContaining(seen))

  const accepted: readonly string[] = [...left.steps, ...left.inbox]
  for (const { call, answer } of life.answers) {
    if (call.kind === 'spawn') expect(left.status, 'what was spawned exists').not.toBeNull()
    else if (call.kind === 'await step') expect(left.steps, 'what was shown is committed').toContain(call.step)
    else if (call.kind === 'send') {
      expect(answer === 'applied' ? left.steps : accepted, `what was ${answer} is durable`).toContain(call.event)
    }
  }
  for (const event of left.inbox) expect(left.steps, 'what waits is not applied').not.toContain(event)
  expect(accepted, 'a dedup key is known with its event').toEqual(expect.arrayContaining([...left.dedupKeys]))
}

/** In the end: every event was applied once, and every effect ran, under one key however often. */
export function expectCompleteness(
  lives: readonly Life[],
  heirReports: readonly Report[],
  end: OrderRecord,
  scenario: Scenario
): void {
  const answers = lives.flatMap((life) => life.answers)
  expectWholeTransitions(end)
  expect(end).toMatchObject({ status: 'done', inbox: [] })
  expect(end.steps, 'every event is applied once').toEqual(
    scenario.steps.filter((step) => end.steps.includes(step) || !mayBeMissing(step, answers, scenario))
  )

  const keys = new Map<string, Set<unknown>>()
  for (const { step, effect, key } of [...lives.flatMap((life) => life.reports), ...heirReports]) {
    const name = `${effect} of '${step}'`
    keys.set(name, (keys.get(name) ?? new Set()).add(key))
  }
  expect([...keys.keys()].toSorted(), 'every effect has run').toEqual(end.steps.flatMap(effectsOf).toSorted())
  for (const [name, { size }] of keys) expect(size, `${name} has one key`).toBe(1)
  expect(new Set([...keys.values()].flatMap((set) => [...set])).size, 'effects have keys of their own').toBe(keys.size)

  expectPunctuality(end)
  expectAttempts([...lives.flatMap((life) => life.reports), ...heirReports], end)
}

/** The life has passed these statements: it was a life in which there was something to break. */
export function expectPassage({ moments }: Life, statements: readonly string[]): void {
  expect(moments).toEqual(expect.arrayContaining(statements.map((name) => `${name} asked`)))
}

function expectWholeTransitions({ transitions }: OrderRecord): void {
  expect(
    transitions.map(({ version }) => version),
    'each version is written once'
  ).toEqual(transitions.map((_, index) => index + 1))
  for (const [index, { steps }] of transitions.entries()) {
    const before = transitions[index - 1]?.steps ?? []
    expect(steps.slice(0, before.length), 'a transition keeps what was before').toEqual(before)
  }
}

/** What may come or not; and what may not be sent again, and was not answered before the sender died: nobody was promised anything. */
function mayBeMissing(step: Step, answers: readonly Answer[], { calls, optional }: Scenario): boolean {
  if (optional?.includes(step)) return true
  const call = calls.find((call) => call.kind === 'send' && call.event === step && !call.isRepeatable)
  return call !== undefined && !answers.some((answered) => answered.call === call)
}

const WITH_SECOND_ACTION = new Set<Step>([
  'open',
  'noteA',
  'noteB',
  'pay',
  'charged',
  'ship',
  'snooze',
  'ring',
  'close'
])

function effectsOf(step: Step): readonly string[] {
  const more: Readonly<Partial<Record<Step, readonly string[]>>> = {
    pay: ["charge of 'pay'"],
    mail: ["attempt of 'mail'"],
    // Those of the flight.
    boarded: ["first action of 'takeOff'"],
    landed: ["first action of 'land'"]
  }
  const second = WITH_SECOND_ACTION.has(step) ? [`second action of '${step}'`] : []
  return [`first action of '${step}'`, ...second, ...(more[step] ?? [])]
}

/** An attempt that failed is followed by the next, whoever makes it; one that was cut off is repeated under its own number. */
function expectAttempts(reports: readonly Report[], { steps }: OrderRecord): void {
  const attempts = new Set(reports.flatMap(({ attempt }) => attempt ?? []))
  expect(attempts, 'the second attempt succeeds').toEqual(new Set(steps.includes('mailed') ? [1, 2] : []))
}

/** A timer fires when it is due, by the database's clock, or later. */
function expectPunctuality({ transitions }: OrderRecord): void {
  const rung = transitions.findIndex(({ steps }) => steps.at(-1) === 'ring')
  if (rung < 1) return
  const dueAt = transitions[rung - 1]?.timerAt ?? Infinity
  expect(transitions[rung]?.committedAt, 'the timer is not early').toBeGreaterThanOrEqual(dueAt)
}

/** Where a check fails, says at which moment it happened that it should not have mattered. */
export async function tellMoments({ moments }: Life, check: () => Promise<void> | void): Promise<void> {
  try {
    await check()
  } catch (cause) {
    throw new Error(`what happened last made a difference: ${moments.join(' → ')}`, { cause })
  }
}
