/**
 * Worker processes, compiled once and started ahead, so that a test need not wait for what every process does at first.
 *
 * Owns: the compiled program, and every process until it has ended. Does not own: what a worker is answered (life.ts).
 */
import { execFile, spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { rm, symlink } from 'node:fs/promises'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import type { Duplex } from 'node:stream'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { CHANNEL, type Said } from './channel.ts'

const root = fileURLToPath(new URL('../..', import.meta.url))
/** Started while others still live. */
const SPARE_WORKERS = 2

export interface Worker {
  /** `reply` is asked for each thing that the worker says; undefined: no reply, the worker stands still. */
  serve(reply: (said: Said) => unknown): void
  /** Resolves once the worker has done, and said, all that it can without hearing anything new. */
  whenIdle(): Promise<void>
  kill(): void
  /** Resolves once the process is gone; true: it ended by itself and in good order. */
  readonly ended: Promise<boolean>
}

export class Workers {
  readonly #folder = join(root, '.perdure', `crash-${process.pid}`)
  readonly #spare: Worker[] = []

  async open(): Promise<void> {
    const options = '--noCheck --ignoreConfig --module nodenext --target es2023 --types node --rewriteRelativeImportExtensions'
    const files = ['--rootDir', '.', '--outDir', this.#folder, 'test/crash/worker.ts']
    await promisify(execFile)(join(root, 'node_modules', '.bin', 'tsc'), [...options.split(' '), ...files], { cwd: root })
    await symlink(join(root, 'sql'), join(this.#folder, 'sql'))
    for (let count = 0; count < SPARE_WORKERS; count++) this.#spare.push(this.#start())
  }

  next(): Worker {
    this.#spare.push(this.#start())
    return this.#spare.shift() as Worker
  }

  async close(): Promise<void> {
    for (const worker of this.#spare) worker.kill()
    await Promise.all(this.#spare.map((worker) => worker.ended))
    await rm(this.#folder, { recursive: true, force: true })
  }

  #start(): Worker {
    const process_ = spawn(process.execPath, [join(this.#folder, 'test', 'crash', 'worker.js')], {
      stdio: ['ignore', 'inherit', 'inherit', 'pipe', 'ipc']
    })
    // The end of a killed worker is no news.
    process_.stdio[CHANNEL]?.on('error', () => undefined)
    return {
      serve: (reply) => serve(process_, reply),
      whenIdle: async () => {
        process_.send('idle?')
        await once(process_, 'message')
      },
      kill: () => void process_.kill('SIGKILL'),
      ended: once(process_, 'exit').then(([code]) => code === 0)
    }
  }
}

function serve(process_: ChildProcess, reply: (said: Said) => unknown): void {
  const channel = process_.stdio[CHANNEL] as Duplex
  createInterface(channel).on('line', (line) => {
    const answer = reply(JSON.parse(line) as Said)
    if (answer !== undefined) channel.write(`${JSON.stringify(answer)}\n`)
  })
}
