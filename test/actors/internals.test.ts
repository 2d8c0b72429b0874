import { afterEach, expect, test, vi } from 'vitest'
import type * as XState from 'xstate'
import { INTERNALS, type Owner } from '../../src/actors/xstate/internals.ts'
import { listImports, readTypeScript, removeComments, type SourceFile } from '../house/repository.ts'

afterEach(() => {
  vi.doUnmock('xstate')
  vi.resetModules()
})

type XStateModule = typeof XState

/** The self-test, on an xstate of which some exports are others. */
async function assertSupported(change: (xstate: XStateModule) => object = () => ({})): Promise<void> {
  const xstate = await vi.importActual<XStateModule>('xstate')
  vi.doMock('xstate', () => ({ ...xstate, ...change(xstate) }))
  vi.resetModules()
  const { assertXStateSupported } = await import('../../src/actors/xstate/supported.ts')
  assertXStateSupported()
}

/** As `target` is, but for `field`: gone, or `instead`. */
function changed<Target extends object>(target: Target, field: string, instead?: object): Target {
  return new Proxy(target, {
    has: (_, key) => (key === field ? instead !== undefined : Reflect.has(target, key)),
    get: (_, key) => (key === field ? instead : (Reflect.get(target, key) as unknown))
  })
}

/** Where an owner is found, from an actor on. */
const PATHS: Partial<Record<Owner, readonly string[]>> = {
  actor: [],
  scope: ['_actorScope'],
  system: ['system'],
  scheduler: ['system', 'scheduler'],
  snapshot: ['_snapshot'],
  machine: ['_snapshot', 'machine'],
  node: ['_snapshot', 'machine', 'root']
}

/** An xstate that has moved one of its internals elsewhere. */
const without =
  (owner: Owner, field: string) =>
  (xstate: XStateModule): object => {
    const path = PATHS[owner]
    if (path) return { createActor: wrap(xstate.createActor, (actor) => changedAt(actor, path, field)) }
    switch (owner) {
      case 'schedule':
        return {
          createActor: wrap(xstate.createActor, (actor) => changedAt(actor, ['system'], 'getSnapshot', () => ({})))
        }
      case 'observable':
        return { fromObservable: () => ({ getInitialSnapshot: () => ({}) }) }
      case 'logged':
        return { log: () => ({ resolve: () => [{}, changed({ label: '', value: '' }, field)] }) }
      default:
        return { [owner]: wrap(xstate[owner as Maker], (made) => changed(made, field)) }
    }
  }

type Maker = 'raise' | 'spawnChild' | 'assign' | 'enqueueActions' | 'and'

/** `make`, with what it makes gone through `change`. */
function wrap(make: unknown, change: (made: object) => object): unknown {
  return (...args: unknown[]) => change((make as (...args: unknown[]) => object)(...args))
}

function changedAt(target: object, path: readonly string[], field: string, instead?: object): object {
  const [first, ...rest] = path
  if (first === undefined) return changed(target, field, instead)
  return changed(target, first, changedAt(Reflect.get(target, first) as object, rest, field, instead))
}

test('the installed xstate has every internal that is relied on', async () => {
  await expect(assertSupported()).resolves.toBeUndefined()
  expect(INTERNALS.every(({ why }) => why.length > 0)).toBe(true)
})

test.each(INTERNALS)('a release whose $owner has no $field is refused by that name', async ({ owner, field }) => {
  await expect(assertSupported(without(owner, field))).rejects.toThrow(`its ${owner} has no '${field}'`)
})

test('a release that asks nobody before it runs a custom action is refused', async () => {
  const runsAtOnce = ({ createActor }: XStateModule): object => ({
    createActor: (...args: Parameters<typeof createActor>) => {
      const actor = createActor(...args)
      const { _actorScope: scope } = actor as unknown as { readonly _actorScope: object }
      Object.assign(scope, { actionExecutor: ({ exec }: { exec(): void }) => exec() })
      return actor
    }
  })
  await expect(assertSupported(runsAtOnce)).rejects.toThrow('would not wait for the commit')
})

test('every name with an underscore that is used of XState is in the list', () => {
  const known = new Set(INTERNALS.map(({ field }) => field)).add('_tag') // that one is of our errors
  const knowsXState = (file: SourceFile): boolean =>
    listImports(file).some((path) => /^xstate$|actors\/xstate/.test(path))
  const unlisted = readTypeScript('src')
    .filter(knowsXState)
    .flatMap((file) => [...removeComments(file).matchAll(/\b_[a-z]\w*/gi)].map(([name]) => `${file.path} ${name}`))
    .filter((use) => !known.has(use.split(' ')[1] ?? ''))
  expect(unlisted).toEqual([])
})
