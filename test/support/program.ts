/** A program of the tests, bundled: a process of it starts in a fraction of the time that one which compiles itself takes. */
import { rm, symlink } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'

const root = fileURLToPath(new URL('../..', import.meta.url))

export interface Program {
  /** What to run with node. */
  readonly path: string
  discard(): Promise<void>
}

/** `source`: from the root of the repository. `name`: of a folder in `.perdure`, which nobody else uses. */
export async function compileProgram(source: string, name: string): Promise<Program> {
  const folder = join(root, '.perdure', name)
  const path = join(folder, source.replace(/\.ts$/, '.mjs'))
  await build({
    absWorkingDir: root,
    entryPoints: [source],
    outfile: path,
    bundle: true,
    platform: 'node',
    target: 'node20',
    format: 'esm',
    keepNames: true,
    // These read files of their own, or are not there.
    external: ['@electric-sql/pglite', 'pg-native'],
    // For the packages among what is bundled that are CommonJS.
    banner: { js: `import { createRequire } from 'node:module'; const require = createRequire(import.meta.url)` }
  })
  await symlink(join(root, 'sql'), join(folder, 'sql'))
  return { path, discard: () => rm(folder, { recursive: true, force: true }) }
}
