/**
 * A node of the simulated cluster: a runtime in a process of its own, and another process with another one when that has ended.
 *
 * Owns: beginning, and beginning again. Does not own: when it ends (simulation.ts).
 */
import { DatabaseClock } from '../../src/clock.ts'
import { DurableRuntime } from '../../src/runtime.ts'
import type { Store } from '../../src/persistence/store.ts'
import type { AnyStateMachine } from 'xstate'
import type { NodeSettings, Plan } from './plan.ts'
import { connect, type Connection } from './remote-store.ts'
import type { Wire } from './wire.ts'
import type { Process, World } from './world.ts'

export interface Ground {
  readonly world: World
  readonly wire: Wire
  readonly store: Store
  readonly plan: Plan
  readonly machines: readonly AnyStateMachine[]
}

/** What looks after processes starts one that has ended again, so much later. */
const AGAIN_MS = 150

export type Runtime = DurableRuntime<AnyStateMachine>

export class Member {
  readonly #ground: Ground
  readonly #number: number
  readonly #settings: NodeSettings
  process: Process | null = null
  connection: Connection | null = null
  /** null: it is not up. */
  runtime: Runtime | null = null
  /** The node's id of the moment. */
  node = ''
  /** How often it has lost its lease. */
  fences = 0

  constructor(ground: Ground, number: number) {
    this.#ground = ground
    this.#number = number
    this.#settings = ground.plan.nodes[number] as NodeSettings
  }

  begin(): void {
    const { world, wire, store, plan, machines } = this.#ground
    const { concurrency, passivateAfterMs, maxResident, skewMs } = this.#settings
    const process = world.open(this.#number, skewMs)
    const connection = connect(store, process, wire, world)
    this.process = process
    this.connection = connection
    world.schedule(process, 0, () => {
      const options = {
        database: '',
        machines,
        lease: plan.leaseMs,
        poll: plan.pollMs,
        queues: { default: concurrency },
        passivateAfter: passivateAfterMs,
        maxResident,
        name: process.name,
        log: () => undefined,
        warn: () => undefined
      }
      const runtime: Runtime = new DurableRuntime(options, () => Promise.resolve(connection.store), new DatabaseClock())
      runtime.on('node.joined', ({ node }) => {
        if (!process.isDead) this.node = node
      })
      runtime.on('node.fenced', () => void this.fences++)
      runtime.start().then(
        () => {
          if (process.isDead) return
          world.tell(`${process.name} is up`)
          this.runtime = runtime
        },
        () => this.end()
      )
    })
  }

  /** As by `kill -9`. */
  end(): void {
    const { process } = this
    if (process === null || process.isDead) return
    const { world } = this.#ground
    world.tell(`${process.name} ends`)
    process.isDead = true
    process.hanging.clear()
    this.runtime = null
    world.schedule(null, AGAIN_MS, () => this.begin())
  }
}
