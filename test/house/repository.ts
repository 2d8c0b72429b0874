/**
 * The files of the repository as the house rules look at them.
 *
 * Owns: which files there are and what they import. Does not own: the rules.
 */
import { readdirSync, readFileSync } from 'node:fs'
import { join, relative, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'

export interface SourceFile {
  /** From the root of the repository. */
  readonly path: string
  readonly text: string
}

const root = fileURLToPath(new URL('../..', import.meta.url))
const notOurs = new Set(['.git', '.perdure', 'dist', 'node_modules'])

/** All files below a folder of the repository ('' for all of it). */
export function readFiles(folder: string): readonly SourceFile[] {
  return readdirSync(join(root, folder), { withFileTypes: true }).flatMap((entry) => {
    const path = join(folder, entry.name)
    if (entry.isDirectory()) return notOurs.has(entry.name) ? [] : readFiles(path)
    return [{ path, text: readFileSync(join(root, path), 'utf8') }]
  })
}

export function readTypeScript(folder: string): readonly SourceFile[] {
  return readFiles(folder).filter((file) => /\.m?ts$/.test(file.path))
}

/** What a file imports or re-exports, types too: paths from the root for files of ours, else names of packages. */
export function listImports(file: SourceFile): readonly string[] {
  const specifiers = /^(?:import|export)\b[^'"]*?\bfrom\s+'([^']+)'|^import\s+'([^']+)'|\bimport\(\s*'([^']+)'/gm
  return [...removeComments(file).matchAll(specifiers)].map((match) => {
    const specifier = match[1] ?? match[2] ?? match[3] ?? ''
    return specifier.startsWith('.') ? relative(root, resolve(root, file.path, '..', specifier)) : specifier
  })
}

export function removeComments(file: SourceFile): string {
  return file.text.replaceAll(/\/\*[\s\S]*?\*\/|(?<=^|\s)\/\/.*$/gm, '')
}
