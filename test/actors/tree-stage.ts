/**
 * A durable actor without its house: turns, commits that always succeed, and messages, in the order of the real thing.
 *
 * Between turns the tree goes through its stored form and back, unless work runs that would have to start again.
 */
import type { AnyEventObject, AnyStateMachine } from 'xstate'
import { compile, type Host, type Input, MachineTree, type TreeEffect } from '../../src/actors/transition.ts'
import type { Json } from '../../src/persistence/store.ts'

export const ACTOR_ID = 'b7e0'

export class TreeStage {
  readonly #blueprint
  readonly #messages: Input[] = []
  #awaited: (() => void) | undefined
  tree: MachineTree
  nowMs = 0
  stored: Json = ''
  /** The effects of the last turn. */
  effects: readonly TreeEffect[] = []
  readonly #host: Host

  constructor(machine: AnyStateMachine, listeners: Omit<Host, 'enqueue'> = {}) {
    this.#blueprint = compile(machine)
    this.#host = {
      enqueue: (sessionId, event) => {
        this.#messages.push({ kind: 'internal', sessionId, event })
        this.#awaited?.()
      },
      log: () => {},
      ...listeners
    }
    this.tree = MachineTree.create(this.#blueprint, ACTOR_ID, this.#host)
  }

  /** One turn of these inputs, up to its commit. */
  compute(...inputs: readonly Input[]): readonly TreeEffect[] {
    this.tree.beginTurn(this.nowMs)
    for (const input of inputs) this.tree.apply(input)
    this.effects = this.tree.endTurn()
    this.stored = this.tree.persist()
    return this.effects
  }

  /** A turn with its effects, then all turns that came of it. */
  run(...inputs: readonly Input[]): this {
    for (const effect of this.compute(...inputs)) this.#perform(effect)
    if (!this.tree.hasLiveWork()) this.rehydrate()
    for (let message = this.#messages.shift(); message; message = this.#messages.shift()) this.run(message)
    return this
  }

  // What an action throws is what XState does with it: the actor that it belongs to fails.
  #perform(effect: TreeEffect): void {
    try {
      this.tree.perform(effect)
    } catch (error) {
      this.#messages.unshift({ kind: 'failure', sessionId: effect.sessionId, error })
    }
  }

  start(input?: unknown): this {
    return this.run({ kind: 'start', input })
  }

  send(event: AnyEventObject): this {
    return this.run({ kind: 'event', event })
  }

  advance(ms: number): this {
    this.nowMs += ms
    const due = this.tree.dueTimers(this.nowMs)
    return this.run(...due.map((seq) => ({ kind: 'timer' as const, seq })))
  }

  /** Waits until started work has said something, and runs that. */
  async hear(): Promise<this> {
    if (this.#messages.length === 0) {
      await new Promise<void>((resolve) => {
        this.#awaited = resolve
      })
    }
    const message = this.#messages.shift()
    return message ? this.run(message) : this
  }

  /** Passivates the actor and wakes it, started work included. */
  rehydrate(stored: Json = this.tree.persist()): this {
    this.tree.dispose()
    this.tree = MachineTree.hydrate(this.#blueprint, ACTOR_ID, this.#host, stored)
    for (const effect of this.tree.workToStart()) this.#perform(effect)
    return this
  }
}

export function stage(machine: AnyStateMachine, listeners?: Omit<Host, 'enqueue'>): TreeStage {
  return new TreeStage(machine, listeners).start()
}

/** For `setup({ types })`, which reads types only. */
// oxlint-disable-next-line typescript/no-unnecessary-type-parameters -- it is what the function is for
export function types<T>(): T {
  return {} as T
}
