/**
 * What must be so of every run, real or simulated, whatever was done to it: the checks a to e, over the history of the run.
 *
 *  a. versions are contiguous, each written once, by one owner;
 *  b. every accepted event is in exactly one of: applied, waiting in the inbox, parked; what was refused is in none of them;
 *     events of one sender are applied in the order sent;
 *  c. replaying the applied events in order through the plain machine gives the stored snapshot;
 *  d. no effect of a transition that is not committed, nor before it is; no committed effect that never ran; each under one key;
 *  e. nothing that could run is left when the run has come to rest; a timer keeps its time, and is not early.
 *
 * While the database loses what it says is committed (`History.losses`, a failover that loses the last commits), what was acknowledged may
 * be gone, and effects of transitions that are gone were seen: the database had said that they are committed, and nobody can know better
 * before it is too late. So an answer of that time claims nothing, and an effect of that time whose transition is not there is left out.
 * All else holds as ever.
 *
 * Owns: the judgement. Does not own: when the run is at rest (whoever runs it waits for that, within a bound), the machines
 * (a Book for each kind of run).
 */
import { isDeepStrictEqual } from 'node:util'
import type { ActorState, Commit, Effect, History, NamedEvent, SendRecord } from './run.ts'
import { isOver, overOf } from './tally.ts'
import { tallyBook } from './tally-book.ts'

/** What the checks must know of the machines of a run. */
export interface Book {
  /** Where the plain machine is after the steps that the actor has taken; in words, where they cannot be taken. */
  replay(
    state: ActorState,
    sent: ReadonlyMap<string, NamedEvent>
  ): { readonly value: unknown; readonly context: unknown } | string
  /** Whether the actor, where it is, could take this event. */
  takes(state: ActorState, event: NamedEvent | undefined): boolean
  isNeverDeferred(event: NamedEvent): boolean
}

/** The kinds of violation, each with the check that it violates. */
const CHECKS = {
  version: 'a',
  lost: 'b',
  doubled: 'b',
  answer: 'b',
  order: 'b',
  replay: 'c',
  uncommitted: 'd',
  unrun: 'd',
  key: 'd',
  stranded: 'e',
  timer: 'e'
} as const

type Kind = keyof typeof CHECKS

export interface Violation {
  readonly check: (typeof CHECKS)[Kind]
  readonly kind: Kind
  readonly actor: string
  readonly says: string
}

/** The database's clock, with fractions, and the workers', in whole milliseconds, tell of the same moments. */
const ROUNDING_MS = 1

type Finding = readonly [kind: Kind, says: string]

export function findViolations(history: History, book: Book = tallyBook): readonly Violation[] {
  const { losses = [] } = history
  const sends = groupBy(
    history.sends.map((send) => withoutClaim(send, losses)),
    ({ actor }) => actor
  )
  const commits = groupBy(history.commits, ({ actor }) => actor)
  const isLost = (effect: Effect): boolean =>
    losses.some(({ from, to }) => effect.at >= from.at && effect.at <= to.at) &&
    !isCommitted(effect, commits.get(effect.actor) ?? [])
  const effects = groupBy(
    history.effects.filter((effect) => !isLost(effect)),
    ({ actor }) => actor
  )
  const isThere = new Set(history.actors.map(({ actor }) => actor))
  const violation = (actor: string, [kind, says]: Finding): Violation => ({ check: CHECKS[kind], kind, actor, says })

  const lost = history.spawns.filter(({ actor, outcome }) => outcome.kind === 'ok' && !isThere.has(actor))
  return [
    ...lost.map(({ actor }) => violation(actor, ['lost', 'was spawned and is not there'])),
    ...history.actors.flatMap((state) => {
      const sent = sends.get(state.actor) ?? []
      const written = commits.get(state.actor) ?? []
      const findings = [
        ...checkVersions(written, state),
        ...checkEvents(sent, state, book),
        ...checkOrder(sent, state, book),
        ...checkReplay(sent, state, book),
        ...checkEffects(effects.get(state.actor) ?? [], written, state),
        ...checkTimers(written),
        ...(state.left === null ? [] : [['stranded', `${state.left}, and nobody sees to it`] as const])
      ]
      return findings.map((finding) => violation(state.actor, finding))
    })
  ]
}

