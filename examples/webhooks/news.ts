/**
 * What a webhook's payload says of a pull request, in the words of its machine.
 */
import type { WebhookDefinition } from '@octokit/webhooks-examples'
import type { PullRequestEvent } from './pull-request-machine.ts'

export interface News {
  /** `host/owner/repo`. */
  readonly repository: string
  readonly number: number
  /** ISO 8601. */
  readonly at: string
  readonly event: PullRequestEvent
}

type Name = WebhookDefinition['name']
type Payload<Of extends Name> = WebhookDefinition<Of>['examples'][number]
type Reader<Of extends Name> = (payload: Payload<Of>) => readonly (News | null)[]

/** What payloads of one kind say; nothing, where that kind says nothing of pull requests. */
export function readNews(name: Name, payloads: readonly unknown[]): readonly News[] {
  const read = readers[name as keyof typeof readers] as ((payload: unknown) => readonly (News | null)[]) | undefined
  return read === undefined ? [] : payloads.flatMap(read).filter((news) => news !== null)
}

const readPullRequest: Reader<'pull_request'> = (payload) => {
  const { pull_request: pullRequest, repository } = payload
  const at = pullRequest.updated_at
  const tell = (event: PullRequestEvent): readonly News[] => [
    { repository: nameOf(repository), number: pullRequest.number, at, event }
  ]
  switch (payload.action) {
    case 'opened':
      return tell({ type: 'opened', title: pullRequest.title, author: pullRequest.user.login })
    case 'closed':
      return tell({ type: 'closed', isMerged: pullRequest.merged === true })
    case 'reopened':
    case 'converted_to_draft':
    case 'ready_for_review':
    case 'locked':
    case 'unlocked':
      return tell({ type: payload.action })
    default:
      return []
  }
}
