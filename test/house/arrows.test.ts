/** Which room may know of which: src/README.md, "Arrows go down only". */
import { describe, expect, test } from 'vitest'
import { listImports, readTypeScript, removeComments, type SourceFile } from './repository.ts'

const files = readTypeScript('src')
const byPath = new Map(files.map((file) => [file.path, file]))

/** Lower rooms first. What lies directly in src/ is the runtime, or ground (errors.ts, bounds.ts). */
const levels = [
  'ground',
  'telemetry',
  'persistence',
  'logics',
  'limiting',
  'actors',
  'supervisor',
  'runtime',
  'outside'
] as const
type Room = (typeof levels)[number]

/** The words of the store. */
const wordsOfPersistence = ['store', 'schedules'].map((name) => `src/persistence/${name}.ts`)

/** What the rooms above may know of persistence, beside the words of the store. */
const doorsOfPersistence = ['group-commit', 'batched-store', 'transient-errors', 'outgoing'].map(
  (name) => `src/persistence/${name}.ts`
)

function findRoom(path: string): Room {
  const [, folder = ''] = path.split('/')
  if (path === 'src/index.ts' || ['cli', 'dashboard', 'testing'].includes(folder)) return 'outside'
  if (folder.endsWith('.ts')) return isGround(path) ? 'ground' : 'runtime'
  const room = levels.find((level) => level === folder)
  if (!room) throw new Error(`${path} lies in a room that these rules do not know`)
  return room
}

/** Ground stands on nothing but ground and the words of the store. */
function isGround(path: string): boolean {
  if (wordsOfPersistence.includes(path)) return true
  if (path.split('/').length > 2 || path === 'src/index.ts') return false
  const file = byPath.get(path)
  if (!file) throw new Error(`${path} does not exist`)
  return listImports(file)
    .filter((imported) => imported.startsWith('src/'))
    .every(isGround)
}

function mayImport(from: string, to: string): boolean {
  const [fromRoom, toRoom] = [findRoom(from), findRoom(to)]
  if (fromRoom === toRoom || isGround(to)) return true
  if (toRoom === 'persistence' && ['limiting', 'actors', 'supervisor'].includes(fromRoom))
    return doorsOfPersistence.includes(to)
  return levels.indexOf(toRoom) < levels.indexOf(fromRoom)
}

/** A file with all files of ours that it stands on. */
function collectFoundation(path: string, seen = new Set<string>()): readonly SourceFile[] {
  const file = byPath.get(path)
  if (!file || seen.has(path)) return []
  seen.add(path)
  return [file, ...listImports(file).flatMap((imported) => collectFoundation(imported, seen))]
}

describe('arrows go down only', () => {
  test('no file imports from a room above its own, nor a store by name', () => {
    const wrong = files.flatMap((file) =>
      listImports(file)
        .filter((imported) => imported.startsWith('src/') && !mayImport(file.path, imported))
        .map((imported) => `${file.path} → ${imported}`)
    )
    expect(wrong).toEqual([])
  })

  test('telemetry stands on nothing of ours', () => {
    const imports = files.filter((file) => findRoom(file.path) === 'telemetry').flatMap(listImports)
    expect(imports.filter((path) => path.startsWith('src/') && !path.startsWith('src/telemetry/'))).toEqual([])
  })

  test('index.ts only exports', () => {
    const index = byPath.get('src/index.ts')
    const statements = index ? removeComments(index).match(/^\w+/gm) : []
    expect((statements ?? []).filter((word) => word !== 'export')).toEqual([])
  })

  test('only the XState port knows the inside of XState', () => {
    const isInside = (path: string): boolean => path.startsWith('src/actors/xstate/')
    const port = collectFoundation('src/actors/transition.ts').map((file) => file.path)
    const users = files.filter((file) => listImports(file).some(isInside)).map((file) => file.path)
    expect(users.filter((path) => !isInside(path) && !port.includes(path))).toEqual([])
  })
})

describe('the core is pure', () => {
  const core = ['actors/transition', 'actors/mailbox', 'actors/snapshot-codec', 'supervisor/restart-strategy']
  const impure = /^(effect|pg|postgres|@electric-sql|node:(?!util|buffer))/
  const clock = /\bDate\.now\b|\bnew Date\(\)|\bperformance\b|\bset(Timeout|Interval|Immediate)\((?!\))/

  test.each(core)('%s, with all that it stands on, imports no Effect, no client and no I/O', (name) => {
    const wrong = collectFoundation(`src/${name}.ts`).flatMap((file) =>
      listImports(file)
        .filter((imported) => impure.test(imported))
        .map((imported) => `${file.path} → ${imported}`)
    )
    expect(wrong).toEqual([])
  })

  test.each(core)('%s, with all that it stands on, reads no clock', (name) => {
    const foundation = collectFoundation(`src/${name}.ts`)
    expect(foundation).not.toEqual([])
    expect(foundation.filter((file) => clock.test(removeComments(file))).map((file) => file.path)).toEqual([])
  })
})
