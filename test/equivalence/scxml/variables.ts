/**
 * The variables of a document, and the values that they begin with: `<data>`, and the document's own script.
 */
import type { Data, Moment } from './datamodel.ts'
import { readLiteral } from './datamodel.ts'
import type { Scope } from './kit.ts'
import { childrenOf, type Element, withDescendants } from './xml.ts'

/** A script of functions is there for all code to call; any other is run once, before the machine starts. */
export interface Script {
  readonly definitions: string
  readonly statements: string
}

export function readScript(root: Element, readFile: Scope['readFile']): Script {
  const script = childrenOf(root, 'script')
    .map(({ text, attributes: { src } }) => (src === undefined ? text : readFile(src)))
    .join('\n')
  return /\bfunction\b/.test(script) ? { definitions: script, statements: '' } : { definitions: '', statements: script }
}

export function isBoundLate(root: Element): boolean {
  return root.attributes['binding'] === 'late'
}

export interface Beginnings {
  readonly data: Data
  /** Whether a value could not be had; its variable is there, without one. */
  readonly hasFailed: boolean
}

export function findBeginnings(root: Element, { statements }: Script, scope: Scope): Beginnings {
  const models = (isBoundLate(root) ? root.children : withDescendants(root, 'invoke')).filter(
    ({ name }) => name === 'datamodel'
  )
  const data: Data = {}
  let hasFailed = false
  for (const variable of models.flatMap(({ children }) => children)) {
    const id = variable.attributes['id'] as string
    data[id] = undefined
    try {
      data[id] = valueOf(variable, scope, beforeAll(data))
    } catch {
      hasFailed = true
    }
  }
  const declared = [...statements.matchAll(/\bvar\s+([\w$]+)/g)].map(([, name]) => name as string)
  return { data: scope.datamodel.execute(statements, beforeAll(data), declared), hasFailed }
}

export function valueOf({ attributes: { expr, src }, text }: Element, scope: Scope, moment: Moment): unknown {
  if (expr !== undefined) return scope.datamodel.evaluate(expr, moment)
  const literal = src === undefined ? text : scope.readFile(src)
  return literal.trim() === '' ? undefined : readLiteral(literal)
}

/** Of what its invocation says, a document takes what it has variables for. */
export function replaceValues(data: Data, input: Data): Data {
  return Object.fromEntries(Object.entries(data).map(([name, value]) => [name, name in input ? input[name] : value]))
}

function beforeAll(context: Data): Moment {
  return { context, event: { type: 'xstate.init' } }
}
