/**
 * The store as the actors use it: every call joins the batch of its kind.
 *
 * Owns: one batcher for each operation, and finding out what became of a commit or a spawn whose answer was lost.
 * Does not own: statements (the store), gathering and retries (group-commit.ts).
 *
 * Invariants
 * 1. Nothing is written under a lease that this node may have lost: `refuse` is asked before every batch.
 * 2. 'stale' is never guessed: after a lost connection the row is read before anybody is told so.
 * 3. 'inserted' is never guessed: a row that a repeated spawn finds is its own only if nobody else can know its id.
 */
import { OutcomeUnknownError } from '../errors.ts'
import type { Telemetry } from '../telemetry/telemetry.ts'
import { Batcher, type Settled } from './group-commit.ts'
import type { Cancellation, CancelResult, RetryResult } from './operator.ts'
import type { ScheduleStore } from './schedules.ts'
import type {
  ActorRow,
  ClaimResult,
  Commit,
  CommitAnswer,
  CommitResult,
  Locked,
  InsertResult,
  NewActor,
  NewSignal,
  SignalResult,
  Store
} from './store.ts'
import { isTerminal } from './store.ts'

export interface BatchedStoreOptions {
  readonly store: Store
  readonly node: string
  readonly telemetry: Telemetry
  readonly inboxLimit: number
  /** Why this node may not write now; null while its lease holds. */
  readonly refuse: () => Error | null
  readonly retryForMs: number
  /** A commit is in the database that may have given up the lease of its row, which wakes at a time. */
  readonly onLetGo?: (commit: Commit) => void
}

/** `unknown`: a row with this id exists, and it cannot be told whether this spawn or another one made it. */
export type SpawnAnswer = InsertResult | { readonly kind: 'unknown'; readonly id: string; readonly machine: string }

/** Statements of commits under way at once: two keep the database busy while this process computes. */
const COMMIT_LANES = 2
const MAX_BATCH = 500
const CANCEL_LANES = 4

/** That a row is locked is never told: whoever wants it waits here. */
const isLocked = ({ kind }: { readonly kind: string }): boolean => kind === 'locked'

export class BatchedStore {
  readonly #options: BatchedStoreOptions
  readonly #commits: Batcher<Commit, CommitResult>
  /** Those that reach other rows, so that no plain one waits for them. */
  readonly #linkedCommits: Batcher<Commit, CommitResult>
  readonly #inserts: Batcher<Spawn, readonly InsertResult[] | Locked>
  readonly #claims: Batcher<string, ClaimResult | Locked>
  readonly #signals: Batcher<NewSignal, SignalResult | Locked>
  readonly #reads: Batcher<string, ActorRow | null>
  readonly #keys: Batcher<string, string | null>
  readonly #cancels: Batcher<Cancellation, CancelResult>
  readonly #retries: Batcher<string, RetryResult>
  readonly #schedules: Batcher<(schedules: ScheduleStore) => Promise<unknown>, unknown>
  readonly #lists: Batcher<(schedules: ScheduleStore) => Promise<unknown>, unknown>
  readonly #dedup: Batcher<{ readonly actorId: string; readonly dedupKey: string }, boolean>

