/**
 * The machines of the simulation: as the tally of the cluster tests, they keep a list of the steps that they have taken and tell the
 * world of each step twice; but of a random shape, with children in rows of their own, and sending each other events.
 *
 * An event bears a name of its own (`n`), which is the name of the step that it leads to. The end of a chore is a second step: the
 * name with a mark (`overOf`). What an actor sends another one on account of a step bears the step's name with an arrow.
 */
import {
  assign,
  fromPromise,
  raise,
  sendParent,
  sendTo,
  setup,
  type AnyEventObject,
  type AnyStateMachine
} from 'xstate'
import { all, durable, durableRef } from '../../src/index.ts'
import { overOf, type Shown } from '../support/tally.ts'
import { CHORES, type Chore, type Room, type Shape } from './shapes.ts'

export type LedgerEvent =
  | { readonly type: 'add' | 'close' | 'fire'; readonly n: string }
  | { readonly type: Chore; readonly n: string; readonly ms: number; readonly count: number }
  /** Has the actor send `add` to another one. */
  | { readonly type: 'pass'; readonly n: string; readonly to: string | { readonly key: string } }

interface Busy {
  readonly type: Chore
  readonly n: string
  readonly ms: number
  readonly count: number
  /** The room to come back to. */
  readonly back: number
}

export interface LedgerContext {
  readonly taken: readonly string[]
  readonly busy: Busy | null
}

export type Show = (actor: string, shown: Shown) => void

export const passedOn = (n: string): string => `${n}>`
export const toldParent = (n: string): string => `${n}<`

export interface Errand {
  readonly n: string
  readonly ms: number
  /** Whether it sends its parent an event before it ends. */
  readonly tells: boolean
}

/** A child: after a while it takes one step, and that is its end. */
export function createErrand(show: Show): AnyStateMachine {
  return setup({
    types: { input: {} as Errand, context: {} as LedgerContext & { readonly errand: Errand } },
    actions: {
      end: assign(({ context }) => ({ taken: [overOf(context.errand.n)] })),
      tell: sendParent(({ context }) => ({ type: 'add', n: toldParent(context.errand.n) })),
      first: ({ context, self }) => show(self.id, { step: context.taken.at(-1) ?? '', effect: 'first' }),
      second: ({ context, self }) => show(self.id, { step: context.taken.at(-1) ?? '', effect: 'second' })
    },
    guards: { tells: ({ context }) => context.errand.tells },
    delays: { while: ({ context }) => context.errand.ms }
  }).createMachine({
    id: 'errand',
    context: ({ input }) => ({ taken: [], busy: null, errand: input }),
    initial: 'under way',
    states: {
      'under way': {
        after: {
          while: [
            { guard: 'tells', target: 'over', actions: ['end', 'first', 'tell', 'second'] },
            { target: 'over', actions: ['end', 'first', 'second'] }
          ]
        }
      },
      over: { type: 'final' }
    },
    output: ({ context }) => context.errand.n
  })
}

