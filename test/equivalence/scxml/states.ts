/**
 * SCXML's states and transitions as the config of XState's.
 *
 * Invariants
 * 1. Transitions of one state are tried in document order, however special their descriptors are (see `eventTransitions`).
 * 2. A state whose default is not one of its children is entered by default once (see `initialOf`): the second time,
 *    XState would restore what it was in. The test of the cases would show one that is entered again.
 */
import { conditionOf } from './conditions.ts'
import { carefully, contentsOf, plainly } from './content.ts'
import type { Moment } from './datamodel.ts'
import { covers, keyOf, readDescriptors } from './events.ts'
import { invocationsOf, keepIds } from './invoking.ts'
import { type Action, kit, noteOf, type Scope } from './kit.ts'
import { nameOf, readNames } from './names.ts'
import { payloadOf } from './sending.ts'
import { valueOf } from './variables.ts'
import { childrenOf, type Element, withDescendants } from './xml.ts'

export interface StateScope extends Scope {
  /** Whether content that fails raises an error event; plain lists of actions else. */
  readonly isCareful: boolean
  /** With `binding="late"`, a state's variables come about when it is first entered. */
  readonly isLate: boolean
}

/** A part of a machine's config, as one writes it; `createMachine` reads it. */
export type Config = Readonly<Record<string, unknown>>

const STATES = ['state', 'parallel', 'final', 'history']

function statesOf(parent: Element, scope: StateScope): Config {
  return Object.fromEntries(childrenOf(parent, ...STATES).map((state) => [stateName(state), stateOf(state, scope)]))
}

/** What the document's root has in common with a state. */
export function innerConfig(element: Element, scope: StateScope): Config {
  const states = statesOf(element, scope)
  const initial = element.name === 'parallel' ? {} : initialOf(element, scope)
  return {
    ...initial,
    states: { ...states, ...initial.states },
    on: eventTransitions(element, scope),
    always: childrenOf(element, 'transition')
      .filter(({ attributes }) => attributes['event'] === undefined)
      .map((transition) => transitionOf(element, transition, scope))
  }
}

function stateOf(element: Element, scope: StateScope): Config {
  const id = stateName(element)
  if (element.name === 'history') {
    const [byDefault] = childrenOf(element, 'transition')
    const history = element.attributes['type'] ?? 'shallow'
    return { id, type: 'history', history, ...(byDefault && { target: targetsOf(byDefault.attributes['target']) }) }
  }
  const seen = ({ context, event }: Moment) => ({ context, event })
  const [done] = childrenOf(element, 'donedata')
  return {
    id,
    ...(element.name !== 'state' && { type: element.name }),
    entry: [
      noteOf(`enter ${id}`, seen),
      ...bindLate(element, scope),
      ...keepIds(element, scope),
      ...blocksOf(element, 'onentry', scope)
    ],
    exit: [...blocksOf(element, 'onexit', scope), noteOf(`exit ${id}`, seen)],
    invoke: invocationsOf(element, scope),
    ...(element.name !== 'final' && innerConfig(element, scope)),
    ...(done && { output: (moment: Moment) => payloadOf(done, scope, moment) })
  }
}

function stateName({ attributes }: Element): string {
  return nameOf(attributes['id'] as string)
}

export function addressOf(name: string): string {
  return `#${name}`
}

function targetsOf(attribute: string | undefined): readonly string[] {
  return readNames(attribute as string).map(addressOf)
}

/** SCXML's default state may lie deep, or be several; XState's is a child. A history that has none yet leads there. */
function initialOf(element: Element, scope: StateScope): { readonly initial?: unknown; readonly states?: Config } {
  const { names, actions } = beginningOf(element, scope)
  const [name] = names
  if (name === undefined) return {}
  if (names.length === 1 && isChild(element, name)) return { initial: { target: name, actions } }
  const key = `initial of ${element.attributes['id'] ?? 'document'}`
  return {
    initial: { target: key, actions },
    states: { [key]: { id: key, type: 'history', target: names.map(addressOf) } }
  }
}

export interface Beginning {
  /** None: the element has no states. */
  readonly names: readonly string[]
  readonly actions: readonly Action[]
}

/** Where an element that is entered begins, and what is done on the way. */
export function beginningOf(element: Element, scope: StateScope): Beginning {
  const [transition] = childrenOf(element, 'initial').flatMap((initial) => childrenOf(initial, 'transition'))
  if (transition)
    return { names: readNames(transition.attributes['target'] as string), actions: blockOf(transition, scope) }
  const { initial } = element.attributes
  if (initial !== undefined) return { names: readNames(initial), actions: [] }
  return { names: childrenOf(element, 'state', 'parallel', 'final').slice(0, 1).map(stateName), actions: [] }
}

function isChild(element: Element, name: string): boolean {
  return childrenOf(element, ...STATES).some((state) => stateName(state) === name)
}

/**
 * XState tries the longest descriptor first. So each descriptor's list holds all transitions of the state that match
 * whatever it matches, in document order; then it does not matter which list is read first.
 */
function eventTransitions(state: Element, scope: StateScope): Config {
  const listening = childrenOf(state, 'transition')
    .filter(({ attributes }) => attributes['event'] !== undefined)
    .map((element) => ({
      descriptors: readDescriptors(element.attributes['event'] as string),
      transition: transitionOf(state, element, scope)
    }))
  const all = new Set(listening.flatMap(({ descriptors }) => descriptors))
  const listOf = (descriptor: string): readonly Config[] =>
    listening
      .filter(({ descriptors }) => descriptors.some((general) => covers(general, descriptor)))
      .map(({ transition }) => transition)
  return Object.fromEntries([...all].map((descriptor) => [keyOf(descriptor), listOf(descriptor)]))
}

function transitionOf(state: Element, element: Element, scope: StateScope): Config {
  const { cond, target, type } = element.attributes
  return {
    ...(cond !== undefined && { guard: conditionOf(cond, scope) }),
    ...(target !== undefined && {
      target: targetsOf(target),
      reenter: type !== 'internal' || !leadsInside(state, readNames(target))
    }),
    actions: blockOf(element, scope)
  }
}

/** Only then does SCXML take `type="internal"` at its word. */
function leadsInside(state: Element, names: readonly string[]): boolean {
  const inside = state.children
    .flatMap((child) => withDescendants(child, 'invoke'))
    .map(({ attributes }) => nameOf(attributes['id'] ?? ''))
  return state.name !== 'parallel' && names.every((name) => inside.includes(name))
}

function blocksOf(element: Element, name: 'onentry' | 'onexit', scope: StateScope): readonly Action[] {
  return childrenOf(element, name).flatMap((block) => blockOf(block, scope))
}

function blockOf({ children }: Element, scope: StateScope): readonly Action[] {
  const contents = contentsOf(children, scope)
  return scope.isCareful ? carefully(contents) : plainly(contents)
}

function bindLate(element: Element, scope: StateScope): readonly Action[] {
  const variables = scope.isLate ? childrenOf(element, 'datamodel').flatMap(({ children }) => children) : []
  return variables.map((variable) =>
    kit.assign((moment) => {
      const id = variable.attributes['id'] as string
      return id in moment.context ? {} : { [id]: valueOf(variable, scope, moment) }
    })
  )
}
