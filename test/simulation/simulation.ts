/**
 * One run: the plan is carried out, all faults end, everything is let run to rest, and the checks are made.
 *
 * Owns: what each step does, and when the run is over. Does not own: the order of tasks (world.ts), what must be so
 * (support/checks.ts).
 */
import { idempotencyKey } from '../../src/index.ts'
import { MemoryStore } from '../../src/persistence/memory-store.ts'
import { findViolations, type Violation } from '../support/checks.ts'
import type { Effect, History } from '../support/run.ts'
import { bookOf } from './book.ts'
import type { Bug } from './bugs.ts'
import { Callers } from './callers.ts'
import { beginOfTime, withGlobals } from './globals.ts'
import { createLedger } from './ledger.ts'
import { Member, type Ground } from './member.ts'
import type { Plan, Step } from './plan.ts'
import { Recorder, type RecordedState } from './recorder.ts'
import { Wire } from './wire.ts'
import { World, type Process } from './world.ts'

export interface Run {
  /** Of everything that was told. */
  readonly hash: string
  readonly violations: readonly Violation[]
  readonly accepted: number
  /** How often each kind of fault struck: one that was planned may find nobody. */
  readonly faults: ReadonlyMap<string, number>
  /** From the end of the faults until nothing was left to do. */
  readonly restedAfterMs: number
  /** Empty, unless asked for. */
  readonly trace: readonly string[]
}

export interface RunOptions {
  readonly keepsTrace?: boolean
  readonly bug?: Bug | undefined
}

/** How long it may take, by the clock of the run, until everything that could run has. */
const REST_WITHIN_MS = 30_000
const LOOK_MS = 100

/** Resolves outside of every run of microtasks: a run has those to itself. */
export function simulate(plan: Plan, options: RunOptions = {}): Promise<Run> {
  return new Promise((resolve, reject) => {
    setImmediate(() => {
      const undo = options.bug?.inCode?.()
      try {
        const world = new World(plan.seed, { keepsTrace: options.keepsTrace ?? false })
        resolve(withGlobals(world, plan.seed, () => new Simulation(world, plan, options).run()))
      } catch (error) {
        reject(error)
      } finally {
        undo?.()
      }
    })
  })
}

class Simulation {
  readonly #world: World
  readonly #plan: Plan
  readonly #wire: Wire
  readonly #recorder: Recorder
  readonly #members: readonly Member[]
  readonly #callers: Callers
  readonly #effects: Effect[] = []
  readonly #faults = new Map<string, number>()
  #states: readonly RecordedState[] = []
  #restedAt: number | null = null

  constructor(world: World, plan: Plan, { bug }: RunOptions) {
    this.#world = world
    this.#plan = plan
    this.#wire = new Wire(
      world,
      plan.seed,
      (process) => this.#kill(process),
      (name) => this.#noteFault(name)
    )
    const beginsAt = beginOfTime()
    const now = (): number => beginsAt + world.now
    const memory = new MemoryStore({ now })
    this.#recorder = new Recorder(bug?.inStore?.(memory, now) ?? memory, world, beginsAt)
    const { ledger, errand } = createLedger(plan.shape, (actor, shown) => this.#show(actor, shown))
    const store = this.#recorder.wrap()
    const ground: Ground = { world, wire: this.#wire, store, plan, machines: [ledger, errand] }
    this.#members = plan.nodes.map((_, number) => new Member(ground, number))
    this.#callers = new Callers(world, this.#members, plan.actors, (runtime, { id, key }) =>
      runtime.spawn(ledger, {
        ...(id === null ? {} : { id }),
        ...(key === null ? {} : { key, keyScope: 'always' as const }),
        ifExists: 'return'
      })
    )
  }