  constructor(options: BatchedStoreOptions) {
    this.#options = options
    const { store, node, telemetry, inboxLimit, refuse, retryForMs } = options
    const common = {
      lanes: 1,
      maxBatch: MAX_BATCH,
      repeatable: true,
      retryForMs,
      onRetry: (rows: number, error: unknown) => telemetry.emit('commit.retried', { rows, reason: error })
    }
    const committing = {
      ...common,
      name: 'commit',
      lanes: COMMIT_LANES,
      refuse,
      run: (commits: readonly Commit[]) => store.commit(node, commits),
      sizeOf: sizeOfCommit,
      mustWait: isLocked,
      judge: (commit: Commit, result: CommitResult) => this.#judge(commit, result),
      onFlush: (rows: number, durationMs: number) => telemetry.emit('commit.flush', { rows, durationMs })
    }
    this.#commits = new Batcher(committing)
    this.#linkedCommits = new Batcher(committing)
    this.#inserts = new Batcher({
      ...common,
      name: 'spawn',
      run: (spawns) => insertAll(store, spawns),
      sizeOf: ({ actors }) => actors.reduce((sum, { input }) => sum + (input?.length ?? 0), 0),
      mustWait: (answer) => 'kind' in answer
    })
    this.#claims = new Batcher({
      ...common,
      name: 'claim',
      refuse,
      run: (ids) => store.claim(node, ids),
      mustWait: isLocked
    })
    // Without a dedup key a signal that is sent again would be there twice, so a lost answer stays unknown.
    this.#signals = new Batcher({
      ...common,
      name: 'send',
      repeatable: false,
      sizeOf: ({ event }) => event.length,
      run: (signals) => store.signal(signals, inboxLimit),
      mustWait: isLocked,
      // A sender's events for an actor keep their order.
      keyOf: ({ actorId }) => actorId
    })
    const reading = { ...common, onlyReads: true }
    this.#reads = new Batcher({ ...reading, name: 'read', run: (ids) => store.read(ids) })
    this.#keys = new Batcher({ ...reading, name: 'look-up', run: (keys) => store.findKeys(keys) })
    // Each waits for the rows that it needs, however long somebody keeps them locked.
    const cancelling = each((one: Cancellation) => store.cancel(one))
    this.#cancels = new Batcher({ ...common, name: 'cancel', ...cancelling, lanes: CANCEL_LANES })
    this.#retries = new Batcher({ ...common, name: 'retry', ...each((id: string) => store.retry(id)) })
    const scheduling = each((run: (schedules: ScheduleStore) => Promise<unknown>) => run(store.schedules))
    this.#schedules = new Batcher({ ...common, name: 'a schedule', ...scheduling })
    this.#lists = new Batcher({ ...reading, name: 'schedules', ...scheduling })
    this.#dedup = new Batcher({ ...reading, name: 'look-up', run: (pairs) => store.knownDedup(pairs) })
  }

  commit(commit: Commit, settle: (settled: Settled<CommitAnswer>) => void): void {
    const batcher = commit.outgoing === undefined ? this.#commits : this.#linkedCommits
    const answer = settle as (settled: Settled<CommitResult>) => void
    const { onLetGo } = this.#options
    const mayLetGo = commit.release ? commit.timerAt !== null : commit.retryInMs !== null
    if (onLetGo === undefined || !mayLetGo) return batcher.submit(commit, answer)
    batcher.submit(commit, (settled) => {
      answer(settled)
      if (settled.ok && settled.value.kind === 'committed') onLetGo(commit)
    })
  }

  claim(id: string, settle: (settled: Settled<ClaimResult>) => void): void {
    this.#claims.submit(id, settle as (settled: Settled<ClaimResult | Locked>) => void)
  }

  /** The row again, of an actor that this node has; null: it is not this node's any more. */
  async reclaim(id: string): Promise<Extract<ClaimResult, { kind: 'claimed' }>['row'] | null> {
    const { value } = await this.#claims.request(id)
    return value.kind === 'claimed' ? value.row : null
  }

  /**
   * One statement for the whole list, shared with others that are spawned at this moment. `isFresh`: whether the id at a
   * place in the list was made for this very call.
   */
  async insert(actors: readonly NewActor[], isFresh: (index: number) => boolean): Promise<readonly SpawnAnswer[]> {
    const answers: Spawn['answers'] = new Map()
    const { value, inDoubt } = await this.#inserts.request({ actors, answers }).catch((error: unknown) => {
      // While the others were waited for.
      throw answers.size > 0 ? new OutcomeUnknownError('spawn', error) : error
    })
    const results = value as readonly InsertResult[]
    if (!inDoubt) return results
    return results.map((result, index) => {
      if (result.kind === 'inserted' || result.by === 'key') return result
      // A row with a fresh id is what the first try left, whose answer was lost. An id that the caller named may be older.
      return isFresh(index) ? { kind: 'inserted' } : { kind: 'unknown', id: result.id, machine: result.machine }
    })
  }

  signal(signal: NewSignal, settle: (settled: Settled<SignalResult>) => void): void {
    this.#signals.submit(signal, settle as (settled: Settled<SignalResult | Locked>) => void)
  }

  async cancel(cancellation: Cancellation): Promise<CancelResult> {
    return (await this.#cancels.request(cancellation)).value
  }

  async retry(id: string): Promise<RetryResult> {
    return (await this.#retries.request(id)).value
  }

  /** One operation on schedules. `inDoubt`: it was repeated, and may have taken effect the first time. */
  async withSchedules<T>(
    run: (schedules: ScheduleStore) => Promise<T>
  ): Promise<{ readonly value: T; readonly inDoubt: boolean }> {
    const { value, inDoubt } = await this.#schedules.request(run)
    return { value: value as T, inDoubt }
  }

  async readSchedules<T>(run: (schedules: ScheduleStore) => Promise<T>): Promise<T> {
    return (await this.#lists.request(run)).value as T
  }

  async read(id: string): Promise<ActorRow | null> {
    return (await this.#reads.request(id)).value
  }

  async findKey(key: string): Promise<string | null> {
    return (await this.#keys.request(key)).value
  }

  async knowsDedup(actorId: string, dedupKey: string): Promise<boolean> {
    return (await this.#dedup.request({ actorId, dedupKey })).value
  }

  /** Resolves when nothing is on its way to the database. */
  async whenIdle(): Promise<void> {
    await Promise.all(this.#writers.map((batcher) => batcher.whenIdle()))
  }

  get isIdle(): boolean {
    return this.#writers.every((batcher) => batcher.isIdle)
  }

  /** Answers everybody who waits, now: with `error` where nothing was sent or nothing was to be written, else that it is unknown. */
  giveUp(error: Error): void {
    const unknown = new OutcomeUnknownError('the last calls', error)
    for (const batcher of [...this.#writers, this.#cancels, this.#retries, this.#schedules])
      batcher.giveUp(error, unknown)
    for (const batcher of [this.#reads, this.#keys, this.#dedup, this.#lists]) batcher.giveUp(error, error)
  }

  get #writers() {
    return [this.#commits, this.#linkedCommits, this.#inserts, this.#claims, this.#signals]
  }

  /** A commit was sent twice, and the second time found the row moved: by the first, or by another owner? */
  async #judge(commit: Commit, result: CommitResult): Promise<Settled<CommitResult>> {
    if (result.kind !== 'stale') return { ok: true, value: result, inDoubt: true }
    try {
      return judge(commit, await this.read(commit.id), this.#options.node)
    } catch (error) {
      return { ok: false, error: new OutcomeUnknownError('commit', error) }
    }
  }
}

/**
 * Only the owner raises the version, so while the lease is ours the version tells. A row that nobody owns tells as well, if
 * the commit was to give it up. A version that never moved means that nothing landed. All else cannot be known.
 */
function judge(commit: Commit, row: ActorRow | null, node: string): Settled<CommitResult> {
  const landedVersion = commit.version + (commit.snapshot === null ? 0 : 1)
  const givesUp = commit.release || commit.retryInMs !== null || isTerminal(commit.status) || commit.status === 'parked'
  const settled = (value: CommitResult): Settled<CommitResult> => ({ ok: true, value, inDoubt: true })
  if (row === null) return settled({ kind: 'stale' })
  const hasLanded = row.version === landedVersion && (row.owner === node || (row.owner === null && givesUp))
  // With signals of others in between, the arrival numbers of the deferred ones cannot be told; those to itself come after them.
  const deferredSeq = commit.inboxSeen + commit.deferred.length
  const own = commit.outgoing?.messages.filter(({ to }) => 'id' in to && to.id === commit.id).length ?? 0
  const areNumbersKnown = commit.deferred.length === 0 || row.inboxSeq === deferredSeq + own
  if (hasLanded && areNumbersKnown) {
    const released = row.owner === null
    const told = { kind: 'committed', released, inboxSeq: row.inboxSeq } as const
    const committed = commit.deferred.length > 0 && own > 0 ? { ...told, deferredSeq } : told
    // Whom it reached is not told again.
    const outgoing = { owners: [], wakesRows: true, undelivered: [] }
    return settled(commit.outgoing === undefined ? committed : { ...committed, outgoing })
  }
  if (row.version === commit.version && commit.snapshot !== null) return settled({ kind: 'stale' })
  return { ok: false, error: new OutcomeUnknownError('commit', null) }
}

function sizeOfCommit({ snapshot, journal, output, outgoing }: Commit): number {
  const own = (snapshot?.length ?? 0) + (journal?.length ?? 0) + (output?.length ?? 0)
  if (outgoing === undefined) return own
  const inputs = outgoing.births.reduce((sum, { input }) => sum + (input?.length ?? 0), 0)
  return outgoing.messages.reduce((sum, { event }) => sum + event.length, own + inputs)
}

/** For operations that are too rare to be batched. */
function each<Request, Result>(run: (request: Request) => Promise<Result>) {
  return { maxBatch: 1, run: (requests: readonly Request[]) => Promise.all(requests.map(run)) }
}

/** Where some wait for a key the others are not inserted twice. */
interface Spawn {
  readonly actors: readonly NewActor[]
  readonly answers: Map<NewActor, InsertResult>
}

async function insertAll(
  store: Store,
  spawns: readonly Spawn[]
): Promise<readonly (readonly InsertResult[] | Locked)[]> {
  const open = spawns.flatMap(({ actors, answers }) =>
    actors.flatMap((actor) => (answers.has(actor) ? [] : [{ actor, answers }]))
  )
  const results = await store.insert(open.map(({ actor }) => actor))
  for (const [place, { actor, answers }] of open.entries()) {
    const result = results[place] as InsertResult | Locked
    if (result.kind !== 'locked') answers.set(actor, result)
  }
  return spawns.map(({ actors, answers }) =>
    answers.size < actors.length ? { kind: 'locked' } : actors.map((actor) => answers.get(actor) as InsertResult)
  )
}
