/**
 * How a worker talks to the test that will kill it: the worker says a line and stands still until it has the reply.
 *
 * Whatever a worker has said is therefore known before anything else happens in it, and a worker that gets no reply does
 * nothing more: it can be killed at that very moment, however long that takes.
 */
import { readSync, writeSync } from 'node:fs'
import type { Report } from './order.ts'
import type { Scenario } from './scenarios.ts'

/** The file descriptor of the channel in a worker. */
export const CHANNEL = 3

export type Said =
  /** Ready for a job, which is the reply. All other replies are empty. */
  | { readonly kind: 'ready' }
  /** What was given is done. */
  | { readonly kind: 'begin' }
  /** A call of the scenario, by its number, has resolved. */
  | { readonly kind: 'told'; readonly call: number; readonly answer: string }
  /** An effect is seen. */
  | { readonly kind: 'report'; readonly report: Report }
  /** All calls have resolved. */
  | { readonly kind: 'end' }

export interface Job {
  readonly scenario: Scenario
  readonly database: string
  /** Of the order. */
  readonly id: string
}

/** In a worker: says something, and stands still until it is answered. */
export function say(said: Said): unknown {
  writeSync(CHANNEL, `${JSON.stringify(said)}\n`)
  const chunk = Buffer.alloc(65_536)
  let reply = ''
  while (!reply.endsWith('\n')) {
    const length = readSync(CHANNEL, chunk)
    // Nobody is there any more to kill it.
    if (length === 0) process.exit(1)
    reply += chunk.toString('utf8', 0, length)
  }
  return JSON.parse(reply)
}
