/**
 * A pull request as its webhooks tell of it: a plain XState machine.
 *
 * Webhooks come in any order. Two kinds of news deal with that in two ways:
 * - What moves the pull request from state to state waits until there is a state to move from: nothing is known of a pull
 *   request that was not opened, and what was not closed cannot be reopened. That is deferral, and the machine says nothing
 *   of it: a state just does not have the transition yet.
 * - What is reported of one of its items (a label, a review, a check) counts if it is newer than what is known of that item.
 */
import { assign, setup } from 'xstate'

/** The latest that was heard of a label, an assignee, a review, a check … */
export interface Item {
  readonly is: string
  /** ISO 8601, in whole seconds: so says GitHub. */
  readonly at: string
}

export interface PullRequest {
  readonly title: string
  readonly author: string
  readonly items: Readonly<Record<string, Item>>
}

export type PullRequestEvent =
  | { readonly type: 'opened'; readonly title: string; readonly author: string }
  | { readonly type: 'closed'; readonly isMerged: boolean }
  | { readonly type: 'reopened' | 'converted_to_draft' | 'ready_for_review' | 'locked' | 'unlocked' }
  | ({ readonly type: 'reported'; readonly item: string } & Item)

/** Of two reports of the same second, the one that is further on in this list is the later. */
const course = (
  'added created commented approved resolved unresolved queued in_progress ' +
  'edited success failure removed dismissed deleted'
).split(' ')

export const pullRequestMachine = setup({
  types: {
    context: {} as PullRequest,
    events: {} as PullRequestEvent
  },
  guards: {
    isMerged: ({ event }) => event.type === 'closed' && event.isMerged
  }
}).createMachine({
  id: 'pull-request',
  context: { title: '', author: '', items: {} },
  initial: 'unheardOf',
  states: {
    unheardOf: {
      on: {
        opened: { target: 'known', actions: assign(({ event: { title, author } }) => ({ title, author })) }
      }
    },
    known: {
      type: 'parallel',
      on: {
        reported: { actions: assign({ items: ({ context, event }) => learn(context.items, event) }) }
      },
      states: {
        stage: {
          initial: 'open',
          states: {
            open: { on: { closed: [{ guard: 'isMerged', target: 'merged' }, { target: 'closed' }] } },
            closed: { on: { reopened: 'open' } },
            merged: {}
          }
        },
        readiness: {
          initial: 'ready',
          states: {
            ready: { on: { converted_to_draft: 'draft' } },
            draft: { on: { ready_for_review: 'ready' } }
          }
        },
        conversation: {
          initial: 'free',
          states: {
            free: { on: { locked: 'locked' } },
            locked: { on: { unlocked: 'free' } }
          }
        }
      }
    }
  }
})

function learn(items: PullRequest['items'], { item, is, at }: Item & { readonly item: string }): PullRequest['items'] {
  const known = items[item]
  return known && isLater(known, { is, at }) ? items : { ...items, [item]: { is, at } }
}

function isLater(a: Item, b: Item): boolean {
  return a.at === b.at ? course.indexOf(a.is) > course.indexOf(b.is) : a.at > b.at
}