/** What was accepted while commits were lost is there or not, as if nobody had said anything. */
function withoutClaim(send: SendRecord, losses: NonNullable<History['losses']>): SendRecord {
  const { outcome, answeredAt } = send
  const isOfLoss = losses.some(({ from, to }) => answeredAt >= from.monotonicMs && answeredAt <= to.monotonicMs)
  return isOfLoss && outcome.kind === 'ok' ? { ...send, outcome: { kind: 'unknown' } } : send
}

const isCommitted = ({ step, at }: Effect, commits: readonly Commit[]): boolean =>
  commits.some((commit) => commit.taken.includes(step) && commit.at <= at + ROUNDING_MS)

function checkVersions(commits: readonly Commit[], { version, context }: ActorState): readonly Finding[] {
  const found: Finding[] = []
  for (const [index, commit] of commits.entries()) {
    const before = commits[index - 1]?.taken ?? []
    if (commit.version !== index + 1) found.push(['version', `transition ${index + 1} made version ${commit.version}`])
    if (commit.owner === null)
      found.push(['version', `version ${commit.version} was written by nobody who had the lease`])
    if (!isDeepStrictEqual(commit.taken.slice(0, before.length), before))
      found.push(['version', `version ${commit.version} took back what version ${commit.version - 1} had`])
  }
  const last = commits.at(-1)
  if (version !== (last?.version ?? 0))
    found.push(['version', `is at version ${version}, and ${last?.version ?? 0} was written last`])
  if (last && !isDeepStrictEqual(last.taken, context?.taken))
    found.push(['version', 'its row is not what was written last'])
  return found
}

function checkEvents(sends: readonly SendRecord[], state: ActorState, book: Book): readonly Finding[] {
  const { context, inbox, status } = state
  const taken = context?.taken ?? []
  const found: Finding[] = []
  for (const [n, records] of groupBy(sends, ({ event }) => event.n)) {
    const applied = taken.filter((step) => step === n).length
    const waiting = inbox.filter((name) => name === n).length
    const kinds = new Set(records.map(({ outcome }) => outcome.kind))
    const answers = records.flatMap(({ outcome }) => (outcome.kind === 'ok' ? [outcome.answer] : []))
    if (applied + waiting > 1) found.push(['doubled', `'${n}' is there ${applied + waiting} times`])
    if (applied + waiting === 0 && kinds.has('ok')) found.push(['lost', `'${n}' was ${answers.join(', ')} and is lost`])
    if (answers.includes('applied') && applied === 0) found.push(['answer', `'${n}' was said to be applied and is not`])
    if (applied + waiting > 0 && kinds.size === 1 && kinds.has('refused'))
      found.push(['answer', `'${n}' was refused and is there`])
    for (const { outcome } of records) {
      if (outcome.kind === 'refused' && !/^\w+Error$/.test(outcome.error))
        found.push(['answer', `'${n}' failed by ${outcome.error}`])
    }
  }
  const sent = eventsOf(sends)
  for (const step of taken) if (!isOver(step) && !sent.has(step)) found.push(['doubled', `'${step}' was never sent`])
  const isLive = ['ready', 'running', 'waiting'].includes(status)
  for (const n of inbox)
    if (isLive && book.takes(state, sent.get(n))) found.push(['stranded', `'${n}' waits, and could be applied`])
  return found
}

