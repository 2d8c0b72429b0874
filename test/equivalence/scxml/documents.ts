/**
 * The SCXML documents of the package (its folder `test`; another is for the loader of scripts that only SCION has), and
 * what each is expected to do.
 *
 * Owns: finding and reading them. Does not own: which of them become cases.
 */
import { readdirSync, readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { type Element, parseXml } from './xml.ts'

/** As the file beside a document has it. */
export interface Schedule {
  readonly initialConfiguration: readonly string[]
  readonly events: readonly {
    /** Milliseconds to wait before the event. */
    readonly after?: number
    readonly event: { readonly name: string }
    readonly nextConfiguration: readonly string[]
  }[]
}

export interface ScxmlDocument {
  /** `history/history0`: folder and file, endings left out. */
  readonly name: string
  readonly text: string
  readonly root: Element
  /** Absent where the package expects nothing of it. */
  readonly schedule?: Schedule
  readonly readFile: (source: string) => string
}

const ENDING = '.scxml'
const folder = join(dirname(createRequire(import.meta.url).resolve('@scion-scxml/test-framework/package.json')), 'test')

export function readDocuments(): readonly ScxmlDocument[] {
  const files = readdirSync(folder, { recursive: true, encoding: 'utf8' })
  const known = new Set(files)
  return files
    .filter((file) => file.endsWith(ENDING))
    .toSorted()
    .map((file) => {
      const path = join(folder, file)
      const text = readFileSync(path, 'utf8')
      const base = file.slice(0, -ENDING.length)
      const schedule = known.has(`${base}.json`) && readSchedule(`${base}.json`)
      const readFile = (source: string): string =>
        readFileSync(join(dirname(path), source.replace(/^file:/, '')), 'utf8')
      return {
        name: base.replace(/\.txml$/, ''),
        text,
        root: parseXml(text),
        readFile,
        ...(schedule && { schedule })
      }
    })
}

function readSchedule(file: string): Schedule {
  return JSON.parse(readFileSync(join(folder, file), 'utf8')) as Schedule
}
