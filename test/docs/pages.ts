/**
 * The documentation as its tests look at it: pages, the code blocks and tables on them.
 *
 * Owns: reading Markdown, as much of it as our pages use. Does not own: running samples (samples.ts), what must be so (the
 * tests).
 */
import { readdirSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

export const root = fileURLToPath(new URL('../../', import.meta.url))

export interface Page {
  /** From the root of the repository, e.g. `docs/sending.md`. */
  readonly path: string
  readonly text: string
}

export interface Block {
  readonly page: string
  /** Where its first line of code stands on the page, from 1. */
  readonly line: number
  readonly language: string
  readonly code: string
  /** The comment right above it, which readers do not see; '' where there is none. */
  readonly comment: string
}

/** Rows of cells, without the head. */
export type Table = readonly (readonly string[])[]

export const pages: readonly Page[] = [
  'README.md',
  'CHANGELOG.md',
  ...readdirSync(`${root}docs`).map((name) => `docs/${name}`)
]
  .filter((path) => path.endsWith('.md'))
  .map((path) => ({ path, text: readFileSync(root + path, 'utf8') }))

export const blocks: readonly Block[] = pages.flatMap(listBlocks)

function listBlocks({ path, text }: Page): readonly Block[] {
  const fenced = /^(?:<!-- (?<comment>.*) -->\n)?```(?<language>\w+)\n(?<code>[^]*?)^```$/gm
  return [...text.matchAll(fenced)].map(({ index, groups = {}, 0: whole }) => {
    const { language = '', code = '', comment = '' } = groups
    const before = text.slice(0, index + whole.lastIndexOf(code, whole.length - 4))
    return { page: path, line: before.split('\n').length, language, code, comment }
  })
}

/** The first table below a heading, e.g. `## Bounds`. */
export function readTable(path: string, heading: string): Table {
  const { text } = findPage(path)
  const [, rows] = new RegExp(`^${heading}\n[^]*?^\\|.*\n\\|[-|]+\n((?:\\|.*\n)+)`, 'm').exec(text) ?? []
  if (rows === undefined) throw new Error(`${path} has no table below '${heading}'`)
  return rows
    .trimEnd()
    .split('\n')
    .map((row) =>
      row
        .slice(1, -1)
        .split(' | ')
        .map((cell) => cell.trim())
    )
}

export function findPage(path: string): Page {
  const page = pages.find((page) => page.path === path)
  if (page === undefined) throw new Error(`there is no page ${path}`)
  return page
}

/** The words in code within a text: `start` and `stop` of "`start`, then `stop`". */
export function codesIn(text = ''): readonly string[] {
  return [...text.matchAll(/`([^`]+)`/g)].map((match) => match[1] as string)
}
