/**
 * `<send>` as XState's sendTo and raise: to the machine itself, to its parent, to what it has invoked.
 */
import type { AnyActorRef } from 'xstate'
import { type Data, type Datamodel, type Moment, readLiteral, SESSION_ADDRESS } from './datamodel.ts'
import { SCXML_PROCESSOR, type ScxmlEvent } from './events.ts'
import { type Content, ContentError, kit, type Scope } from './kit.ts'
import { childrenOf, type Element } from './xml.ts'

const UNITS_MS: Readonly<Record<string, number>> = { ms: 1, s: 1000 }
const INTERNAL = '#_internal'
const PARENT = '#_parent'
const SESSIONS = '#_scxml_'
const INVOKED = '#_'
const PROCESSORS = [SCXML_PROCESSOR, 'scxml']

export function sendContents(send: Element, scope: Scope): readonly Content[] {
  const { id, idlocation, type, typeexpr, target, targetexpr } = send.attributes
  const { datamodel } = scope
  const sendId = id ?? (idlocation === undefined ? undefined : scope.nextSendId())
  const textOf = (fixed: string | undefined, expression: string | undefined, moment: Moment): string | undefined =>
    expression === undefined ? fixed : String(datamodel.evaluate(expression, moment))

  const deliver = (processor: string = SCXML_PROCESSOR, address: string = SESSION_ADDRESS): Content => {
    if (!PROCESSORS.includes(processor)) return failing('error.execution', sendId)
    if (address === INTERNAL) return raising(send, scope)
    if (address === SESSION_ADDRESS) return sending(send, scope, sendId, ({ self }) => self)
    if (address === PARENT) return sending(send, scope, sendId, ({ self }) => self._parent as AnyActorRef)
    if (address.startsWith(SESSIONS)) return failing('error.communication', sendId)
    if (address.startsWith(INVOKED)) return sending(send, scope, sendId, address.slice(INVOKED.length))
    return failing('error.execution', sendId)
  }
  const delivery: Content =
    typeexpr === undefined && targetexpr === undefined
      ? deliver(type, target)
      : { choose: (moment) => [deliver(textOf(type, typeexpr, moment), textOf(target, targetexpr, moment))] }
  if (idlocation === undefined) return [delivery]

  const keepId = (moment: Moment) => datamodel.execute(`${idlocation} = ${JSON.stringify(sendId)}`, moment)
  return [{ evaluate: keepId, action: kit.assign((moment) => keepId(moment)) }, delivery]
}

function raising(send: Element, scope: Scope): Content {
  const evaluate = (moment: Moment): ScxmlEvent => ({ ...eventOf(send, scope, moment), from: 'internal' })
  return { evaluate, action: kit.raise((moment) => evaluate(moment)) }
}

type Recipient = Parameters<typeof kit.sendTo>[0]

function sending(send: Element, scope: Scope, sendid: string | undefined, recipient: Recipient): Content {
  const { id, delay, delayexpr } = send.attributes
  const evaluate = (moment: Moment): ScxmlEvent => ({
    ...eventOf(send, scope, moment),
    origin: SESSION_ADDRESS,
    origintype: SCXML_PROCESSOR,
    ...(scope.invokeId !== undefined && { invokeid: scope.invokeId }),
    ...(id !== undefined && { sendid: id })
  })
  const delayMs = (moment: Moment): number =>
    readMs(delayexpr === undefined ? delay : scope.datamodel.evaluate(delayexpr, moment))
  const isDelayed = delay !== undefined || delayexpr !== undefined
  return {
    evaluate: (moment) => [evaluate(moment), isDelayed && delayMs(moment)],
    action: kit.sendTo(recipient, (moment) => evaluate(moment), {
      ...(sendid !== undefined && { id: sendid }),
      ...(isDelayed && { delay: (moment) => delayMs(moment) })
    })
  }
}

/** Content that SCXML refuses when it comes to it. */
function failing(type: string, sendid: string | undefined): Content {
  return {
    choose() {
      throw new ContentError({ type, from: 'platform', sendid })
    }
  }
}

function eventOf(send: Element, scope: Scope, moment: Moment): ScxmlEvent {
  const { event, eventexpr } = send.attributes
  const type = eventexpr === undefined ? event : scope.datamodel.evaluate(eventexpr, moment)
  return { type: String(type), data: payloadOf(send, scope, moment) }
}

/** What `<content>`, `<param>` and `namelist` say; undefined where there is nothing of that. */
export function payloadOf(element: Element, { datamodel }: Scope, moment: Moment): unknown {
  const [content] = childrenOf(element, 'content')
  if (content) {
    const { expr } = content.attributes
    return expr === undefined ? readLiteral(content.text) : datamodel.evaluate(expr, moment)
  }
  const pairs = readPairs(element, datamodel, moment)
  return Object.keys(pairs).length === 0 ? undefined : pairs
}

export function readPairs(element: Element, datamodel: Datamodel, moment: Moment): Data {
  const named = (element.attributes['namelist'] ?? '').split(/\s+/).filter((name) => name !== '')
  const pairs = [
    ...named.map((name) => [name, name]),
    ...childrenOf(element, 'param').map(({ attributes: { name, expr, location } }) => [name, expr ?? location])
  ]
  return Object.fromEntries(pairs.map(([name, expression]) => [name, datamodel.evaluate(expression as string, moment)]))
}

function readMs(text: unknown): number {
  const [, amount, unit] = /^([\d.]+)(ms|s)$/.exec(String(text)) ?? []
  if (amount === undefined || unit === undefined) throw new ContentError({ type: 'error.execution', from: 'platform' })
  return Number(amount) * (UNITS_MS[unit] as number)
}
