/**
 * One worker process of a cluster, and its way to the database.
 *
 * Owns: the process and the proxy before it, until both are gone. Does not own: what its runtime does.
 *
 * Invariants
 * 1. Every call is answered: what the worker says, or `unknown` once its process is gone.
 * 2. What it wrote down can be read as soon as it has happened, also after its death.
 */
import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, readFileSync } from 'node:fs'
import { openProxy, type Proxy } from '../support/proxy.ts'
import type { TallyEvent } from '../support/tally.ts'
import type { Outcome } from '../support/run.ts'
import type { Call, Job, Line, Reply, Request, WorkerOptions } from './words.ts'

export interface MemberOptions {
  readonly name: string
  readonly program: string
  readonly database: string
  readonly diary: string
  readonly options: WorkerOptions
}

/** By statement and moment; what is not named passes. */
type Verdicts = Map<string, 'hold' | 'cut'>

export class Member {
  readonly name: string
  readonly #process: ChildProcess
  readonly #proxy: Proxy
  readonly #verdicts: Verdicts
  readonly #diary: string
  readonly #asked = new Map<number, (outcome: Outcome) => void>()
  #calls = 0
  #statements = 0
  #isMeantToEnd = false
  /** Resolves once its process is gone. */
  readonly ended: Promise<void>
  /** Its process has ended although nobody ended it: that it did not run any more is a fault. */
  hasFailed = false

  private constructor(proxy: Proxy, verdicts: Verdicts, { name, program, diary, options }: MemberOptions) {
    this.name = name
    this.#proxy = proxy
    this.#verdicts = verdicts
    this.#diary = diary
    const job: Job = { name, database: proxy.url, diary, options }
    this.#process = spawn(process.execPath, [program, JSON.stringify(job)], {
      stdio: ['ignore', 'inherit', 'inherit', 'ipc']
    })
    this.#process.on('message', ({ number, outcome }: Reply) => this.#settle(number, outcome))
    // What was on its way to a process that is gone is answered when its end is known.
    this.#process.on('error', () => undefined)
    this.ended = once(this.#process, 'exit').then(async () => {
      this.hasFailed = !this.#isMeantToEnd
      for (const number of this.#asked.keys()) this.#settle(number, { kind: 'unknown' })
      await this.#proxy.close()
    })
  }

  static async open(options: MemberOptions): Promise<Member> {
    const verdicts: Verdicts = new Map()
    let count = (): void => undefined
    const proxy = await openProxy(options.database, ({ statement, at }) => {
      if (at === 'asked') count()
      return verdicts.get(`${statement} ${at}`) ?? 'pass'
    })
    const member = new Member(proxy, verdicts, options)
    count = () => void member.#statements++
    return member
  }

  /** Statements that it has sent so far. */
  get statements(): number {
    return this.#statements
  }

  get isAlive(): boolean {
    return this.#process.exitCode === null && this.#process.signalCode === null
  }

  // ── its runtime ───────────────────────────────────────────────────────────────────────────────────────────────

  async start(): Promise<void> {
    const outcome = await this.call({ kind: 'start' })
    if (outcome.kind !== 'ok') throw new Error(`worker ${this.name} did not start: ${JSON.stringify(outcome)}`)
  }

  async spawn(actor: string): Promise<Outcome> {
    return this.call({ kind: 'spawn', actor })
  }

  async send(actor: string, event: TallyEvent): Promise<Outcome> {
    return this.call({ kind: 'send', actor, event })
  }

  /** In good order, within the given time where there is one; resolves once the process is gone. */
  async stop(drain?: number): Promise<void> {
    this.#isMeantToEnd = true
    await this.call({ kind: 'stop', drain })
    await this.ended
  }

  call(call: Call): Promise<Outcome> {
    if (!this.isAlive) return Promise.resolve({ kind: 'unknown' })
    const number = this.#calls++
    return new Promise((resolve) => {
      this.#asked.set(number, resolve)
      this.#process.send({ number, call } satisfies Request, () => undefined)
    })
  }

  #settle(number: number, outcome: Outcome): void {
    this.#asked.get(number)?.(outcome)
    this.#asked.delete(number)
  }

  // ── its fate ──────────────────────────────────────────────────────────────────────────────────────────────────

  /** SIGKILL, which ends also who is frozen; resolves once the process is gone, and the server knows it. */
  async kill(): Promise<void> {
    this.#isMeantToEnd = true
    this.#process.kill('SIGKILL')
    await this.ended
  }

  /** Resolves once it stands still. */
  async freeze(): Promise<void> {
    this.#process.kill('SIGSTOP')
    const state = `/proc/${this.#process.pid}/stat`
    while (existsSync(state) && !/\) [TtZX] /.test(readFileSync(state, 'utf8')))
      await new Promise((again) => setImmediate(again))
  }

  /** Its clock goes wrong by so many milliseconds, one step after the other, again and again; resolves once it does. */
  async stepClock(...steps: readonly number[]): Promise<void> {
    await this.call({ kind: 'stepClock', steps })
  }

  thaw(): void {
    this.#process.kill('SIGCONT')
  }

  /** From the database only. */
  cutConnection(): void {
    this.#proxy.cut()
  }

  /** Its connections hear nothing any more, and are not told so; new ones come about. */
  silenceConnections(): void {
    this.#proxy.silence()
  }

  /** These statements, by their files, do not reach the server, while their connections stay open. */
  holdBack(...statements: readonly string[]): void {
    for (const statement of statements) this.#verdicts.set(`${statement} asked`, 'hold')
  }

  /** These statements reach the server, and their connections end before the answer. */
  loseAnswers(...statements: readonly string[]): void {
    for (const statement of statements) this.#verdicts.set(`${statement} answered`, 'cut')
  }

  /** Undoes all three. */
  healConnection(): void {
    this.#verdicts.clear()
    this.#proxy.heal()
  }

  // ── its diary ─────────────────────────────────────────────────────────────────────────────────────────────────

  lines(): readonly Line[] {
    if (!existsSync(this.#diary)) return []
    const text = readFileSync(this.#diary, 'utf8')
    return text
      .slice(0, text.lastIndexOf('\n') + 1)
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => JSON.parse(line) as Line)
  }

  effects(): readonly Extract<Line, { kind: 'effect' }>[] {
    return this.lines().filter((line) => line.kind === 'effect')
  }

  told(event: Extract<Line, { kind: 'telemetry' }>['event']): readonly Extract<Line, { kind: 'telemetry' }>[] {
    return this.lines()
      .filter((line) => line.kind === 'telemetry')
      .filter((line) => line.event === event)
  }

  /** The id of its node, as it was when it joined last. */
  get node(): string {
    const joined = this.told('node.joined').at(-1)
    if (joined === undefined) throw new Error(`${this.name} was never a member`)
    return joined.detail['node'] as string
  }
}