export function createLedger(
  shape: Shape,
  show: Show
): { readonly ledger: AnyStateMachine; readonly errand: AnyStateMachine } {
  const errand = createErrand(show)
  const base = setup({
    types: { context: {} as LedgerContext, events: {} as LedgerEvent | { readonly type: 'blink'; readonly n: string } },
    actors: {
      work: fromPromise<void, Busy & { readonly actor: string }>(async ({ input, signal }) => {
        show(input.actor, { step: input.n, effect: 'labour' })
        await new Promise<void>((done) => {
          const timer = setTimeout(done, input.ms)
          signal.addEventListener('abort', () => clearTimeout(timer))
        })
      }),
      hire: durable(errand),
      crew: all(errand, { concurrency: 2 })
    },
    actions: {
      take: assign(({ context, event }) => ({ taken: [...context.taken, event.n] })),
      begin: assign(({ event }, back: number) => ({ busy: { ...(event as Busy), back } })),
      end: assign(({ context: { taken, busy } }) => ({ taken: [...taken, overOf(busy?.n ?? '')], busy: null })),
      drop: assign({ busy: null }),
      pass: sendTo(
        ({ event }) => durableRef((event as Extract<LedgerEvent, { type: 'pass' }>).to),
        ({ event }) => ({ type: 'add', n: passedOn(event.n) })
      ),
      blink: raise({ type: 'blink', n: '' }),
      first: ({ context, self }) => show(self.id, { step: context.taken.at(-1) ?? '', effect: 'first' }),
      second: ({ context, self }) => show(self.id, { step: context.taken.at(-1) ?? '', effect: 'second' })
    },
    delays: { nap: ({ context }) => context.busy?.ms ?? 0 }
  })

  const lit = shape.hasLamp ? ['blink'] : []
  const shown = (...actions: readonly unknown[]): readonly unknown[] => [...actions, 'first', ...lit, 'second']
  const invoked: Readonly<Record<string, (busy: Busy, actor: string) => unknown>> = {
    work: (busy, actor) => ({ ...busy, actor }),
    hire: ({ n, ms }) => ({ n, ms, tells: true }) satisfies Errand,
    crew: ({ n, ms, count }) =>
      Array.from({ length: count }, (_, index): Errand => ({ n: `${n}.${index}`, ms: ms * index, tells: false }))
  }

  const roomState = (room: Room, index: number): object => ({
    ...(room.hopsAt === null
      ? {}
      : {
          always: {
            guard: ({ context: { taken } }: { context: LedgerContext }) =>
              taken.length > 0 && taken.length % (room.hopsAt as number) === 0,
            target: `room${index + 1}`
          }
        }),
    on: {
      ...(room.add === null ? {} : { add: { target: `room${room.add}`, actions: shown('take') } }),
      ...(room.pass === null ? {} : { pass: { target: `room${room.pass}`, actions: shown('take', 'pass') } }),
      close: { target: 'closed', actions: shown('take') },
      ...Object.fromEntries(
        CHORES.flatMap((chore) => {
          const back = room.chores[chore]
          const begin = { type: 'begin', params: back }
          return back === null ? [] : [[chore, { target: `${chore}${back}`, actions: shown('take', begin) }]]
        })
      )
    }
  })

  const choreState = (chore: Chore, back: number): object => {
    const over = { target: `room${back}`, actions: shown('end') }
    const add = { actions: shown('take') }
    return {
      id: `${chore}${back}`,
      on: {
        fire: { target: `room${back}`, actions: shown('take', 'drop') },
        ...(shape.defersWhileBusy ? {} : { add, pass: { actions: shown('take', 'pass') } })
      },
      ...(chore === 'nap'
        ? { after: { nap: over } }
        : {
            invoke: {
              id: chore,
              src: chore,
              input: ({ context, self }: { context: LedgerContext; self: { id: string } }) =>
                invoked[chore]?.(context.busy as Busy, self.id),
              onDone: over
            }
          })
    }
  }

  const main = {
    initial: 'room0',
    states: {
      ...Object.fromEntries(shape.rooms.map((room, index) => [`room${index}`, roomState(room, index)])),
      ...Object.fromEntries(
        CHORES.flatMap((chore) => shape.rooms.map((_, back) => [`${chore}${back}`, choreState(chore, back)]))
      ),
      closed: { type: 'final' }
    }
  }
  const lamp = {
    initial: 'off',
    states: { off: { on: { blink: 'on' } }, on: { on: { blink: 'off' } } }
  }
  const body = shape.hasLamp ? { type: 'parallel', states: { main, lamp } } : main
  const config = { id: 'ledger', context: { taken: [], busy: null }, ...body }
  // Of a shape that only the run knows: no type can tell what it takes.
  return { ledger: base.createMachine(config as never) as unknown as AnyStateMachine, errand }
}

/** What ends the chore that is under way. */
export function endOf({ busy }: LedgerContext): AnyEventObject | undefined {
  if (busy === null) return undefined
  const { type, back, n, count } = busy
  if (type === 'nap') return { type: `xstate.after.nap.nap${back}` }
  const outputs = Array.from({ length: count }, (_, index) => ({ status: 'done', output: `${n}.${index}` }))
  const output = type === 'crew' ? outputs : type === 'hire' ? n : undefined
  return { type: `xstate.done.actor.${type}`, output, actorId: type }
}
