/**
 * Worker processes, compiled once and started ahead, so that a test need not wait for what every process does at first.
 *
 * Owns: the compiled program, and every process until it has ended. Does not own: what a worker is answered (life.ts).
 */
import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import type { Duplex } from 'node:stream'
import { compileProgram, type Program } from '../support/program.ts'
import { CHANNEL, type Said } from './channel.ts'

/** Started while others still live. */
const SPARE_WORKERS = 2

export class Workers {
  #program: Program | null = null
  readonly #alive = new Set<Worker>()
  readonly #spare: Worker[] = []

  async open(): Promise<void> {
    this.#program = await compileProgram('test/crash/worker.ts', `crash-${process.pid}`)
    for (let count = 0; count < SPARE_WORKERS; count++) this.#spare.push(this.#start())
  }

  next(): Worker {
    this.#spare.push(this.#start())
    return this.#spare.shift() as Worker
  }

  async close(): Promise<void> {
    for (const worker of this.#alive) worker.kill()
    await Promise.all([...this.#alive].map((worker) => worker.ended))
    await this.#program?.discard()
  }

  #start(): Worker {
    const worker = new Worker((this.#program as Program).path)
    this.#alive.add(worker)
    void worker.ended.then(() => this.#alive.delete(worker))
    return worker
  }
}

export class Worker {
  readonly #process: ChildProcess
  readonly #channel: Duplex
  /** Resolves once the process is gone; true: it ended by itself and in good order. */
  readonly ended: Promise<boolean>

  constructor(program: string) {
    this.#process = spawn(process.execPath, [program], { stdio: ['ignore', 'inherit', 'inherit', 'pipe', 'ipc'] })
    this.#channel = this.#process.stdio[CHANNEL] as Duplex
    // The end of a killed worker is no news.
    this.#channel.on('error', () => undefined)
    this.ended = once(this.#process, 'exit').then(([code]) => code === 0)
  }

  /** `reply` is asked for each thing that the worker says; undefined: no reply, the worker stands still. */
  serve(reply: (said: Said) => unknown): void {
    createInterface(this.#channel).on('line', (line) => {
      const answer = reply(JSON.parse(line) as Said)
      if (answer !== undefined) this.#channel.write(`${JSON.stringify(answer)}\n`)
    })
  }

  /** Kills it once it has done, and said, all that it can without hearing anything new. */
  killWhenIdle(): void {
    this.#process.once('message', () => this.kill())
    this.#process.send('idle?')
  }

  kill(): void {
    this.#process.kill('SIGKILL')
  }
}
