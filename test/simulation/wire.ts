/**
 * The way from a process to the store and back, on which everything can go wrong.
 *
 *     call ──► (a while) ──► the store does it, at once and by itself ──► (a while) ──► the answer
 *
 * Owns: what becomes of each call: by the faults that were laid for its node, else by chance how long it takes, so that calls overtake
 * each other. Does not own: what the store does, when faults are laid (simulation.ts).
 *
 * Invariants
 * 1. What a dead process had sent may still be done; it is told nothing.
 * 2. Chance is drawn for the n-th call of an operation of a node: other calls do not change it.
 */
import { seeded } from '../support/random.ts'
import type { Fate } from './plan.ts'
import type { Process, World } from './world.ts'

interface LaidFault {
  readonly operation: string
  readonly fate: Fate
  readonly ms: number
}

/** Looks, which come again and again, and say nothing to people. */
const ROUTINE: readonly string[] = ['pick', 'unseen', 'due', 'renew', 'purgeDedup', 'findUnknown', 'reap', 'claimed']

/** One for each call: what waits for it goes with it. */
const never = (): Promise<never> => new Promise(() => undefined)

export class Wire {
  readonly #world: World
  readonly #seed: number
  readonly #kill: (process: Process) => void
  readonly #noteFault: (name: string) => void
  readonly #faults = new Map<number, LaidFault[]>()
  readonly #counts = new Map<string, number>()
  #isHealed = false

  constructor(world: World, seed: number, kill: (process: Process) => void, noteFault: (name: string) => void) {
    this.#world = world
    this.#seed = seed
    this.#kill = kill
    this.#noteFault = noteFault
  }

  lay(node: number, fault: LaidFault): void {
    this.#faults.set(node, [...(this.#faults.get(node) ?? []), fault])
  }

  /** From here on all calls go through. */
  heal(): void {
    this.#isHealed = true
    this.#faults.clear()
  }

  /** Takes the fault laid for this process's next call of this operation; null: none. */
  takeFault(process: Process, operation: string): LaidFault | null {
    const faults = this.#faults.get(process.node) ?? []
    const fault = faults.find((laid) => laid.operation === operation)
    if (fault === undefined) return null
    this.#faults.set(
      process.node,
      faults.filter((laid) => laid !== fault)
    )
    this.#world.tell(`${process.name} ${operation} ${fault.fate}`)
    return fault
  }

  /** `run` is begun on the side of the store. */
  call<Answer>(process: Process, operation: string, run: () => Promise<Answer>): Promise<Answer> {
    if (process.isDead) return never()
    const world = this.#world
    world.tell(`${process.name} ${operation}`, ROUTINE.includes(operation))
    const [there, back] = this.#drawDelays(process, operation)
    const fault = this.takeFault(process, operation)
    const fate = fault?.fate
    if (fate) this.#noteFault(`a call: ${fate}`)
    if (fault && (fate === 'kill' || fate === 'killLate')) {
      this.#kill(process)
      if (fate === 'killLate') world.schedule(null, there + fault.ms, () => void run().catch(() => undefined))
      return never()
    }
    return new Promise((resolve, reject) => {
      const tell = (act: () => void): void => void world.schedule(process, back, act)
      const hang = (): void => {
        if (this.#isHealed) tell(() => reject(lost()))
        else process.hanging.add(() => reject(lost()))
      }
      const arrive = async (): Promise<void> => {
        if (fate === 'refuse') return tell(() => reject(refused()))
        if (fate === 'abort') return tell(() => reject(aborted()))
        if (fate === 'cut') return tell(() => reject(lost()))
        if (fate === 'hang') return hang()
        try {
          const answer = await run()
          if (fate === 'mute') return hang()
          tell(() => (fate === 'lose' ? reject(lost()) : resolve(answer)))
        } catch (error) {
          tell(() => reject(error))
        }
      }
      world.schedule(null, there + (fault?.fate === 'slow' ? fault.ms : 0), () => void arrive())
    })
  }

  /** Mostly next to nothing; now and then long. */
  #drawDelays(process: Process, operation: string): readonly [number, number] {
    const name = `${process.node} ${operation}`
    const count = (this.#counts.get(name) ?? 0) + 1
    this.#counts.set(name, count)
    const random = seeded(this.#seed ^ hashOf(name) ^ Math.imul(count, 0x9e3779b1))
    const draw = (): number => random.below(random.of([1, 3, 3, 10, 60]))
    return [draw(), draw()]
  }
}

const failure = (code: string, message: string): Error => Object.assign(new Error(message), { code })
export const lost = (): Error => failure('08006', 'the connection is gone')
const refused = (): Error => failure('57P03', 'nobody answers')
const aborted = (): Error => failure('40001', 'taken back')

/** FNV-1a. */
function hashOf(text: string): number {
  let hash = 0x811c9dc5
  for (let index = 0; index < text.length; index++) hash = Math.imul(hash ^ text.charCodeAt(index), 0x01000193)
  return hash
}
