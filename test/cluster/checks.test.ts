/** The check of the checker: what is planted is found, and nothing else is. */
import { expect, test } from 'vitest'
import { findViolations, type Violation } from '../support/checks.ts'
import type { ActorState, Commit, Effect, History, Outcome, SendRecord } from '../support/run.ts'
import type { TallyEvent } from '../support/tally.ts'

const actor = 'an actor'
const ok: Outcome = { kind: 'ok', answer: 'applied' }
const refused: Outcome = { kind: 'refused', error: 'StoreUnavailableError' }

function send(order: number, event: TallyEvent, outcome: Outcome = ok, by = 'somebody'): SendRecord {
  return { by, actor, event, order, outcome, askedAt: 0, answeredAt: 0 }
}

const commit = (version: number, ...taken: readonly string[]): Commit => ({
  actor,
  version,
  owner: 'a node',
  at: version * 10,
  taken
})

const effects = (version: number, step: string): readonly Effect[] =>
  (['first', 'second'] as const).map((effect, index) => ({
    at: version * 10 + 1,
    node: 'a node',
    actor,
    step,
    effect,
    key: `${actor}:${version}:${index}`
  }))

const row: ActorState = {
  actor,
  status: 'waiting',
  version: 4,
  value: 'open',
  context: { taken: ['a', 'w', 'w!'], busy: null },
  inbox: [],
  left: null
}

/** Born, then `add`, `work` and its end. */
const sound: History = {
  spawns: [{ actor, outcome: { kind: 'ok', answer: 'spawned' } }],
  sends: [send(0, { type: 'add', n: 'a' }), send(1, { type: 'work', n: 'w', ms: 5 })],
  effects: [...effects(2, 'a'), ...effects(3, 'w'), ...effects(4, 'w!')],
  commits: [commit(1), commit(2, 'a'), commit(3, 'a', 'w'), commit(4, 'a', 'w', 'w!')],
  actors: [row]
}

const kindsOf = (history: History): readonly Violation['kind'][] => [
  ...new Set(findViolations(history).map(({ kind }) => kind))
]

test('a run in which all is well has no violations', () => {
  expect(findViolations(sound)).toEqual([])
})

const planted: readonly (readonly [what: string, kind: Violation['kind'], Partial<History>])[] = [
  ['a version that is missing', 'version', { commits: sound.commits.filter(({ version }) => version !== 1) }],
  ['a version that was written twice', 'version', { commits: [...sound.commits, commit(4, 'a', 'w', 'w!')] }],
  ['a version without an owner', 'version', { commits: sound.commits.map((one) => ({ ...one, owner: null })) }],
  ['a row that is behind its last commit', 'version', { actors: [{ ...row, version: 3 }] }],
  ['an accepted event that is nowhere', 'lost', { sends: [...sound.sends, send(2, { type: 'add', n: 'b' })] }],
  ['a spawned actor that is nowhere', 'lost', { spawns: [{ actor: 'another', outcome: ok }] }],
  ['an event that is applied and waits', 'doubled', { actors: [{ ...row, status: 'parked', inbox: ['a'] }] }],
  ['an event that nobody sent', 'doubled', { sends: sound.sends.slice(1) }],
  [
    'a refused event that is applied',
    'answer',
    { sends: sound.sends.map((one) => (one.event.n === 'a' ? { ...one, outcome: refused } : one)) }
  ],
  [
    'a call that failed by an error of no type of ours',
    'answer',
    { sends: [...sound.sends, send(2, { type: 'add', n: 'b' }, { kind: 'refused', error: 'TypeError: x' })] }
  ],
  ['an event that waits although it could be applied', 'stranded', { actors: [{ ...row, inbox: ['b'] }] }],
  ['an actor that has something to do', 'stranded', { actors: [{ ...row, left: 'is ready' }] }],
  ['a snapshot that the events do not lead to', 'replay', { actors: [{ ...row, value: 'working' }] }],
  ['an effect that is not committed', 'uncommitted', { effects: [...sound.effects, ...effects(5, 'b')] }],
  [
    'an effect that was seen before its commit',
    'uncommitted',
    { effects: sound.effects.map((one) => ({ ...one, at: one.at - 5 })) }
  ],
  ['a committed effect that never ran', 'unrun', { effects: sound.effects.slice(1) }],
  [
    'an effect that ran under two keys',
    'key',
    { effects: [...sound.effects, ...effects(2, 'a').map((one) => ({ ...one, key: `${one.key} again` }))] }
  ],
  [
    'a timer that was set anew while its actor slept',
    'timer',
    { commits: sound.commits.map((one) => ({ ...one, timer: { of: 'w', dueAt: 50 + one.version, now: 90 } })) }
  ],
  [
    'a timer that was early',
    'timer',
    { commits: sound.commits.map((one) => ({ ...one, timer: { of: 'w', dueAt: 50, now: 49 } })) }
  ],
  [
    'two effects under one key',
    'key',
    { effects: sound.effects.map((one) => (one.step === 'w' ? { ...one, key: `${actor}:2:0` } : one)) }
  ]
]

