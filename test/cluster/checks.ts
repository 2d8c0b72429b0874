/**
 * What must be so of every run, whatever was done to it: the checks a to e, over the history of the run.
 *
 *  a. versions are contiguous, each written once, by one owner;
 *  b. every accepted event is in exactly one of: applied, waiting in the inbox, parked; what was refused is in none of them;
 *     events of one sender are applied in the order sent;
 *  c. replaying the applied events in order through the plain machine gives the stored snapshot;
 *  d. no effect of a transition that is not committed, nor before it is; no committed effect that never ran; each under one key;
 *  e. nothing that could run is left when the run has come to rest.
 *
 * Owns: the judgement. Does not own: when the run is at rest (cluster.ts waits for that, within a bound).
 */
import { isDeepStrictEqual } from 'node:util'
import { initialTransition, transition, type AnyEventObject } from 'xstate'
import type { ActorState, Commit, Effect, History, SendRecord } from './history.ts'
import { createTally, isOver, type TallyEvent } from './tally.ts'

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
  stranded: 'e'
} as const

type Kind = keyof typeof CHECKS

export interface Violation {
  readonly check: (typeof CHECKS)[Kind]
  readonly kind: Kind
  readonly actor: string
  readonly says: string
}

type Finding = readonly [kind: Kind, says: string]

export function findViolations(history: History): readonly Violation[] {
  const sends = groupBy(history.sends, ({ actor }) => actor)
  const effects = groupBy(history.effects, ({ actor }) => actor)
  const commits = groupBy(history.commits, ({ actor }) => actor)
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
        ...checkEvents(sent, state),
        ...checkOrder(sent, state),
        ...checkReplay(sent, state),
        ...checkEffects(effects.get(state.actor) ?? [], written),
        ...(state.left === null ? [] : [['stranded', `${state.left}, and nobody sees to it`] as const])
      ]
      return findings.map((finding) => violation(state.actor, finding))
    })
  ]
}

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

function checkEvents(sends: readonly SendRecord[], { context, inbox, status }: ActorState): readonly Finding[] {
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
  const sent = new Set(sends.map(({ event }) => event.n))
  for (const step of taken) if (!isOver(step) && !sent.has(step)) found.push(['doubled', `'${step}' was never sent`])
  // In the end each state takes every event.
  const mayApply = ['ready', 'running', 'waiting'].includes(status)
  for (const n of inbox) if (mayApply) found.push(['stranded', `'${n}' waits, and could be applied`])
  return found
}

/** Of events that no state puts aside, and that were sent once: one sent again may come after one sent later. */
function checkOrder(sends: readonly SendRecord[], { context }: ActorState): readonly Finding[] {
  const taken = context?.taken ?? []
  const tries = groupBy(sends, ({ event }) => event.n)
  const plain = sends.filter(({ event }) => event.type === 'add' && tries.get(event.n)?.length === 1)
  return [...groupBy(plain, ({ by }) => by)].flatMap(([by, records]) => {
    const sent = records.toSorted((one, other) => one.order - other.order).map(({ event }) => event.n)
    const applied = taken.filter((step) => sent.includes(step))
    const expected = sent.filter((n) => applied.includes(n))
    return isDeepStrictEqual(applied, expected)
      ? []
      : [['order', `what ${by} sent in order was applied as ${applied.join(', ')}`] as const]
  })
}

const plain = createTally(() => undefined)

function checkReplay(sends: readonly SendRecord[], { context, value, version }: ActorState): readonly Finding[] {
  if (context === null) return version === 0 ? [] : [['replay', 'has no snapshot']]
  const sent = new Map(sends.map(({ event }) => [event.n, event]))
  let [snapshot] = initialTransition(plain)
  for (const step of context.taken) {
    const event = isOver(step) ? endOf(snapshot.value) : sent.get(step)
    if (event === undefined) return [['replay', `'${step}' cannot come after ${JSON.stringify(snapshot.value)}`]]
    ;[snapshot] = transition(plain, snapshot, event as TallyEvent)
  }
  const replayed = { value: snapshot.value, context: snapshot.context }
  // The stored one has been through JSON.
  return isDeepStrictEqual(JSON.parse(JSON.stringify(replayed)), { value, context })
    ? []
    : [
        [
          'replay',
          `the plain machine is at ${JSON.stringify(replayed)}, the row at ${JSON.stringify({ value, context })}`
        ]
      ]
}

function endOf(value: unknown): AnyEventObject | undefined {
  if (value === 'working') return { type: 'xstate.done.actor.labour', output: undefined, actorId: 'labour' }
  return value === 'napping' ? { type: 'xstate.after.nap.tally.napping' } : undefined
}

/** The database's clock, with fractions, and the workers', in whole milliseconds, tell of the same moments. */
const ROUNDING_MS = 1

function checkEffects(effects: readonly Effect[], commits: readonly Commit[]): readonly Finding[] {
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
  for (const step of committed.keys()) {
    for (const effect of ['first', 'second']) {
      if (!keys.has(`${effect} effect of '${step}'`))
        found.push(['unrun', `the ${effect} effect of '${step}' never ran`])
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
