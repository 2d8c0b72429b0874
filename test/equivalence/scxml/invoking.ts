/**
 * `<invoke>` of another document: a child machine, named and made with its parent.
 *
 * Does not own: forwarding and finalizing, which XState has no like of.
 */
import type { Moment } from './datamodel.ts'
import { type Action, kit, type Scope } from './kit.ts'
import { readPairs } from './sending.ts'
import { childrenOf, type Element, parseXml } from './xml.ts'

export interface Invocation {
  readonly id: string
  readonly src: string
  readonly input: (moment: Moment) => unknown
}

export function invocationsOf(state: Element, scope: Scope): readonly Invocation[] {
  return childrenOf(state, 'invoke').map((invoke, index) => {
    const id = idOf(state, invoke, index)
    return {
      id,
      src: scope.addChild(documentOf(invoke, scope), id),
      input: (moment) => readPairs(invoke, scope.datamodel, moment)
    }
  })
}

/** On entry, the ids of the state's invocations are put where the document wants them. */
export function keepIds(state: Element, { datamodel }: Scope): readonly Action[] {
  return childrenOf(state, 'invoke').flatMap((invoke, index) => {
    const { idlocation } = invoke.attributes
    const assignment = `${idlocation} = ${JSON.stringify(idOf(state, invoke, index))}`
    return idlocation === undefined ? [] : [kit.assign((moment) => datamodel.execute(assignment, moment))]
  })
}

/** SCXML wants ids that it makes itself to begin with the state's. */
function idOf(state: Element, invoke: Element, index: number): string {
  return invoke.attributes['id'] ?? `${state.attributes['id']}.${index}`
}

function documentOf(invoke: Element, { readFile }: Scope): Element {
  const { src } = invoke.attributes
  if (src !== undefined) return parseXml(readFile(src))
  const [root] = childrenOf(invoke, 'content').flatMap((content) => childrenOf(content, 'scxml'))
  if (!root) throw new Error('An invocation has no document')
  return root
}
