/**
 * Real worker processes on one real Postgres, for tests of what survives.
 *
 *     const stage = await openClusterStage()                    // at the top of the file
 *     const cluster = await stage.open()                        // in each test: empty tables, no worker
 *     const [a, b] = [await cluster.start('a'), await cluster.start('b')]
 *     await a.kill()
 *     await cluster.waitUntil('b has it', () => b.effects().length > 0)
 *     await expectPeace(cluster)                                // at rest, and the checks find nothing
 *
 * Verbs: start · and of a member stop, kill, freeze, thaw, cutConnection, holdBack, loseAnswers, healConnection, stepClock · of the server
 * restartPostgres, turnReadOnly, fillDisk, loseCommits · waitUntil.
 *
 * Owns: the workers, their diaries, and the log of all that was asked of them through `spawn` and `send`.
 * Does not own: what must be so (checks.ts).
 *
 * Invariants
 * 1. When a test ends, whichever way, none of its workers is alive.
 * 2. Every call through `spawn` and `send` is in the history, with its outcome.
 */
import { randomUUID } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Row } from '../support/database.ts'
import { findViolations, type Violation } from '../support/checks.ts'
import type { History, Moment, Outcome, SendRecord } from '../support/run.ts'
import { readActors, readCommits } from './history.ts'
import { Member } from './member.ts'
import type { Server } from './server.ts'
import type { TallyEvent } from '../support/tally.ts'
import type { WorkerOptions } from './words.ts'

export interface ClusterOptions {
  readonly program: string
  readonly server: Server
  readonly ask: (text: string, params?: readonly unknown[]) => Promise<readonly Row[]>
}

/** On a machine that is busy with other things. */
const WITHIN_MS = 20_000
const LOOK_MS = 20

/** By both clocks that a history goes by. */
const now = (): Moment => ({ at: Date.now(), monotonicMs: performance.now() })

export class Cluster {
  readonly #options: ClusterOptions
  readonly #folder: string
  readonly #members: Member[] = []
  readonly #spawns: { actor: string; outcome: Outcome }[] = []
  readonly #sends: SendRecord[] = []
  readonly #losses: { from: Moment; to: Moment | null }[] = []
  #order = 0

  private constructor(options: ClusterOptions, folder: string) {
    this.#options = options
    this.#folder = folder
  }

  static async open(options: ClusterOptions): Promise<Cluster> {
    return new Cluster(options, await mkdtemp(join(tmpdir(), 'perdure-cluster-')))
  }

  /** Another process, whose runtime is started. Several may have one name. */
  async start(name: string, options: WorkerOptions = {}): Promise<Member> {
    const { program, server } = this.#options
    const diary = join(this.#folder, `${this.#members.length}.jsonl`)
    const member = await Member.open({ name, program, database: server.url, diary, options })
    this.#members.push(member)
    await member.start()
    return member
  }

  get members(): readonly Member[] {
    return this.#members
  }

  // ── calls that the history knows ──────────────────────────────────────────────────────────────────────────────

  /** A new actor, asked for until somebody says that it is there. */
  async spawn(from: Member): Promise<string> {
    const actor = randomUUID()
    await this.spawnAs(from, actor)
    return actor
  }

  async spawnAs(from: Member, actor: string): Promise<Outcome> {
    const outcome = await from.spawn(actor)
    this.#spawns.push({ actor, outcome })
    return outcome
  }

  /** `by`: what it is sent by is kept in order. Default: the name of the member. */
  async send(from: Member, actor: string, event: TallyEvent, by = from.name): Promise<Outcome> {
    const order = this.#order++
    const askedAt = performance.now()
    const outcome = await from.send(actor, event)
    this.#sends.push({ by, actor, event, order, outcome, askedAt, answeredAt: performance.now() })
    return outcome
  }

  // ── the server ────────────────────────────────────────────────────────────────────────────────────────────────

  ask(text: string, params: readonly unknown[] = []): Promise<readonly Row[]> {
    return this.#options.ask(text, params)
  }

  /** As after a crash; `recovering`: and again before it is up. */
  restartPostgres(moment?: 'recovering'): Promise<void> {
    return this.#options.server.restart(moment)
  }

  turnReadOnly(isReadOnly: boolean): Promise<void> {
    return this.#options.server.turnReadOnly(isReadOnly)
  }

  async fillDisk(isFull: boolean): Promise<void> {
    await this.ask(isFull ? 'insert into full_disk default values' : 'truncate full_disk')
  }

  beginToLoseCommits(): Promise<void> {
    this.#losses.push({ from: now(), to: null })
    return this.#options.server.beginToLoseCommits()
  }

  /** The server crashes, and comes back without what it has lost. Resolves to how many transitions these were, at least. */
  async loseCommits(): Promise<number> {
    const { server } = this.#options
    const list = 'select actor_id, version, at::text from past'
    const before = await this.ask(list)
    await server.ceaseToLoseCommits()
    await server.restart()
    const last = this.#losses.pop()
    if (last) this.#losses.push({ from: last.from, to: now() })
    const kept = new Set((await this.ask(list)).map((row) => JSON.stringify(row)))
    return before.filter((row) => !kept.has(JSON.stringify(row))).length
  }

  /** The node that has an actor; null: nobody. */
  async ownerOf(actor: string): Promise<string | null> {
    const [row] = await this.ask('select owner from perdure.actor where id = $1', [actor])
    return (row?.['owner'] as string | null | undefined) ?? null
  }

  /** Ends the session of the server's that `where` tells of; resolves to how many those were. */
  async terminateSessions(where: string): Promise<number> {
    const rows = await this.ask(
      `select pg_terminate_backend(pid) from pg_stat_activity
       where datname = current_database() and application_name = 'perdure' and (${where})`
    )
    return rows.length
  }

  // ── what became of it ─────────────────────────────────────────────────────────────────────────────────────────

  async waitUntil(what: string, look: () => boolean | Promise<boolean>, withinMs = WITHIN_MS): Promise<void> {
    const deadline = performance.now() + withinMs
    while (!(await look())) {
      if (performance.now() > deadline) throw new Error(`it did not come about within ${withinMs} ms that ${what}`)
      await new Promise((again) => setTimeout(again, LOOK_MS))
    }
  }

  async history(): Promise<History> {
    return {
      spawns: this.#spawns,
      sends: this.#sends,
      effects: this.#members.flatMap((member) => member.effects()),
      commits: await readCommits((text) => this.ask(text)),
      actors: await readActors((text) => this.ask(text)),
      losses: this.#losses.map(({ from, to }) => ({ from, to: to ?? now() }))
    }
  }

  /** Waits until no actor has anything to do, and answers what the checks find: whatever is left by then, too. */
  async judge(withinMs = WITHIN_MS): Promise<readonly Violation[]> {
    const isAtRest = async (): Promise<boolean> =>
      (await readActors((text) => this.ask(text))).every(({ left, inbox }) => left === null && inbox.length === 0)
    // What is not at rest by then is among the findings.
    await this.waitUntil('the run has come to rest', isAtRest, withinMs).catch(() => undefined)
    const broken = this.#members.filter(({ hasFailed }) => hasFailed)
    return [
      ...findViolations(await this.history()),
      ...broken.map(({ name }) => ({ check: 'e', kind: 'stranded', actor: '', says: `worker ${name} ended` }) as const)
    ]
  }

  async close(): Promise<void> {
    await Promise.all(this.#members.filter(({ isAlive }) => isAlive).map((member) => member.kill()))
    await rm(this.#folder, { recursive: true, force: true })
  }
}
