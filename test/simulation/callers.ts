/**
 * Who asks the nodes for things: each call of the plan is made of the node that it names, and again of another one where it failed,
 * until it is answered.
 *
 * Owns: the log of all that was asked and answered. Does not own: what is asked (plan.ts).
 *
 * Invariants
 * 1. A call whose process ended has no answer: `unknown`.
 * 2. Without a dedup key an event is not sent again where it may be there.
 */
import { type ActorTerminatedError, OutcomeUnknownError, PerdureError } from '../../src/index.ts'
import type { NamedEvent, Outcome, SendRecord } from '../support/run.ts'
import type { Member, Runtime } from './member.ts'
import type { PlannedActor, Step } from './plan.ts'
import type { Process, World } from './world.ts'

type Asked = Extract<Step, { kind: 'spawn' | 'send' | 'cancel' }>

const AGAIN_MS = 130

export class Callers {
  readonly #world: World
  readonly #members: readonly Member[]
  readonly #actors: readonly PlannedActor[]
  readonly #spawn: (runtime: Runtime, actor: PlannedActor) => Promise<unknown>
  /** Those of the plan that exist, or may. */
  readonly #spawned = new Set<number>()
  readonly #waiting = new Map<Process, Set<() => void>>()
  readonly sends: SendRecord[] = []
  readonly spawns: { readonly actor: string; readonly outcome: Outcome }[] = []
  /** Calls without their last answer. */
  open = 0

  constructor(
    world: World,
    members: readonly Member[],
    actors: readonly PlannedActor[],
    spawn: (runtime: Runtime, actor: PlannedActor) => Promise<unknown>
  ) {
    this.#world = world
    this.#members = members
    this.#actors = actors
    this.#spawn = spawn
  }

  ask(step: Asked): void {
    this.open++
    this.#try(step, 0)
  }

  /** The process has ended: nobody will answer. */
  hangUp(process: Process): void {
    for (const tell of this.#waiting.get(process) ?? []) tell()
    this.#waiting.delete(process)
  }

  #try(step: Asked, tries: number): void {
    const member = this.#members[(step.node + tries) % this.#members.length] as Member
    const { process, runtime } = member
    const mayExist = step.kind === 'spawn' || this.#spawned.has(step.actor)
    if (process === null || runtime === null || !mayExist) return this.#again(step, tries + 1)
    const actor = nameOf(this.#actors[step.actor] as PlannedActor)
    const record = step.kind === 'send' ? this.#record(step, actor, process) : null
    const { fences } = member
    const answer = this.#once(process, (outcome) => {
      this.#world.tell(`${process.name} ${describe(step)}: ${Object.values(outcome).join(' ')}`)
      if (step.kind === 'spawn') this.spawns.push({ actor, outcome })
      if (record !== null) {
        // Later ones may overtake what was under way when the lease was lost (docs/sending.md): it is a line of its own.
        const by = member.fences === fences ? record.by : `${record.by}, fenced, ${record.order}`
        this.sends[record.order] = { ...record, by, outcome, answeredAt: this.#world.now }
      }
      if (this.#isOver(step, outcome)) this.open--
      else this.#again(step, tries + 1)
    })
    this.#world.schedule(process, 0, () => {
      this.#make(runtime, step).then(
        (said) => answer({ kind: 'ok', answer: said }),
        (error: unknown) => answer(outcomeOf(error))
      )
    })
  }

  /** Its place in the order is that of its being asked; its outcome is unknown as yet. */
  #record({ line, event }: Extract<Asked, { kind: 'send' }>, actor: string, process: Process): SendRecord {
    const { now } = this.#world
    const by = `line ${line} by ${process.name}`
    const record = { by, actor, event, order: this.sends.length, outcome: UNKNOWN, askedAt: now, answeredAt: now }
    this.sends.push(record)
    return record
  }

  #again(step: Asked, tries: number): void {
    this.#world.schedule(null, AGAIN_MS, () => this.#try(step, tries))
  }

  /** The first answer counts, be it that there will be none. */
  #once(process: Process, act: (outcome: Outcome) => void): (outcome: Outcome) => void {
    const waiting = this.#waiting.get(process) ?? new Set()
    this.#waiting.set(process, waiting)
    const hungUp = (): void => act(UNKNOWN)
    waiting.add(hungUp)
    return (outcome) => {
      if (process.isDead || !waiting.delete(hungUp)) return
      act(outcome)
    }
  }

  async #make(runtime: Runtime, step: Asked): Promise<string> {
    const actor = this.#actors[step.actor] as PlannedActor
    const address = actor.id ?? { key: actor.key as string }
    switch (step.kind) {
      case 'spawn':
        await this.#spawn(runtime, actor)
        this.#spawned.add(step.actor)
        return 'spawned'
      case 'cancel':
        await runtime.cancel(address)
        return 'cancelled'
      case 'send':
        return (await runtime.send(address, step.event, step.hasDedupKey ? { dedupKey: step.event.n } : {})).status
    }
  }

  #isOver(step: Asked, outcome: Outcome): boolean {
    if (outcome.kind === 'ok') return true
    if (outcome.kind === 'refused') return outcome.error === ENDED || !outcome.error.endsWith('Error')
    return step.kind === 'send' && !step.hasDedupKey
  }
}

const UNKNOWN: Outcome = { kind: 'unknown' }
const ENDED = 'ActorTerminatedError' satisfies ActorTerminatedError['_tag']

const nameOf = ({ id, key }: PlannedActor): string => id ?? (key as string)

function describe(step: Asked): string {
  const event: NamedEvent | null = step.kind === 'send' ? step.event : null
  return event === null ? `${step.kind} ${step.actor}` : `send ${step.actor} ${event.type} ${event.n}`
}

function outcomeOf(error: unknown): Outcome {
  if (error instanceof OutcomeUnknownError) return UNKNOWN
  // Any other error is no answer that the runtime may give: the check says so.
  return { kind: 'refused', error: error instanceof PerdureError ? error._tag : String(error) }
}
