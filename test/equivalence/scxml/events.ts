/**
 * SCXML's events in XState's terms: which of them a descriptor means, and what `_event` shows of one.
 *
 * Does not own: sending them.
 */
import type { EventObject } from 'xstate'

/** What an expression sees as `_event`, kept in XState's event under the same names. */
export interface ScxmlEvent extends EventObject {
  readonly data?: unknown
  readonly sendid?: string
  readonly origin?: string
  readonly origintype?: string
  /** The invocation that it comes from. */
  readonly invokeid?: string
  /** SCXML's `_event.type`; events from outside say nothing and are external. */
  readonly from?: 'internal' | 'platform'
}

export const SCXML_PROCESSOR = 'http://www.w3.org/TR/scxml/#SCXMLEventProcessor'

const ANY = '*'
/** What XState itself sends, and SCXML's word for it. */
const DONE_EVENTS = [
  { scxml: 'done.state', xstate: 'xstate.done.state' },
  { scxml: 'done.invoke', xstate: 'xstate.done.actor' }
]

/** `foo`, `foo.` and `foo.*` are one and the same descriptor. */
export function readDescriptors(attribute: string): readonly string[] {
  return attribute
    .trim()
    .split(/\s+/)
    .map((descriptor) => descriptor.replace(/\.\*?$/, '') || ANY)
}

/** Whether all events that `specific` matches are matched by `general` too. */
export function covers(general: string, specific: string): boolean {
  return general === ANY || general === specific || specific.startsWith(`${general}.`)
}

/** The key of `on` that matches what the descriptor matches. */
export function keyOf(descriptor: string): string {
  if (descriptor === ANY) return ANY
  const done = DONE_EVENTS.find(({ scxml }) => covers(scxml, descriptor))
  return `${done ? descriptor.replace(done.scxml, done.xstate) : descriptor}.*`
}

export function showEvent(event: EventObject): Readonly<Record<string, unknown>> | undefined {
  if (event.type === 'xstate.init') return undefined
  const done = DONE_EVENTS.find(({ xstate }) => covers(xstate, event.type))
  if (done) {
    const { output, actorId } = event as DoneEvent
    const name = event.type.replace(done.xstate, done.scxml)
    return { ...NOTHING_KNOWN, name, type: 'platform', data: output, invokeid: actorId }
  }
  const { type, data, sendid, origin, origintype, invokeid, from = 'external' } = event as ScxmlEvent
  return { name: type, type: from, data, sendid, origin, origintype, invokeid }
}

interface DoneEvent extends EventObject {
  readonly output?: unknown
  readonly actorId?: string
}

const NOTHING_KNOWN = { sendid: undefined, origin: undefined, origintype: undefined }