test.each(planted)('%s is found', (_, kind, change) => {
  expect(kindsOf({ ...sound, ...change })).toContain(kind)
})

test('events of one sender that were applied in another order are found, those of two senders are not', () => {
  const context = { taken: ['b', 'a'], busy: null }
  const swapped = (by: string): History => ({
    ...sound,
    sends: [send(0, { type: 'add', n: 'a' }), send(1, { type: 'add', n: 'b' }, ok, by)],
    effects: [...effects(2, 'b'), ...effects(3, 'a')],
    commits: [commit(1), commit(2, 'b'), commit(3, 'b', 'a')],
    actors: [{ ...row, version: 3, context }]
  })
  expect(kindsOf(swapped('somebody'))).toEqual(['order'])
  expect(kindsOf(swapped('somebody else'))).toEqual([])
})

test('an event whose answer is unknown may be there or not', () => {
  const unknown: Outcome = { kind: 'unknown' }
  const sends = sound.sends.map((one) => ({ ...one, outcome: unknown }))
  expect(findViolations({ ...sound, sends: [...sends, send(2, { type: 'add', n: 'b' }, unknown)] })).toEqual([])
})

const moment = (at: number) => ({ at, monotonicMs: at })
const losses = [{ from: moment(30), to: moment(60) }]
const accepted = (n: string, answeredAt: number): SendRecord => ({ ...send(2, { type: 'add', n }), answeredAt })

test('what was accepted, and seen, while the database lost commits may be gone', () => {
  const lost = effects(5, 'b').map((one) => ({ ...one, key: `${actor}:4:0` }))
  const history = { ...sound, sends: [...sound.sends, accepted('b', 55)], effects: [...sound.effects, ...lost], losses }
  expect(findViolations(history)).toEqual([])
  expect(kindsOf({ ...history, losses: [] })).toEqual(['lost', 'answer', 'uncommitted', 'key'])
})

test('what was accepted, or seen, before or after that must be there, also what was accepted again', () => {
  const kindsWith = (sends: readonly SendRecord[], seen: readonly Effect[] = []): readonly Violation['kind'][] =>
    kindsOf({ ...sound, sends: [...sound.sends, ...sends], effects: [...sound.effects, ...seen], losses })
  expect(kindsWith([accepted('b', 25)])).toEqual(['lost', 'answer'])
  expect(kindsWith([accepted('b', 55), accepted('b', 65)])).toEqual(['lost', 'answer'])
  expect(kindsWith([accepted('b', 55)], effects(7, 'b'))).toEqual(['uncommitted'])
})

test('a committed effect whose transition was lost and came again must have run again', () => {
  const early = effects(4, 'w!').map((one) => ({ ...one, at: 35 }))
  expect(kindsOf({ ...sound, effects: [...sound.effects.slice(0, 4), ...early], losses })).toEqual(['unrun'])
})

test('an effect may be seen again, elsewhere, under its key', () => {
  const again = sound.effects.map((one) => ({ ...one, at: one.at + 100, node: 'another node' }))
  expect(findViolations({ ...sound, effects: [...sound.effects, ...again] })).toEqual([])
})
