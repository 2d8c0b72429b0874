/**
 * The actions and guards of random machines.
 *
 * Owns: what each of them is in XState. Does not own: where they stand (machine.ts).
 */
import {
  and,
  type AnyActorRef,
  type AnyEventObject,
  assign,
  cancel,
  emit,
  enqueueActions,
  forwardTo,
  not,
  or,
  raise,
  sendParent,
  sendTo,
  spawnChild,
  stateIn,
  stopChild
} from 'xstate'
import type { Note } from '../case.ts'
import type { Action, GuardKind } from './shapes.ts'

export interface Context {
  readonly n: number
  /** Transitions that the machine may still take: what would go on for ever comes to rest. */
  readonly left: number
  readonly refs: readonly AnyActorRef[]
  readonly kept: unknown
}

interface Args {
  readonly context: Context
  readonly event: AnyEventObject
  readonly self: AnyActorRef
}

/** What an action that throws tells before: docs/xstate.md says what is different from then on. */
export const ACTION_THROWS = 'an action throws'

/** The state that a machine's actions stand in, and what is around it. */
export interface Place {
  readonly at: string
  readonly note: Note
  readonly isChild: boolean
}

const spawnAs = (id: (context: Context) => string) =>
  assign({
    refs: ({ context, spawn }: { context: Context; spawn: (src: string, options: object) => AnyActorRef }) => [
      ...context.refs,
      spawn('helper', { id: id(context), input: { from: context.n }, syncSnapshot: context.n % 3 === 0 })
    ]
  })

const spawnAnother = spawnAs(({ refs }) => `h${refs.length}`)

const fail = (message: string) => (): never => {
  throw new Error(message)
}

/** One of those that were spawned and of the children as they were before the step, in turn; else the machine itself. */
function nextOne({ context, self }: Args): AnyActorRef {
  const { children = {} } = (self.getSnapshot() ?? {}) as { readonly children?: Record<string, AnyActorRef> }
  const all = [...context.refs, ...Object.values(children)]
  return all[context.n % all.length] ?? self
}

export function makeAction({ do: kind, event, delay }: Action, place: Place): unknown {
  const { at, note, isChild } = place
  const seen = ({ context, event }: Args): unknown => [context.n, context.left, event]
  switch (kind) {
    case 'note':
      return (args: Args) => note(`${at} acts`, seen(args))
    case 'named':
      return { type: 'say', params: ({ context }: Args) => ({ at, n: context.n }) }
    case 'count':
      return assign({ n: ({ context }) => (context as Context).n + 1 })
    case 'keep':
      return assign({ kept: ({ context: { n } }: Args) => makeRichValue(n) })
    case 'raise':
      return raise({ type: event, by: 1 } as never)
    case 'raiseLater':
      return raise({ type: event, by: 2 } as never, { delay, id: 'later' } as never)
    case 'cancel':
      return cancel('later')
    case 'emit':
      return emit(({ context }: Args) => ({ type: 'emitted', at, n: context.n }))
    case 'enqueue':
      return makeQueue(place, event)
    case 'spawn':
      return spawnAnother
    // What takes the id of another hides it from its parent: where that is stopped, perdure stops the hidden one, too.
    case 'spawnSame':
      return isChild ? spawnAnother : spawnAs(() => 'same')
    case 'spawnChild':
      return isChild ? spawnAnother : spawnChild('leaf', { id: 'same' })
    case 'stop':
      return stopChild((({ context }: Args) => context.refs.at(-1)) as never)
    case 'stopSame':
      return stopChild('same')
    case 'tell':
      return sendTo(nextOne as never, { type: event, by: 3 } as never)
    case 'tellLater':
      return sendTo(nextOne as never, { type: event, by: 4 } as never, { delay, id: 'later' } as never)
    case 'forward':
      return makeForward()
    case 'answer':
      return isChild ? sendParent(({ context }: Args) => ({ type: 'ANSWER', n: context.n })) : seenBy(place, seen)
    case 'failAssign':
      return assign({ n: fail('an assign fails') })
    case 'failAction':
      return () => {
        note(ACTION_THROWS)
        throw new Error(at)
      }
  }
}

const seenBy =
  ({ at, note }: Place, seen: (args: Args) => unknown) =>
  (args: Args): void =>
    note(`${at} has no parent`, seen(args))

function makeQueue({ at, note }: Place, event: string): unknown {
  return enqueueActions((({ context, enqueue, check }: Enqueuing) => {
    enqueue.assign({ n: ({ context }: Args) => context.n + 1 })
    enqueue(({ context }: Args) => note(`${at} enqueued`, context.n))
    if (check({ type: 'atLeast', params: { n: 2 } })) enqueue.raise({ type: event, by: context.n })
    enqueue.emit({ type: 'enqueued', at })
  }) as never)
}

/** To a machine of its own an event is not forwarded: that would have no end. */
function makeForward(): unknown {
  return enqueueActions((({ context, enqueue }: Enqueuing) => {
    const last = context.refs.at(-1)
    if (last) enqueue(forwardTo(last as never))
  }) as never)
}

interface Enqueuing extends Args {
  readonly enqueue: ((action: unknown) => void) & Record<'assign' | 'raise' | 'emit', (what: object) => void>
  readonly check: (guard: unknown) => boolean
}

const makeRichValue = (n: number): unknown => ({
  list: [undefined, Number.NaN, -0, BigInt(n), null],
  at: new Date(n),
  map: new Map([[`n${n}`, new Set([n])]]),
  error: new RangeError(`kept ${n}`)
})

/** `state`: one of the machine, for a guard that asks where the machine is. */
export function makeGuard(kind: GuardKind, state: string): unknown {
  const even = ({ context }: Args): boolean => context.n % 2 === 0
  const atLeast = { type: 'atLeast', params: { n: 2 } }
  const varied = { type: 'atLeast', params: ({ event }: Args) => ({ n: Number(event['by'] ?? 0) % 4 }) }
  switch (kind) {
    case 'none':
      return 'isGoing'
    case 'even':
      return and(['isGoing', even] as never)
    case 'atLeast':
      return and(['isGoing', atLeast] as never)
    case 'both':
      return and(['isGoing', even, varied] as never)
    case 'either':
      return and(['isGoing', or([even, varied] as never)] as never)
    case 'not':
      return and(['isGoing', not(varied as never)] as never)
    case 'in':
      return and(['isGoing', stateIn(`#${state}`)] as never)
    case 'fails':
      return and(['isGoing', fail('a guard fails')] as never)
  }
}
