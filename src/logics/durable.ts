/**
 * `durable` and `all`: children that live in rows of their own, on any node, invoked or spawned as any child.
 *
 * Owns: what users may ask of them, and what plain XState, which has no rows, makes of it.
 * Does not own: the children in a durable actor (actors/xstate/remote-logic.ts, actors/outgoing.ts).
 */
import {
  createActor,
  fromPromise,
  toPromise,
  type AnyStateMachine,
  type InputFrom,
  type OutputFrom,
  type PromiseActorLogic
} from 'xstate'
import { InvalidArgumentError } from '../errors.ts'
import { lookAt, readCount, readFields, readName, readPriority, readText } from '../plain-arguments.ts'
import { define, type Placement } from './definitions.ts'
import { TooFewSucceededError } from './errors.ts'

/** Where and under which names a child's row is run; a function is handed the child's input. */
export interface DurableOptions<TMachine extends AnyStateMachine = AnyStateMachine> {
  /** Default `default`. */
  readonly queue?: string
  /** Lower runs first. Default 0. */
  readonly priority?: number
  /** Of the actors with the same partition key, one at a time executes. */
  readonly partitionKey?: string | ((input: InputFrom<TMachine>) => string | undefined)
  /** An address for others. Where another actor has it, the child fails with DuplicateKeyError. */
  readonly key?: (input: InputFrom<TMachine>) => string | undefined
}

export interface AllOptions<TMachine extends AnyStateMachine = AnyStateMachine> extends DurableOptions<TMachine> {
  /**
   * When it is done: when `all` children have ended, whatever their outcomes (the default), when the `first` has succeeded, or when so
   * many have. The rest is cancelled then. Where so many cannot succeed any more: TooFewSucceededError as `onError`.
   */
  readonly until?: 'all' | 'first' | number
  /** How many run at a time, in the order of the input. Default: all of them. */
  readonly concurrency?: number
}

/** How a child ended; what was cancelled because enough had succeeded is `stopped`. */
export type Outcome<TOutput = unknown> =
  | { readonly status: 'done'; readonly output: TOutput }
  | { readonly status: 'failed'; readonly error: unknown }
  | { readonly status: 'stopped'; readonly error?: unknown }

const DURABLE_OPTIONS = [
  'queue',
  'priority',
  'partitionKey',
  'key'
] as const satisfies readonly (keyof DurableOptions)[]
const ALL_OPTIONS = [...DURABLE_OPTIONS, 'until', 'concurrency'] as const satisfies readonly (keyof AllOptions)[]

/**
 * A machine as a child with a row of its own, for `setup({ actors })`: it runs on any node, and while it does, its parent may sleep.
 * Invoke it, or spawn it from an action, under a name: its output comes as `onDone`, its error as `onError`, leaving the state
 * cancels it, with all that is below it. `sendTo` both ways, and `sendParent`, are part of the sender's commit: exactly once, in
 * order. What the parent can read of it is its end; for more, ask the runtime by the child's own id or key.
 *
 * Under plain XState it is the machine itself, in the process. Throws InvalidArgumentError for options that cannot be used.
 *
 * @example
 * setup({ actors: { flight: durable(flight, { queue: 'bookings' }) } })
 *   .createMachine({ id: 'trip', invoke: { src: 'flight', input: { to: 'Lisbon' }, onDone: 'booked' } })
 */
export function durable<TMachine extends AnyStateMachine>(
  machine: TMachine,
  options: DurableOptions<TMachine> = {}
): TMachine {
  refuseNoMachine('durable', machine)
  const placement = readPlacement(readFields('durable', options, DURABLE_OPTIONS))
  // A copy, for this machine may be used as an ordinary child as well.
  const logic = machine.provide({}) as TMachine
  return define(logic, { kind: 'child', machine, placement })
}

/**
 * Many durable children as one, for `setup({ actors })`: one for each item of `input`, which is its own input. Their outcomes come
 * together, once, in the order of the input, as the output; failed and stopped ones among them. The parent may sleep meanwhile, and
 * is not woken by any child before the last that counts.
 *
 * No item: done at once, with []. Fewer items than `until` asks for, none at all included: TooFewSucceededError at once, as
 * `onError`, and no child comes about.
 *
 * They cannot be sent to through the parent. Throws InvalidArgumentError for options that cannot be used.
 *
 * @example
 * setup({ actors: { pages: all(page, { concurrency: 20 }) } })
 *   .createMachine({ invoke: { src: 'pages', input: ({ context }) => context.urls.map((url) => ({ url })), onDone: 'indexed' } })
 */
