/** `job`: a machine of one step, for work that needs no states of its own. */
import { setup, type DoneActorEvent, type NonReducibleUnknown } from 'xstate'
import { readName } from '../plain-arguments.ts'
import { activity, type ActivityArgs, type ActivityOptions } from './activity.ts'

/**
 * One function as a durable machine: each spawn runs it once, with the retries of an activity, and ends `done` with what it returns, or
 * `failed` with the error of its last attempt. Throw a NonRetryableError to have no further attempt. All that `spawn` offers holds
 * for it: queue, priority, key, start time. Throws InvalidArgumentError for an id or options that cannot be used.
 *
 * @example
 * const welcome = job('welcome', async ({ input, idempotencyKey }: ActivityArgs<{ to: string }>) => mail.send(input.to, { idempotencyKey }))
 * await runtime.spawn(welcome, { input: { to: 'ada@example.org' }, startIn: '1 hour' })
 */
export function job<TOutput, TInput = NonReducibleUnknown>(
  id: string,
  fn: (args: ActivityArgs<TInput>) => PromiseLike<TOutput> | TOutput,
  options: ActivityOptions<TInput> = {}
): JobMachine<TInput, TOutput> {
  const types: { context?: { readonly input: unknown }; input?: unknown } = {}
  const machine = setup({
    types,
    actors: {
      run: activity<unknown, unknown>(
        fn as (args: ActivityArgs<unknown>) => unknown,
        options as ActivityOptions<unknown>
      )
    }
  }).createMachine({
    id: readName('the id of a job', id),
    context: ({ input }) => ({ input }),
    initial: 'running',
    states: {
      running: {
        invoke: {
          id: 'run',
          src: 'run',
          input: ({ context }: { context: { readonly input: unknown } }) => context.input,
          onDone: 'done'
        }
      },
      done: { type: 'final', output: ({ event }) => (event as DoneActorEvent).output }
    },
    output: ({ event }) => event.output
  })
  return machine as unknown as JobMachine<TInput, TOutput>
}

/** What the compiler knows of such a machine: its input and its output. */
const typed = <TInput, TOutput>() => setup({ types: { input: {} as TInput, output: {} as TOutput } }).createMachine({})

export type JobMachine<TInput, TOutput> = ReturnType<typeof typed<TInput, TOutput>>