  run(): Run {
    const { lastsMs, steps } = this.#plan
    for (const member of this.#members) this.#world.schedule(null, 0, () => member.begin())
    const spawned = new Set(steps.flatMap((step) => (step.kind === 'spawn' ? [step.actor] : [])))
    for (const step of steps) {
      // Of a plan of which parts were left out.
      const isForNobody = (step.kind === 'send' || step.kind === 'cancel') && !spawned.has(step.actor)
      if (!isForNobody) this.#world.schedule(null, step.at, () => this.#take(step))
    }
    this.#world.schedule(null, lastsMs, () => this.#heal())
    const deadline = lastsMs + REST_WITHIN_MS
    this.#world.run(() => this.#restedAt !== null || this.#world.now > deadline)
    const history = this.#history()
    this.#world.tell(JSON.stringify([history.actors, history.sends, history.effects]))
    return {
      hash: this.#world.digest(),
      violations: [...this.#checkEnd(), ...findViolations(history, bookOf(this.#plan.shape))],
      accepted: history.sends.filter(({ outcome }) => outcome.kind === 'ok').length,
      faults: this.#faults,
      restedAfterMs: (this.#restedAt ?? deadline) - lastsMs,
      trace: this.#world.trace
    }
  }

  #take(step: Step): void {
    if (step.kind === 'spawn' || step.kind === 'send' || step.kind === 'cancel') return this.#callers.ask(step)
    const member = this.#members[step.node] as Member
    const { process, connection } = member
    if (process === null || process.isDead) return
    this.#world.tell(`${process.name}: ${JSON.stringify(step)}`)
    switch (step.kind) {
      case 'kill':
        this.#noteFault(step.kind)
        return this.#kill(process)
      case 'stop':
        return this.#stop(member)
      case 'freeze':
        this.#noteFault(step.kind)
        process.frozenUntil = Math.max(process.frozenUntil, this.#world.now + step.forMs)
        return
      case 'deafen':
        if (!connection) return
        this.#noteFault(step.kind)
        connection.hears = step.hears
        this.#world.schedule(null, step.forMs, () => void (connection.hears = 1))
        return
      case 'fail':
        return this.#wire.lay(step.node, step)
      case 'sever': {
        const session = connection?.session()
        if (!session) return
        this.#noteFault(step.kind)
        this.#world.schedule(null, Math.max(0, -step.afterMs), () => void session.end())
        this.#world.schedule(null, Math.max(0, step.afterMs), () => void (session.isOpen = false))
      }
    }
  }

  #kill(process: Process): void {
    const member = this.#members[process.node] as Member
    const session = member.connection?.session()
    this.#callers.hangUp(process)
    member.end()
    // Whether the database notices, or the lease must run out.
    if (session && process.number % 2 === 0) this.#world.schedule(null, 50, () => void session.end())
  }

  #stop(member: Member): void {
    const { process, runtime } = member
    if (process === null || runtime === null) return
    this.#noteFault('stop')
    this.#world.schedule(process, 0, () => {
      void runtime.stop({ drain: 500 }).then(() => {
        this.#callers.hangUp(process)
        member.end()
      })
    })
  }

  #show(actor: string, { step, effect }: Pick<Effect, 'step' | 'effect'>): void {
    const process = this.#world.current
    if (process === null || process.isDead) return
    const member = this.#members[process.node] as Member
    const key = idempotencyKey() ?? ''
    this.#effects.push({ step, effect, at: this.#world.moment(), node: member.node, actor, key })
    this.#world.tell(`${process.name} shows ${actor} ${step} ${effect} ${key}`)
    if (!this.#wire.takeFault(process, 'effect')?.fate.startsWith('kill')) return
    this.#noteFault('an effect: kill')
    this.#kill(process)
  }

  #noteFault(name: string): void {
    this.#faults.set(name, (this.#faults.get(name) ?? 0) + 1)
  }

  #heal(): void {
    this.#world.tell('all faults end')
    this.#wire.heal()
    for (const { process } of this.#members) {
      if (process === null) continue
      for (const release of process.hanging) this.#world.schedule(process, 0, release)
      process.hanging.clear()
    }
    this.#look()
  }

  #look(): void {
    this.#world.schedule(null, LOOK_MS, () => {
      void this.#recorder.states().then((states) => {
        this.#states = states
        const isAtRest = this.#callers.open === 0 && states.every(({ left }) => left === null)
        if (isAtRest && this.#findViolationsAtRest().length === 0) this.#restedAt = this.#world.now
        else this.#look()
      })
    })
  }

  /** What may yet come about. */
  #findViolationsAtRest(): readonly Violation[] {
    return findViolations(this.#history(), bookOf(this.#plan.shape)).filter(({ kind }) => kind === 'stranded')
  }

  #checkEnd(): readonly Violation[] {
    const keys = this.#states.flatMap(({ key }) => key ?? [])
    const doubled = keys.filter((key, index) => keys.indexOf(key) < index)
    const open = this.#callers.open
    const says = 'was written by a node that had not the lease'
    return [
      ...this.#recorder.intrusions.map(({ actor }) => ({ check: 'a', kind: 'version', actor, says }) as const),
      ...doubled.map((key) => ({ check: 'b', kind: 'doubled', actor: key, says: 'two actors have one key' }) as const),
      ...(open > 0
        ? [{ check: 'e', kind: 'stranded', actor: '', says: `${open} calls are not answered` } as const]
        : [])
    ]
  }

  /** With each actor under its address of the plan. */
  #history(): History {
    const keys = new Map(this.#states.flatMap(({ actor, key }) => (key === null ? [] : [[actor, key] as const])))
    const named = <Item extends { readonly actor: string }>(item: Item): Item => ({
      ...item,
      actor: keys.get(item.actor) ?? item.actor
    })
    return {
      spawns: this.#callers.spawns,
      sends: [...this.#callers.sends, ...this.#recorder.messages.map(named)],
      effects: this.#effects.map(named),
      commits: this.#recorder.commits.map(named),
      actors: this.#states.map(named)
    }
  }
}
