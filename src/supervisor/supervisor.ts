/**
 * A small OTP on Effect: children that start in order, stop in reverse, and are restarted when they fail.
 *
 * Owns: every long-running fiber of perdure. Nothing is forked elsewhere, because a forked fiber that fails is reported
 * nowhere.
 * Does not own: who restarts with whom (restart-strategy.ts), the root of the tree (tree.ts), what children do, awake
 * actors (they are no fibers).
 *
 * A child is started in two steps. `start` acquires what it needs, in a scope of this start; only when it has succeeded
 * is the next child started. What it yields, `run`, is then the life of the child, watched to its end. A supervisor
 * yields the same, so it can be a child.
 *
 * Invariants
 * 1. A child starts when all before it are up, and stops when all after it are down.
 * 2. What a start has acquired is released before that child starts again, and when its supervisor stops.
 * 3. Ends are handled one at a time, in the order in which they came.
 * 4. No failure is silent: each one is handed to `onCrash`, or fails the supervisor, or fails its start.
 * 5. A supervisor can be interrupted wherever it waits for a start or a pause, and then stops all that had started.
 *    A stop under way runs to its end.
 */
import * as Cause from 'effect/Cause'
import * as Clock from 'effect/Clock'
import * as Data from 'effect/Data'
import * as Effect from 'effect/Effect'
import * as Exit from 'effect/Exit'
import * as Fiber from 'effect/Fiber'
import * as Queue from 'effect/Queue'
import * as Scope from 'effect/Scope'
import { calculatePauseMs, decideRestart, keepRecent, type Restart, type RestartPolicy } from './restart-strategy.ts'

export interface ChildSpec {
  readonly name: string
  readonly restart: Restart
  readonly start: Effect.Effect<Running, unknown, Scope.Scope>
}

/** What a start yields. */
export interface Running {
  /** The life of the child. Its success is a normal end, all else a crash. */
  readonly run: Effect.Effect<void, unknown>
  /** What the child itself supervises. */
  readonly children?: () => readonly TreeNode[]
}

export interface Supervisor extends Running {
  /** Goes on until it is interrupted, or fails with SupervisorGaveUpError. */
  readonly run: Effect.Effect<never, SupervisorGaveUpError>
  readonly children: () => readonly TreeNode[]
}

export type ChildExit = Exit.Exit<void, unknown>

/** `down`: not started yet, or stopped · `restarting`: in the pause before it · `ended`: will not come back. */
export type ChildState = 'down' | 'starting' | 'running' | 'restarting' | 'ended'

export interface TreeNode {
  readonly name: string
  readonly state: ChildState
  /** Times that it was started again. */
  readonly restarts: number
  readonly children: readonly TreeNode[]
}

export interface SupervisorOptions extends RestartPolicy {
  readonly children: readonly ChildSpec[]
  /** Hears of every failure of a child: of its run, of a start that was to bring it back, of its releases. */
  readonly onCrash: (child: string, cause: Cause.Cause<unknown>) => void
}

/** Restarts did not help: it is for the supervisor above to do something. */
export class SupervisorGaveUpError extends Data.TaggedError('SupervisorGaveUpError')<{
  readonly child: string
  readonly maxRestarts: number
  readonly withinMs: number
  /** What the child ended with for the last time. */
  readonly cause: unknown
}> {
  override get message(): string {
    return `${this.child} needed more than ${this.maxRestarts} restarts within ${this.withinMs} ms; see cause.`
  }
}

/**
 * Starts all children. Fails with what a child's start failed with.
 * The supervisor and its children live in the scope that is provided, and stop when that closes: also after a failure.
 */
export const startSupervisor = Effect.fnUntraced(function* (
  options: SupervisorOptions
): Effect.fn.Return<Supervisor, unknown, Scope.Scope> {
  const names = options.children.map((spec) => spec.name)
  if (new Set(names).size < names.length) throw new Error(`children share a name: ${names.join(', ')}`)
  const state: State = {
    options,
    children: options.children.map((spec) => ({ spec, state: 'down', restarts: 0, start: undefined })),
    ends: yield* Queue.unbounded<ChildEnd>(),
    history: []
  }
  yield* Effect.addFinalizer(() => stopAll(state))
  for (const child of state.children) yield* startChild(state, child)
  const loop = yield* Effect.forkScoped(watch(state))
  return { run: Fiber.join(loop), children: () => state.children.map(describeChild) }
})

interface State {
  readonly options: SupervisorOptions
  readonly children: readonly Child[]
  readonly ends: Queue.Queue<ChildEnd>
  /** Times of the restarts that still count. */
  history: readonly number[]
}

interface Child {
  readonly spec: ChildSpec
  state: ChildState
  restarts: number
  start: Start | undefined
}

/** One start of a child, up to its stop. */
interface Start {
  readonly scope: Scope.Closeable
  running?: Running
  exit?: ChildExit
}

