/**
 * What the parts of the converter share: the types of a converted machine, and what an element of it may become.
 */
import { type AnyEventObject, assign, cancel, enqueueActions, raise, sendTo, setup } from 'xstate'
import { types } from '../../actors/tree-stage.ts'
import type { Element } from './xml.ts'
import type { Data, Datamodel, Moment } from './datamodel.ts'

/** For the log of a case. */
export interface Noted {
  readonly what: string
  readonly seen: unknown
}

/** The setup of all machines; `note` is provided for each run. */
const ground = setup({
  types: types<{ context: Data; events: AnyEventObject }>(),
  actions: { note: (_args, _noted: Noted) => {} }
})

/** XState 5.22 has them in a setup, with its types; before that, they are the same functions, and stand alone. */
const creators = { assign, cancel, enqueueActions, raise, sendTo } as unknown as Pick<
  typeof ground,
  'assign' | 'cancel' | 'enqueueActions' | 'raise' | 'sendTo'
>

export const kit = { createMachine: ground.createMachine, ...creators }

type Config = Parameters<typeof kit.createMachine>[0]
type Listed<T> = T extends readonly (infer One)[] ? One : never
export type Action = Listed<Config['entry']>
export type Guard = Parameters<Parameters<Parameters<typeof kit.enqueueActions>[0]>[0]['check']>[0]

/** One element of executable content. */
export type Content =
  | {
      readonly action: Action
      /** What the action will evaluate, to see whether it fails; absent where it cannot. */
      readonly evaluate?: (moment: Moment) => unknown
    }
  | {
      /** What is to be done instead of it, known only at its turn. */
      readonly choose: (moment: Moment, check: (guard: Guard) => boolean) => readonly Content[]
    }

/** What the elements of one document share. */
export interface Scope {
  readonly datamodel: Datamodel
  /** The text of a file beside the document. */
  readonly readFile: (source: string) => string
  /** The same ids in every conversion of the document. */
  readonly nextSendId: () => string
  /** Makes the machine of a document that is invoked, and tells the name to invoke it by. */
  readonly addChild: (root: Element, invokeId: string) => string
  /** The invocation that runs this document; undefined for the root's. */
  readonly invokeId: string | undefined
}

/** An error event to be, where content fails. */
export class ContentError extends Error {
  override readonly name = 'ContentError'
  readonly event

  constructor(event: AnyEventObject) {
    super(`The content fails with ${event.type}`)
    this.event = event
  }
}

export function noteOf(what: string, seen?: (moment: Moment) => unknown): Action {
  return { type: 'note', params: ({ context, event }) => ({ what, seen: seen?.({ context, event }) }) }
}
