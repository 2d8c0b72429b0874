/**
 * Cases under perdure: each an actor of its own, all in one runtime, moved on side by side.
 *
 * A runtime costs more than a case, and a statement for a hundred actors hardly more than one for one: hence companies.
 * Their schedules need not agree: events are sent to all whose turn it is, and time moves, for all, when each of them
 * waits for time.
 *
 * Owns: schedules, and the proof that what was seen was seen of an actor that came from its row.
 * Does not own: what is seen (observation.ts), rest and time (steered-runtime.ts).
 *
 * Invariants
 * 1. Between two steps of a case nothing of its actor is in memory and nobody leases its row, unless work that it has
 *    started runs on (which cannot be written down). Anything else is thrown: such a run would prove nothing.
 * 2. What one actor says is never heard for another. Logs name no actor: cases that log run alone.
 */
import type { DurableActorRef } from '../../src/actor-ref.ts'
import { ActorTerminatedError, MachineNotDurableError } from '../../src/errors.ts'
import { readMachine } from '../../src/registering.ts'
import type { Case, Step } from './case.ts'
import { Ear, type Observation } from './observation.ts'
import type { SteeredDatabase } from './steered-database.ts'
import { SteeredRuntime, type VersionedMachine } from './steered-runtime.ts'

/** A case that is to be run, and the id of its actor, which has not been there before. */
export interface Part {
  readonly case: Case
  readonly id: string
  readonly logs: boolean
}

export interface DurableRun {
  /** After the start and after each step. */
  readonly observations: readonly Observation[]
  /** Steps for which the actor came back from its row. */
  readonly hydratedSteps: number
  /** Why the machine could not be registered: then nothing was observed. */
  readonly refusal: MachineNotDurableError | undefined
}

/** Answers come in the order of the parts. */
export async function runDurably(database: SteeredDatabase, parts: readonly Part[]): Promise<readonly DurableRun[]> {
  const players = parts.map((part) => new Player(part))
  const accepted = players.filter(({ refusal }) => refusal === undefined)
  let loudOne: Player | undefined
  const log = (...words: unknown[]): void => {
    if (loudOne === undefined) throw new Error('a case logs under perdure, and not under plain XState')
    loudOne.ear.log(...words)
  }
  const runtime = await SteeredRuntime.start(
    database,
    accepted.map(({ machine }) => machine),
    log
  )
  try {
    const byId = new Map(accepted.map((player) => [player.id, player]))
    runtime.on('actor.hydrated', ({ id }) => byId.get(id)?.hydrated())
    runtime.on('actor.parked', ({ id, reason }) => byId.get(id)?.ear.hear('parked', reason))
    await play(
      runtime,
      accepted.filter(({ logs }) => !logs)
    )
    for (loudOne of accepted.filter(({ logs }) => logs)) await play(runtime, [loudOne])
  } finally {
    await runtime.stop()
  }
  return players
}

async function play(runtime: SteeredRuntime, players: readonly Player[]): Promise<void> {
  await Promise.all(players.map((player) => player.begin(runtime)))
  await observe(runtime, players)
  for (;;) {
    const senders = players.filter((player) => player.event !== undefined)
    const waiting = players.filter((player) => player.remainingMs !== undefined)
    if (senders.length > 0) {
      await Promise.all(senders.map((player) => player.send()))
      await observe(runtime, senders)
    } else if (waiting.length > 0) {
      const ms = Math.min(...waiting.map((player) => player.remainingMs as number))
      await runtime.advance(ms)
      await observe(
        runtime,
        waiting.filter((player) => player.spend(ms))
      )
    } else return
  }
}

async function observe(runtime: SteeredRuntime, players: readonly Player[]): Promise<void> {
  await runtime.rest()
  const places = await runtime.find(players.map(({ id }) => id))
  for (const [index, { at }] of places.entries()) {
    if (at === 'awake') throw new Error(`'${players[index]?.name}' rests, and has not left memory`)
  }
  await Promise.all(players.map((player) => player.observe()))
}

/** One case under way. */
class Player implements DurableRun {
  readonly id: string
  readonly name: string
  readonly logs: boolean
  readonly refusal: MachineNotDurableError | undefined
  readonly ear = new Ear()
  readonly machine: VersionedMachine
  readonly observations: Observation[] = []
  hydratedSteps = 0
  readonly #input: unknown
  readonly #steps: readonly Step[]
  #ref: DurableActorRef<VersionedMachine['machine']> | undefined
  #spentMs = 0
  #wasHydrated = false

  constructor({ id, logs, case: { name, makeMachine, input, steps } }: Part) {
    this.id = id
    this.name = name
    this.logs = logs
    // Machines of several cases may have one name; a version of its own tells each from the others.
    this.machine = { machine: makeMachine(this.ear.note), version: id }
    this.refusal = findRefusal(this.machine)
    this.#input = input
    this.#steps = steps
  }

  get #step(): Step | undefined {
    return this.#steps[this.observations.length - 1]
  }

  /** The event that it is to be sent next; undefined: time is to pass, or it is over. */
  get event(): Extract<Step, { send: unknown }>['send'] | undefined {
    return this.#step && 'send' in this.#step ? this.#step.send : undefined
  }

  /** What is left of the time that is to pass. */
  get remainingMs(): number | undefined {
    return this.#step && 'advanceMs' in this.#step ? this.#step.advanceMs - this.#spentMs : undefined
  }

  async begin(runtime: SteeredRuntime): Promise<void> {
    const { machine } = this.machine
    this.#ref = await runtime.get(machine, this.id)
    this.#ref.on('*', this.ear.emitted)
    this.#ref.subscribe(this.ear.observer)
    await runtime.spawn(machine, { id: this.id, input: this.#input })
  }

  async send(): Promise<void> {
    try {
      await this.#ref?.send(this.event)
    } catch (error) {
      // Plain XState says nothing of it.
      if (!(error instanceof ActorTerminatedError)) this.ear.hear('refused', error)
    }
  }

  /** true: all the time of its step has passed. */
  spend(ms: number): boolean {
    this.#spentMs += ms
    return this.remainingMs === 0
  }

  hydrated(): void {
    this.#wasHydrated = true
  }

  async observe(): Promise<void> {
    if (this.#ref === undefined) throw new Error('nothing has begun')
    this.observations.push(this.ear.observe(await this.#ref.getSnapshot()))
    if (this.#wasHydrated) this.hydratedSteps++
    this.#wasHydrated = false
    this.#spentMs = 0
    // The time of the others is not to go on for one that is over.
    if (this.#step === undefined) await this.#ref.stop()
  }
}

/** A machine that registration refuses would refuse the whole runtime. */
function findRefusal(machine: VersionedMachine): MachineNotDurableError | undefined {
  try {
    readMachine(machine)
    return undefined
  } catch (error) {
    if (error instanceof MachineNotDurableError) return error
    throw error
  }
}
