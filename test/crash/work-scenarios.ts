/**
 * Scenarios of work inside a machine, and of commits that reach other rows. Plain data, as scenarios.ts.
 *
 * Their transactions are dissected: BEGIN, each statement, COMMIT, and the answer to that are moments of their own.
 */
import { anOrder, awaitCommit, awaitStep, send, spawn, start, type Scenario } from './scenarios.ts'

/** What nobody was told of, because the answer of the database was lost, is found by a look that is not far. */
const runtime = { poll: 200 }
/** Of every transaction of a commit that reaches other rows. */
const LINKED = ['BEGIN', 'lock_linked', 'commit', 'COMMIT']

export const mailing: Scenario = {
  name: 'an activity fails once and is tried again',
  given: anOrder,
  calls: [send('mail'), awaitStep('mailed')],
  passes: ['commit'],
  steps: ['open', 'mail', 'mailed', 'close']
}

export const booking: Scenario = {
  name: 'a transaction writes to a table of the user, with the transition that it leads to',
  given: anOrder,
  calls: [send('book'), awaitStep('booked')],
  passes: ['BEGIN', 'INSERT', 'SAVEPOINT', 'lock_linked', 'commit', 'COMMIT'],
  steps: ['open', 'book', 'booked', 'close']
}

export const flying: Scenario = {
  name: 'an order has a child, they send each other events, and the child ends',
  runtime,
  given: anOrder,
  calls: [send('fly'), awaitStep('landed')],
  passes: [...LINKED, 'insert', 'pick', 'signal', 'inbox', 'count_ends'],
  steps: ['open', 'fly', 'boarded', 'landed', 'close']
}

export const packing: Scenario = {
  name: 'three children are brought into being and joined',
  runtime,
  given: anOrder,
  calls: [send('pack'), awaitStep('packed')],
  passes: [...LINKED, 'insert', 'open_joins', 'pick', 'lock_joins', 'count_ends', 'signal'],
  steps: ['open', 'pack', 'packed', 'close']
}

export const leaving: Scenario = {
  name: 'an order leaves three children, while they end',
  runtime,
  given: [...anOrder, send('stack'), awaitCommit, { kind: 'await parcels' }],
  calls: [{ kind: 'leave while parcels end' }, send('leave')],
  passes: [...LINKED, 'lock_joins', 'count_ends'],
  steps: ['open', 'stack', 'packed', 'leave', 'close'],
  optional: ['packed']
}

export const telling: Scenario = {
  name: 'an order sends events to an actor that is none of its children, by key',
  runtime,
  given: [start, { kind: 'spawn diary' }, awaitCommit, spawn, awaitCommit, awaitCommit],
  calls: [send('tell'), { kind: 'await diary' }],
  passes: [...LINKED, 'signal', 'inbox'],
  steps: ['open', 'tell', 'close']
}
