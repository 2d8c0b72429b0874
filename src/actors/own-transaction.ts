/**
 * A `transaction` step: the user's statements, and the turn in which the machine hears of their result, in one transaction.
 *
 *     begin ──► the user's function ──► its result, as an entry of its own turn ──► that turn's commit ──► COMMIT ──► as any commit
 *                  └─ throws: rolled back, the promise is rejected      └─ the state was left, the actor is gone: rolled back
 *
 * Owns: the life of that transaction. Does not own: the connection (the store), the turn (actor.ts).
 *
 * Invariants
 * 1. The turn is committed in the transaction, or nothing of either stands.
 * 2. A connection that is lost before the turn is no failure of the step: nothing of it stands, and it begins again.
 * 3. The transaction ends, whatever becomes of its actor and of the user's function: who stops the work, or drops the tree, aborts its
 *    signal.
 * 4. What fails after the turn for a lasting reason is no race: it counts as a fault of the actor.
 */
import { PerdureError } from '../errors.ts'
import { Throttled } from '../logics/throttled.ts'
import { AbandonedError, classifyError } from '../persistence/transient-errors.ts'
import type { Commit, CommitResult, Store } from '../persistence/store.ts'
import { transactionOf, type CommitSettled, type Entry, type OwnTransaction } from './mailbox.ts'

export interface TransactionStep {
  readonly store: Pick<Store, 'transact'>
  readonly node: string
  /** The user's function. */
  readonly work: (client: unknown) => Promise<unknown>
  readonly signal: AbortSignal
  /** false: a commit of the actor is under way, or waits, which this transaction might keep waiting for ever. */
  readonly isFree: () => boolean
  /** Has the actor take the result, in a turn of its own. */
  readonly deliver: (result: unknown, transaction: OwnTransaction) => void
}

/** What the actor knows of it. */
export type OwnStep = Pick<TransactionStep, 'work' | 'signal' | 'deliver'>

/** Where all share one connection, and the actor was busy. */
const BUSY_PAUSE_MS = 20
/** Where the connection was lost, or could not be had. */
const AWAY_PAUSE_MS = 250

/**
 * Resolves when the turn is committed, or the actor has been told that it is not. Rejects with what the work rejects with, or with
 * Throttled where the step is to begin again.
 */
export async function runTransactionStep({
  store,
  node,
  work,
  signal,
  isFree,
  deliver
}: TransactionStep): Promise<void> {
  let turn: Turn | undefined
  let result: CommitResult | undefined
  let hasBegun = false
  try {
    await store.transact(async (client, commit, check) => {
      signal.throwIfAborted()
      hasBegun = true
      const output = await untilAborted(work(client), signal)
      await check()
      if (!isFree()) throw new Throttled(BUSY_PAUSE_MS)
      turn = new Turn(signal)
      deliver(output, turn)
      result = await commit(node, await turn.commitOfTurn)
    })
  } catch (error) {
    if (error instanceof AbandonedError) throw error.cause
    if (!turn?.isUnderWay) throw isAway(error, hasBegun) ? new Throttled(AWAY_PAUSE_MS) : error
    // The machine has taken its turn, and is now ahead of its row: that is for the actor to mend, from the row.
    return turn.settle({ ok: false, error })
  }
  if (result === undefined || result.kind === 'locked') turn?.settle({ ok: false, error: new RowLockedError() })
  else turn?.settle({ ok: true, value: result, inDoubt: false })
}

/** Rejects with AbandonedError where nobody wants the work any more, whatever that is doing. */
async function untilAborted<Output>(work: Promise<Output>, signal: AbortSignal): Promise<Output> {
  let abandon = (): void => undefined
  const abandoned = new Promise<never>((_, reject) => {
    abandon = () => reject(new AbandonedError(signal.reason))
    signal.addEventListener('abort', abandon, { once: true })
  })
  try {
    return await Promise.race([work, abandoned])
  } finally {
    signal.removeEventListener('abort', abandon)
  }
}

/** Whether the database is to blame. That it cannot be reached may, once the work has begun, be said of another one. */
function isAway(error: unknown, hasBegun: boolean): boolean {
  const kind = classifyError(error)
  return kind === 'lost' || (kind === 'unavailable' && !hasBegun)
}

/** Whether the turn of a step could not be committed, and would not be if it began again. */
export function failsForGood([entry]: readonly Entry[], error: unknown): boolean {
  return transactionOf(entry) !== undefined && !(error instanceof PerdureError) && classifyError(error) === 'fatal'
}

class RowLockedError extends Error {
  /** Postgres for "lock not available". */
  readonly code = '55P03'
  constructor() {
    super('the row of the actor is locked by somebody else; the step begins again')
  }
}

class Turn implements OwnTransaction {
  readonly #signal: AbortSignal
  readonly commitOfTurn: Promise<Commit>
  #resolve: (commit: Commit) => void = () => undefined
  #reject: (error: unknown) => void = () => undefined
  #settle: ((settled: CommitSettled) => void) | null = null
  #isGivenUp = false

  constructor(signal: AbortSignal) {
    this.#signal = signal
    this.commitOfTurn = new Promise((resolve, reject) => {
      this.#resolve = resolve
      this.#reject = reject
    })
    const giveUp = (): void => this.giveUp(signal.reason)
    if (signal.aborted) giveUp()
    else signal.addEventListener('abort', giveUp, { once: true })
  }

  get isUnderWay(): boolean {
    return this.#settle !== null
  }

  get isOpen(): boolean {
    return !this.#isGivenUp && !this.isUnderWay && !this.#signal.aborted
  }

  commit(commit: Commit, settle: (settled: CommitSettled) => void): void {
    this.#settle = settle
    this.#resolve(commit)
  }

  giveUp(error: unknown): void {
    this.#isGivenUp = true
    this.#reject(error)
  }

  settle(settled: CommitSettled): void {
    this.#settle?.(settled)
  }
}
