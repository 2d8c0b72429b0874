/**
 * An XML text as a tree of plain elements.
 *
 * Owns: what an element is. Does not own: what any element means.
 */
import { XMLParser } from 'fast-xml-parser'

export interface Element {
  readonly name: string
  readonly attributes: Readonly<Record<string, string>>
  readonly children: readonly Element[]
  /** The text directly in it, its children's left out. */
  readonly text: string
}

const parser = new XMLParser({
  preserveOrder: true,
  ignoreAttributes: false,
  attributeNamePrefix: '',
  parseTagValue: false,
  trimValues: false,
  removeNSPrefix: true
})

const ATTRIBUTES = ':@'
const TEXT = '#text'
/** The parser's form: one key names the element, and beside it may stand its attributes. */
type Parsed = Readonly<Record<string, readonly Parsed[] | Record<string, string> | string>>

export function parseXml(text: string): Element {
  const root = (parser.parse(text) as readonly Parsed[]).map(readElement).find(({ name }) => !name.startsWith('?'))
  if (!root) throw new Error('The text has no root element')
  return root
}

function readElement(parsed: Parsed): Element {
  const name = Object.keys(parsed).find((key) => key !== ATTRIBUTES) as string
  const inside = parsed[name] as readonly Parsed[]
  return {
    name,
    attributes: (parsed[ATTRIBUTES] ?? {}) as Record<string, string>,
    children: inside.filter((child) => !(TEXT in child)).map(readElement),
    text: inside.map((child) => (child[TEXT] as string | undefined) ?? '').join('')
  }
}

export function childrenOf(element: Element, ...names: readonly string[]): readonly Element[] {
  return element.children.filter(({ name }) => names.includes(name))
}

/** The element and all below it, in document order; elements of the name that is omitted are not entered. */
export function withDescendants(element: Element, omitted: string): readonly Element[] {
  if (element.name === omitted) return []
  return [element, ...element.children.flatMap((child) => withDescendants(child, omitted))]
}
