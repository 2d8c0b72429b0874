/**
 * The machine of the cluster tests: it keeps a list of the steps that it has taken, so that order, doubles and losses show, and
 * tells the world of each step twice.
 *
 * An event bears a name of its own (`n`), which is the name of the step that it leads to. Work and naps take a second step when
 * they are over: the name with a mark. While one is under way, the next waits (it is deferred); `add` and `block` never do.
 */
import { assign, fromPromise, setup } from 'xstate'

export type TallyEvent =
  | { readonly type: 'add'; readonly n: string }
  /** Ends after `ms`. */
  | { readonly type: 'work'; readonly n: string; readonly ms: number }
  /** A timer. */
  | { readonly type: 'nap'; readonly n: string; readonly ms: number }
  /** Between its effects the worker of this name, and no other, can do nothing else for so long. */
  | { readonly type: 'block'; readonly n: string; readonly ms: number; readonly worker: string }
  | { readonly type: 'close'; readonly n: string }

export interface Shown {
  readonly step: string
  readonly effect: 'first' | 'labour' | 'second'
}

export interface TallyContext {
  readonly taken: readonly string[]
  /** What is under way. */
  readonly busy: { readonly n: string; readonly ms: number } | null
}

/** The step that is taken when the work or the nap of that name is over. */
export const overOf = (n: string): string => `${n}!`
export const isOver = (step: string): boolean => step.endsWith('!')

/** The world sees effects through `show`; `worker` is the name of this one. */
export function createTally(show: (actor: string, shown: Shown) => void, worker = '') {
  return setup({
    types: { context: {} as TallyContext, events: {} as TallyEvent },
    actors: {
      labour: fromPromise<void, { readonly n: string; readonly ms: number; readonly actor: string }>(
        async ({ input, signal }) => {
          show(input.actor, { step: input.n, effect: 'labour' })
          await new Promise<void>((done) => {
            const timer = setTimeout(done, input.ms)
            signal.addEventListener('abort', () => clearTimeout(timer))
          })
        }
      )
    },
    actions: {
      take: assign(({ context, event }) => ({ taken: [...context.taken, event.n] })),
      begin: assign(({ event }) => ({ busy: event.type === 'work' || event.type === 'nap' ? event : null })),
      end: assign(({ context: { taken, busy } }) => ({ taken: [...taken, overOf(busy?.n ?? '')], busy: null })),
      first: ({ context, self }) => show(self.id, { step: context.taken.at(-1) ?? '', effect: 'first' }),
      second: ({ context, self }) => show(self.id, { step: context.taken.at(-1) ?? '', effect: 'second' }),
      block: ({ event }) => {
        const ms = event.type === 'block' && event.worker === worker ? event.ms : 0
        const until = performance.now() + ms
        while (performance.now() < until);
      }
    },
    delays: { nap: ({ context }) => context.busy?.ms ?? 0 }
  }).createMachine({
    id: 'tally',
    context: { taken: [], busy: null },
    on: {
      add: { actions: ['take', 'first', 'second'] },
      block: { actions: ['take', 'first', 'block', 'second'] }
    },
    initial: 'open',
    states: {
      open: {
        on: {
          work: { target: 'working', actions: ['take', 'begin', 'first', 'second'] },
          nap: { target: 'napping', actions: ['take', 'begin', 'first', 'second'] },
          close: { target: 'closed', actions: ['take', 'first', 'second'] }
        }
      },
      working: {
        invoke: {
          id: 'labour',
          src: 'labour',
          input: ({ context, self }) => ({ n: '', ms: 0, ...context.busy, actor: self.id }),
          onDone: { target: 'open', actions: ['end', 'first', 'second'] }
        }
      },
      napping: { after: { nap: { target: 'open', actions: ['end', 'first', 'second'] } } },
      closed: { type: 'final' }
    }
  })
}
