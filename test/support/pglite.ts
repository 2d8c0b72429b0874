/**
 * PGlite for tests: a fresh one, without the seconds of computing that the making of an empty database takes each time.
 *
 * Owns: the empty database that was made once, in `.perdure`, by the release of PGlite that it was made with.
 */
import { existsSync, readFileSync } from 'node:fs'
import { mkdir, readFile, rename, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { PGlite } from '@electric-sql/pglite'

const root = fileURLToPath(new URL('../..', import.meta.url))
const manifest = readFileSync(join(root, 'node_modules/@electric-sql/pglite/package.json'), 'utf8')
const { version } = JSON.parse(manifest) as { readonly version: string }
const empty = join(root, '.perdure', `pglite-${version}.tar`)

/** In memory, and empty. */
export async function createLite(): Promise<PGlite> {
  if (!existsSync(empty)) await makeEmpty()
  return PGlite.create({ loadDataDir: new Blob([await readFile(empty)]) })
}

async function makeEmpty(): Promise<void> {
  const lite = await PGlite.create()
  const dump = await lite.dumpDataDir('none')
  await lite.close()
  // Other processes may make it at this moment: what bears the name is whole.
  const unfinished = `${empty}.${process.pid}`
  await mkdir(dirname(empty), { recursive: true })
  await writeFile(unfinished, Buffer.from(await dump.arrayBuffer()))
  await rename(unfinished, empty)
}