export function all<TMachine extends AnyStateMachine>(
  machine: TMachine,
  given: AllOptions<TMachine> = {}
): PromiseActorLogic<readonly Outcome<OutputFrom<TMachine>>[], readonly InputFrom<TMachine>[]> {
  refuseNoMachine('all', machine)
  const { until, concurrency: most, ...placement } = readFields('all', given, ALL_OPTIONS)
  const need = readNeed(until)
  const concurrency = most === undefined ? null : readCount('concurrency', most)
  const logic = fromPromise<readonly Outcome<OutputFrom<TMachine>>[], readonly InputFrom<TMachine>[]>(
    ({ input, signal }) => runHere(machine, input, need, concurrency, signal)
  )
  return define(logic, { kind: 'children', machine, placement: readPlacement(placement), need, concurrency })
}

function refuseNoMachine(what: string, machine: unknown): void {
  const remedy = 'Pass what createMachine() returned'
  const isMachine = lookAt(what, remedy, () => {
    return typeof machine === 'object' && machine !== null && '__xstatenode' in machine
  })
  if (!isMachine) throw new InvalidArgumentError(what, 'is given no machine', remedy)
}

function readNeed(until: AllOptions['until'] = 'all'): number | null {
  if (until === 'all') return null
  if (until === 'first') return 1
  return readCount('until', until)
}

function readPlacement<TMachine extends AnyStateMachine>(options: DurableOptions<TMachine>): Placement {
  const { queue = 'default', priority, partitionKey, key } = options
  const isCallable = (value: unknown): boolean => value === undefined || typeof value === 'function'
  if (!isCallable(key)) throw new InvalidArgumentError('key', 'is no function', 'Pass (input) => string')
  if (!isCallable(partitionKey)) readText('partitionKey', partitionKey)
  return {
    queue: readName('queue', queue),
    priority: readPriority(priority),
    partitionKey: (partitionKey ?? null) as Placement['partitionKey'],
    key: (key ?? null) as Placement['key']
  }
}

// ── under plain XState ────────────────────────────────────────────────────────────────────────────────────────────

async function runHere<TMachine extends AnyStateMachine>(
  machine: TMachine,
  input: readonly InputFrom<TMachine>[],
  need: number | null,
  concurrency: number | null,
  signal: AbortSignal
): Promise<readonly Outcome<OutputFrom<TMachine>>[]> {
  const outcomes: Outcome<OutputFrom<TMachine>>[] = input.map(() => ({ status: 'stopped' }))
  const released = new AbortController()
  const stop = AbortSignal.any([signal, released.signal])
  const left = input.entries()
  let [succeeded, failed] = [0, 0]
  const releaseOnceDecided = (): void => {
    if (need !== null && (succeeded >= need || input.length - failed < need)) released.abort()
  }
  const runSome = async (): Promise<void> => {
    for (const [index, item] of left) {
      if (stop.aborted) return
      const outcome = await runOne(machine, item, stop)
      outcomes[index] = outcome
      if (outcome.status === 'done') succeeded += 1
      else failed += 1
      releaseOnceDecided()
    }
  }
  releaseOnceDecided()
  await Promise.all(Array.from({ length: concurrency ?? input.length }, runSome))
  if (need !== null && succeeded < need) throw new TooFewSucceededError(need, succeeded, outcomes)
  return outcomes
}

function runOne<TMachine extends AnyStateMachine>(
  machine: TMachine,
  input: InputFrom<TMachine>,
  stop: AbortSignal
): Promise<Outcome<OutputFrom<TMachine>>> {
  return new Promise((resolve) => {
    const actor = createActor(machine as AnyStateMachine, { input })
    stop.addEventListener('abort', () => {
      actor.stop()
      resolve({ status: 'stopped' })
    })
    toPromise(actor).then(
      (output) => resolve({ status: 'done', output }),
      (error: unknown) => resolve({ status: 'failed', error })
    )
    actor.start()
  })
}