interface ChildEnd {
  readonly child: Child
  readonly start: Start
  readonly exit: ChildExit
}

const startChild = Effect.fnUntraced(function* (state: State, child: Child) {
  const start: Start = { scope: Scope.makeUnsafe() }
  // Known before it begins: an interruption from here on finds what there is to release.
  child.start = start
  child.state = 'starting'
  const running = yield* Scope.provide(child.spec.start, start.scope)
  start.running = running
  yield* running.run.pipe(
    Effect.onExit((exit) => Effect.sync(() => noteEnd(state, child, start, exit))),
    Effect.forkIn(start.scope)
  )
  child.state = 'running'
})

function noteEnd(state: State, child: Child, start: Start, exit: ChildExit): void {
  start.exit = exit
  Queue.offerUnsafe(state.ends, { child, start, exit })
}

const stopChild = Effect.fnUntraced(function* (state: State, child: Child) {
  const exit = yield* release(state, child)
  if (exit && !wasInterrupted(exit)) yield* report(state, child, exit)
}, Effect.uninterruptible)

const stopAll = Effect.fnUntraced(function* (state: State) {
  for (const child of state.children.toReversed()) yield* stopChild(state, child)
})

/** Interrupts what runs of a child, releases what its start acquired, and yields how its run ended. */
const release = Effect.fnUntraced(function* (state: State, child: Child) {
  const { start } = child
  if (!start) return undefined
  child.start = undefined
  child.state = 'down'
  const released = yield* Effect.exit(Scope.close(start.scope, Exit.void))
  yield* report(state, child, released)
  return start.exit
}, Effect.uninterruptible)

const watch = Effect.fnUntraced(function* (state: State) {
  for (;;) {
    const { child, start, exit } = yield* Queue.take(state.ends)
    // Stopped in the meantime: whoever stopped it has reported what there was to report.
    if (child.start === start) yield* handleEnd(state, child, exit)
  }
})

const handleEnd = Effect.fnUntraced(function* (
  state: State,
  child: Child,
  exit: ChildExit
): Effect.fn.Return<void, SupervisorGaveUpError> {
  yield* Effect.uninterruptible(Effect.andThen(report(state, child, exit), release(state, child)))
  const at = yield* Clock.currentTimeMillis
  const reason = Exit.isSuccess(exit) ? 'normal' : 'failure'
  const members = state.children.filter((member) => member.state !== 'ended')
  const decision = decideRestart(
    state.options,
    members.map((member) => member.spec),
    { name: child.spec.name, reason, at },
    state.history
  )
  for (const stopped of pick(members, decision.stop)) yield* stopChild(state, stopped)
  if (decision.giveUp) return yield* giveUp(state, child, exit)

  const restarted = pick(members, decision.start)
  for (const member of [child, ...pick(members, decision.stop)]) {
    member.state = restarted.includes(member) ? 'restarting' : 'ended'
  }
  if (restarted.length > 0) yield* restart(state, restarted, at)
})

/**
 * A start that fails is the end of that child, and decides anew about those that were to start after it. It is handled as the next
 * end, not from within: starts may fail for days, and nothing of them may pile up.
 */
const restart = Effect.fnUntraced(function* (state: State, children: readonly Child[], at: number) {
  state.history = [...keepRecent(state.options, state.history, at), at]
  yield* Effect.sleep(calculatePauseMs(state.history.length))
  for (const child of children) {
    child.restarts += 1
    const exit = yield* Effect.exit(startChild(state, child))
    if (Exit.isFailure(exit)) return noteEnd(state, child, child.start as Start, exit)
  }
})

function giveUp(state: State, child: Child, exit: ChildExit): SupervisorGaveUpError {
  const { maxRestarts, withinMs } = state.options
  const cause = Exit.isFailure(exit) ? Cause.squash(exit.cause) : undefined
  return new SupervisorGaveUpError({ child: child.spec.name, maxRestarts, withinMs, cause })
}

/** Hands a failure to the listener; a success is none. */
const report = (state: State, child: Child, exit: ChildExit): Effect.Effect<void> =>
  Effect.sync(() => {
    if (Exit.isFailure(exit)) state.options.onCrash(child.spec.name, exit.cause)
  }).pipe(Effect.catchCause((cause) => Effect.logError('the listener for crashes threw', cause)))

function pick(children: readonly Child[], names: readonly string[]): readonly Child[] {
  return names.flatMap((name) => children.filter((child) => child.spec.name === name))
}

function describeChild({ spec, state, restarts, start }: Child): TreeNode {
  return { name: spec.name, state, restarts, children: start?.running?.children?.() ?? [] }
}

/** Nothing but an interruption: as a stop does it. */
export function wasInterrupted(exit: ChildExit): boolean {
  return Exit.isFailure(exit) && Cause.hasInterruptsOnly(exit.cause)
}
