/**
 * What the world sees of a machine: under plain XState, and of a tree that is stored and brought back between any two
 * events.
 */
import { type AnyEventObject, type AnyMachineSnapshot, type AnyStateMachine, createActor, SimulatedClock } from 'xstate'
import { TreeStage } from './tree-stage.ts'

export type Trace = (what: string) => void
type Step = AnyEventObject | number
export interface Scenario {
  readonly machine: (trace: Trace) => AnyStateMachine
  readonly steps: readonly Step[]
}

const show = (snapshot: AnyMachineSnapshot): string =>
  JSON.stringify([
    snapshot.value,
    snapshot.status,
    snapshot.context,
    snapshot.output,
    [...snapshot.tags],
    Object.keys(snapshot.children)
  ])
const showError = (error: unknown): string => `error ${(error as Error).message}`

export function traceOfXState({ machine, steps }: Scenario): readonly string[] {
  const trace: string[] = []
  const clock = new SimulatedClock()
  const logger = (...words: unknown[]): void => void trace.push(`log ${JSON.stringify(words)}`)
  const actor = createActor(
    machine((what) => void trace.push(what)),
    { clock, logger, id: 'root' }
  )
  actor.on('*', (event) => void trace.push(`emitted ${JSON.stringify(event)}`))
  actor.subscribe({
    next: (snapshot) => void trace.push(show(snapshot)),
    error: (error) => void trace.push(showError(error)),
    complete: () => void trace.push('complete')
  })
  actor.start()
  for (const step of steps) {
    if (typeof step === 'number') clock.increment(step)
    else actor.send(step)
  }
  return trace
}

export function traceOfTree({ machine, steps }: Scenario): readonly string[] {
  const trace: string[] = []
  const stage = new TreeStage(
    machine((what) => void trace.push(what)),
    {
      observe: (notice, value) =>
        void trace.push(
          notice === 'next' ? show(value as AnyMachineSnapshot) : notice === 'error' ? showError(value) : notice
        ),
      emit: (_, event) => void trace.push(`emitted ${JSON.stringify(event)}`),
      log: (...words) => void trace.push(`log ${JSON.stringify(words)}`)
    }
  )
  stage.start()
  for (const step of steps) {
    if (typeof step === 'number') stage.advance(step)
    else stage.send(step)
  }
  return trace
}

export const events = (types: string): readonly AnyEventObject[] => types.split(' ').map((type) => ({ type }))
