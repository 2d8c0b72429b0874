/**
 * What a webhook's payload says of a pull request, in the words of its machine.
 *
 * Owns: which kinds of webhooks are listened to, and where in a payload the news is.
 */
import type { WebhookDefinition } from '@octokit/webhooks-examples'
import type { PullRequestEvent } from './pull-request-machine.ts'

export interface News {
  /** Of the pull request, in its repository. */
  readonly number: number
  /** ISO 8601. */
  readonly at: string
  readonly event: PullRequestEvent
}

export type WebhookName = WebhookDefinition['name']
type Payload<Name extends WebhookName> = WebhookDefinition<Name>['examples'][number]
type Reader<Name extends WebhookName> = (payload: Payload<Name>) => readonly News[]

const readPullRequest: Reader<'pull_request'> = (payload) => {
  const { number, pull_request: pullRequest } = payload
  const at = pullRequest.updated_at
  const tell = (event: PullRequestEvent): readonly News[] => [{ number, at, event }]
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
    case 'labeled':
      return [report(number, `label ${payload.label.name}`, 'added', at)]
    case 'unlabeled':
      return [report(number, `label ${payload.label.name}`, 'removed', at)]
    case 'assigned':
      return [report(number, `assignee ${payload.assignee?.login}`, 'added', at)]
    case 'unassigned':
      return [report(number, `assignee ${payload.assignee?.login}`, 'removed', at)]
    case 'synchronize':
      return [report(number, `head ${payload.after.slice(0, 7)}`, 'added', at)]
    default:
      return []
  }
}

const readReview: Reader<'pull_request_review'> = ({ pull_request: { number }, review }) =>
  review.submitted_at === null ? [] : [report(number, `review ${review.id}`, review.state, review.submitted_at)]

const readComment: Reader<'pull_request_review_comment'> = ({ action, pull_request: { number }, comment }) => [
  report(number, `comment ${comment.id}`, action, comment.updated_at)
]

const readThread: Reader<'pull_request_review_thread'> = ({ action, pull_request: { number }, thread }) =>
  thread.comments.map((comment) => report(number, `thread on comment ${comment.id}`, action, comment.updated_at))

const readCheck: Reader<'check_run'> = ({ check_run: check }) => {
  const at = check.completed_at ?? check.started_at
  return check.pull_requests.map(({ number }) =>
    report(number, `check ${check.name}`, check.conclusion ?? check.status, at)
  )
}

const readers: { readonly [Name in WebhookName]?: Reader<Name> } = {
  pull_request: readPullRequest,
  pull_request_review: readReview,
  pull_request_review_comment: readComment,
  pull_request_review_thread: readThread,
  check_run: readCheck
}

/** Nothing, where webhooks of that name say nothing of pull requests. */
export function readNews<Name extends WebhookName>(name: Name, payload: Payload<Name>): readonly News[] {
  return readers[name]?.(payload) ?? []
}

function report(number: number, item: string, is: string, at: string): News {
  return { number, at, event: { type: 'reported', item, is, at } }
}
