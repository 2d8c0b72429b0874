/** A program of the tests, compiled: a process of it starts in a fraction of the time that one which compiles itself takes. */
import { execFile } from 'node:child_process'
import { rm, symlink } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'

const root = fileURLToPath(new URL('../..', import.meta.url))

export interface Program {
  /** What to run with node. */
  readonly path: string
  discard(): Promise<void>
}

/** `source`: from the root of the repository. `name`: of a folder in `.perdure`, which nobody else uses. */
export async function compileProgram(source: string, name: string): Promise<Program> {
  const folder = join(root, '.perdure', name)
  const tool = join(root, 'node_modules', '.bin', 'tsc')
  const options = ['--ignoreConfig', '--noCheck', '--rewriteRelativeImportExtensions', '--types', 'node']
  const form = ['--module', 'nodenext', '--target', 'es2023', '--rootDir', '.', '--outDir', folder]
  await promisify(execFile)(tool, [...options, ...form, source], { cwd: root })
  await symlink(join(root, 'sql'), join(folder, 'sql'))
  return {
    path: join(folder, source.replace(/\.ts$/, '.js')),
    discard: () => rm(folder, { recursive: true, force: true })
  }
}
