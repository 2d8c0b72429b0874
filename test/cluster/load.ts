/**
 * Load on a cluster: lines of calls, each of which sends a few events at once, waits for their answers, and sends again, through
 * whichever worker lives, what was not accepted. So in the end every event is accepted, and has to be there once.
 *
 * Owns: which events are sent to whom, until it is stopped. Does not own: the log of it (cluster.ts), who is alive.
 */
import type { Cluster } from './cluster.ts'
import type { Member } from './member.ts'
import type { Random } from '../support/random.ts'
import type { TallyEvent } from '../support/tally.ts'

export interface LoadOptions {
  readonly random: Random
  readonly actors: readonly string[]
  /** Lines of calls under way at once. */
  readonly lines: number
  /** Whom calls may be made of. Default: every member that is alive. */
  readonly callers?: () => readonly Member[]
}

/** Between two bursts of a line: the machine has other things to do. */
const PAUSE_MS = 10
/** Before what was not accepted is sent again. */
const AGAIN_MS = 50

export class Load {
  readonly #cluster: Cluster
  readonly #options: LoadOptions
  readonly #lines: readonly Promise<void>[]
  #count = 0
  #accepted = 0
  #isStopped = false

  constructor(cluster: Cluster, options: LoadOptions) {
    this.#cluster = cluster
    this.#options = options
    this.#lines = Array.from({ length: options.lines }, (_, line) => this.#run(`line ${line}`))
  }

  /** Events that were accepted so far. */
  get accepted(): number {
    return this.#accepted
  }

  /** Sends nothing new. Resolves once all that was sent is accepted; somebody must be alive for that. */
  async stop(): Promise<void> {
    this.#isStopped = true
    await Promise.all(this.#lines)
  }

  async #run(line: string): Promise<void> {
    const { random, actors } = this.#options
    while (!this.#isStopped) {
      const actor = random.of(actors)
      const caller = await this.#findCaller()
      const burst = Array.from({ length: 1 + random.below(3) }, () => this.#draw(`${line} ${this.#count++}`))
      await Promise.all(burst.map((event) => this.#send(caller, actor, event, line)))
      await pause(PAUSE_MS)
    }
  }

  async #send(first: Member, actor: string, event: TallyEvent, line: string): Promise<void> {
    for (let caller = first; ; caller = await this.#findCaller()) {
      // In order is what goes through one process: two know nothing of each other.
      const { kind } = await this.#cluster.send(caller, actor, event, `${line} by ${caller.name}`)
      if (kind === 'ok') return void this.#accepted++
      await pause(AGAIN_MS)
    }
  }

  async #findCaller(): Promise<Member> {
    const { random, callers = () => this.#cluster.members.filter(({ isAlive }) => isAlive) } = this.#options
    for (;;) {
      const alive = callers()
      if (alive.length > 0) return random.of(alive)
      await pause(AGAIN_MS)
    }
  }

  #draw(n: string): TallyEvent {
    const { random } = this.#options
    const chance = random.below(100)
    if (chance < 70) return { type: 'add', n }
    if (chance < 85) return { type: 'work', n, ms: random.below(50) }
    return { type: 'nap', n, ms: random.below(80) }
  }
}

const pause = (ms: number): Promise<void> => new Promise((done) => setTimeout(done, ms))
