import { afterEach, expect, test, vi } from 'vitest'
import type * as XState from 'xstate'
import { INTERNALS } from '../../src/actors/xstate/internals.ts'

afterEach(() => {
  vi.doUnmock('xstate')
  vi.resetModules()
})

/** The self-test, on an xstate whose actors are changed as they are made. */
async function assertSupported(change: (actor: Record<string, unknown>) => void): Promise<void> {
  const xstate = await vi.importActual<typeof XState>('xstate')
  const createActor = (...args: Parameters<typeof xstate.createActor>) => {
    const actor = xstate.createActor(...args)
    change(actor as unknown as Record<string, unknown>)
    return actor
  }
  vi.doMock('xstate', () => ({ ...xstate, createActor }))
  vi.resetModules()
  const { assertXStateSupported } = await import('../../src/actors/xstate/internals.ts')
  assertXStateSupported()
}

test('the installed xstate has every internal that is relied on', async () => {
  await expect(assertSupported(() => {})).resolves.toBeUndefined()
  expect(INTERNALS.every(({ why }) => why.length > 0)).toBe(true)
})

test('a release without an internal is refused by its name', async () => {
  const moved = (actor: Record<string, unknown>): void => {
    delete actor._syncSnapshot
  }
  await expect(assertSupported(moved)).rejects.toThrow("actor has no '_syncSnapshot'")
})

test('a release that asks nobody before it runs a custom action is refused', async () => {
  const runsAtOnce = ({ _actorScope: scope }: Record<string, unknown>): void => {
    const actionExecutor = ({ exec }: { exec(): void }): void => exec()
    Object.assign(scope as object, { actionExecutor })
  }
  await expect(assertSupported(runsAtOnce)).rejects.toThrow('would not wait for the commit')
})