/** Of events that no state puts aside, and that were sent once: one sent again may come after one sent later. */
function checkOrder(sends: readonly SendRecord[], { context }: ActorState, book: Book): readonly Finding[] {
  const taken = context?.taken ?? []
  const tries = groupBy(sends, ({ event }) => event.n)
  const plain = sends.filter(({ event }) => book.isNeverDeferred(event) && tries.get(event.n)?.length === 1)
  return [...groupBy(plain, ({ by }) => by)].flatMap(([by, records]) => {
    const sent = records.toSorted((one, other) => one.order - other.order).map(({ event }) => event.n)
    const applied = taken.filter((step) => sent.includes(step))
    const expected = sent.filter((n) => applied.includes(n))
    return isDeepStrictEqual(applied, expected)
      ? []
      : [['order', `what ${by} sent in order was applied as ${applied.join(', ')}`] as const]
  })
}

function checkReplay(sends: readonly SendRecord[], state: ActorState, book: Book): readonly Finding[] {
  const { context, value, version } = state
  if (context === null) return version === 0 ? [] : [['replay', 'has no snapshot']]
  const replayed = book.replay(state, eventsOf(sends))
  if (typeof replayed === 'string') return [['replay', replayed]]
  const { value: itsValue, context: itsContext } = replayed
  // The stored one has been through JSON.
  const expected: unknown = JSON.parse(JSON.stringify({ value: itsValue, context: itsContext }))
  const there = { value, context }
  return isDeepStrictEqual(expected, there)
    ? []
    : [['replay', `the plain machine is at ${JSON.stringify(expected)}, the row at ${JSON.stringify(there)}`]]
}

function eventsOf(sends: readonly SendRecord[]): ReadonlyMap<string, NamedEvent> {
  return new Map(sends.map(({ event }) => [event.n, event]))
}

function checkEffects(
  effects: readonly Effect[],
  commits: readonly Commit[],
  { status }: ActorState
): readonly Finding[] {
  const found: Finding[] = []
  const committed = new Map<string, Commit>()
  for (const commit of commits) for (const step of commit.taken) if (!committed.has(step)) committed.set(step, commit)

  const keys = new Map<string, string>()
  for (const { step, effect, key, at } of effects) {
    const name = `${effect} effect of '${step}'`
    const commit = committed.get(step)
    if (commit === undefined) found.push(['uncommitted', `the ${name} was seen, and is not committed`])
    else if (at + ROUNDING_MS < commit.at) found.push(['uncommitted', `the ${name} was seen before it was committed`])
    if ((keys.get(name) ?? key) !== key) found.push(['key', `the ${name} ran under two keys`])
    keys.set(name, key)
  }
  if (new Set(keys.values()).size < keys.size) found.push(['key', 'two effects ran under one key'])
  for (const [step, commit] of committed) {
    // Whoever is stopped owes nothing more.
    if (status === 'stopped' && commit === commits.at(-1)) continue
    for (const effect of ['first', 'second']) {
      if (!keys.has(`${effect} effect of '${step}'`))
        found.push(['unrun', `the ${effect} effect of '${step}' never ran`])
    }
  }
  return found
}

/** While what a timer began with is under way, it is due at one time; and what it leads to does not come before. */
function checkTimers(commits: readonly Commit[]): readonly Finding[] {
  const found: Finding[] = []
  const dueAt = new Map<string, number | null>()
  for (const { version, timer, taken } of commits) {
    if (timer === undefined) continue
    const { of } = timer
    if (of !== null && timer.dueAt !== null && (dueAt.get(of) ?? timer.dueAt) !== timer.dueAt)
      found.push(['timer', `version ${version} set the timer of '${of}' anew`])
    if (of !== null && !dueAt.has(of)) dueAt.set(of, timer.dueAt)
    for (const [step, due] of dueAt) {
      if (due !== null && due > timer.now && taken.includes(overOf(step)))
        found.push(['timer', `the timer of '${step}' was early`])
    }
  }
  return found
}

function groupBy<Item>(items: readonly Item[], keyOf: (item: Item) => string): ReadonlyMap<string, readonly Item[]> {
  const groups = new Map<string, Item[]>()
  for (const item of items) {
    const key = keyOf(item)
    const group = groups.get(key)
    if (group) group.push(item)
    else groups.set(key, [item])
  }
  return groups
}
