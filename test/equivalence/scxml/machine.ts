/**
 * A whole SCXML document as an XState machine, and the documents that it invokes as its children.
 *
 * Owns: the root of the document, and how a conversion is begun.
 */
import type { AnyStateMachine } from 'xstate'
import type { Note } from '../case.ts'
import { type Data, Datamodel } from './datamodel.ts'
import { type Action, kit, type Scope } from './kit.ts'
import { addressOf, type Beginning, beginningOf, type Config, innerConfig } from './states.ts'
import { findBeginnings, isBoundLate, readScript, replaceValues } from './variables.ts'
import type { Element } from './xml.ts'

export const BEGIN = 'begin'

export interface Conversion {
  readonly id: string
  readonly root: Element
  readonly readFile: Scope['readFile']
  /** Whether content that fails raises an error event, as in SCXML; where not, it is a plain list of actions. */
  readonly isCareful: boolean
  /** Whether the machine waits for an event, BEGIN, before it enters the document's first state. */
  readonly beginsLater: boolean
  /** The invocation that it is for; the root's document has none. */
  readonly invokeId?: string
}

type MakeMachine = (note: Note) => AnyStateMachine

export function convert(conversion: Conversion): MakeMachine {
  const { id, root, readFile, isCareful, beginsLater, invokeId } = conversion
  const script = readScript(root, readFile)
  const children = new Map<string, MakeMachine>()
  let sends = 0
  const scope = {
    datamodel: new Datamodel(root.attributes['name'], script.definitions),
    readFile,
    nextSendId: () => `send ${++sends}`,
    addChild(child: Element, childInvokeId: string) {
      const name = `child-${children.size + 1}`
      const change = { id: `${id}-${name}`, root: child, beginsLater: false, invokeId: childInvokeId }
      children.set(name, convert({ ...conversion, ...change }))
      return name
    },
    invokeId,
    isCareful,
    isLate: isBoundLate(root)
  }
  const { data, hasFailed } = findBeginnings(root, script, scope)
  const failure = hasFailed ? [kit.raise({ type: 'error.execution', from: 'platform' })] : []
  const inner = innerConfig(root, scope)
  const machine = kit.createMachine({
    id,
    context:
      invokeId === undefined ? data : ({ input }: { readonly input: unknown }) => replaceValues(data, input as Data),
    ...inner,
    ...(beginsLater ? waitToBegin(beginningOf(root, scope), inner, failure) : { entry: failure })
  })
  return (note) =>
    machine.provide({
      actions: { note: (_, { what, seen }) => note(what, seen) },
      actors: Object.fromEntries([...children].map(([name, make]) => [name, make(note)]))
    })
}

/** A state before the document's own, for an actor that is stored and woken before anything happens. */
function waitToBegin({ names, actions }: Beginning, { states }: Config, failure: readonly Action[]): Config {
  const begin = { target: names.map(addressOf), actions: [...failure, ...actions] }
  return { initial: 'not begun', states: { 'not begun': { on: { [BEGIN]: begin } }, ...(states as Config) } }
}
