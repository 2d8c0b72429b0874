/**
 * Real webhooks: payloads that GitHub sent, as the package @octokit/webhooks-examples has collected them.
 *
 * Owns: which of them tell of a pull request, and in which order they were sent. Does not own: what they say (news.ts), what a
 * pull request makes of that (pull-request-machine.ts).
 *
 * Invariant
 * 1. A delivery's id comes from what it tells. Several hooks (a repository's, an organization's, an app's) that tell the same
 *    thing send deliveries of one id.
 */
import { createHash } from 'node:crypto'
import { createRequire } from 'node:module'
import type { WebhookDefinition } from '@octokit/webhooks-examples'
import { readNews, type WebhookName } from './news.ts'
import type { PullRequestEvent } from './pull-request-machine.ts'

export interface Delivery {
  readonly id: string
  /** `host/owner/repo#number`. */
  readonly pullRequest: string
  /** ISO 8601. */
  readonly at: string
  readonly event: PullRequestEvent
}

/** GitHub itself, and what companies run on their own servers. */
const sources = ['api.github.com', 'ghes-31', 'ghes-32', 'ghes-33', 'ghes-34', 'ghes-35']

/** All that is told of pull requests, in the order in which it happened. */
export function loadDeliveries(): readonly Delivery[] {
  const load = createRequire(import.meta.url)
  return sources
    .flatMap((source) => load(`@octokit/webhooks-examples/${source}/index.json`) as WebhookDefinition[])
    .flatMap(({ name, examples }) => examples.flatMap((payload) => readDeliveries(name, payload)))
    .toSorted((a, b) => a.at.localeCompare(b.at))
}

function readDeliveries(name: WebhookName, payload: WebhookDefinition['examples'][number]): readonly Delivery[] {
  if (!('repository' in payload) || !payload.repository) return []
  const repository = payload.repository.html_url.replace('https://', '')
  return readNews(name, payload).map(({ number, at, event }) => {
    const pullRequest = `${repository}#${number}`
    return { id: digest([pullRequest, at, event]), pullRequest, at, event }
  })
}

/** The same in another order, which the seed decides. */
export function shuffle<Item>(items: readonly Item[], seed: string): readonly Item[] {
  const rank = (index: number): string => digest([seed, index])
  return items
    .map((item, index) => ({ item, rank: rank(index) }))
    .toSorted((a, b) => a.rank.localeCompare(b.rank))
    .map(({ item }) => item)
}

function digest(value: unknown): string {
  return createHash('sha256').update(JSON.stringify(value)).digest('hex').slice(0, 16)
}
