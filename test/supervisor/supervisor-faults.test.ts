/** What can go wrong under a supervisor: failures while starting and stopping, escalation, interruption. */
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { Cause, Deferred, Effect, Exit, Fiber, Logger } from 'effect'
import { TestClock } from 'effect/testing'
import { describe, expect, test, vi } from 'vitest'
import {
  type ChildSpec,
  type Supervisor,
  SupervisorGaveUpError,
  startSupervisor
} from '../../src/supervisor/supervisor.ts'
import type { Tree } from '../../src/supervisor/tree.ts'
import { Stage, buildOptions, open } from './stage.ts'

const boom = new Error('boom')

async function catchFailure(tree: Tree): Promise<unknown> {
  return Exit.match(await tree.ended, { onSuccess: () => undefined, onFailure: Cause.squash })
}

/** An effect that does something else with every run; the last goes on. */
function inTurn(...effects: readonly Effect.Effect<unknown, unknown>[]): Effect.Effect<unknown, unknown> {
  let run = 0
  return Effect.suspend(() => effects[Math.min(run++, effects.length - 1)] ?? Effect.void)
}

function failWith(failures: WeakRef<Error>[]): Effect.Effect<never, Error> {
  return Effect.suspend(() => {
    const error = new Error('boom')
    failures.push(new WeakRef(error))
    return Effect.fail(error)
  })
}

describe('the first start', () => {
  test('a start that fails rejects, once those before it are down, and starts nobody after it', async () => {
    const stage = new Stage()
    const failing = stage.child('b', 'permanent', Effect.fail(boom))
    const tree = open(buildOptions(stage, [stage.child('a'), failing, stage.child('c')]))
    await expect(tree.started).rejects.toBe(boom)
    expect(stage.log).toEqual(['+a', 'a up', '+b', '-b', '-a'])
    expect(await catchFailure(tree)).toBe(boom)
  })

  test('a start that throws rejects the same way', async () => {
    const stage = new Stage()
    const tree = open(buildOptions(stage, [stage.child('a', 'permanent', Effect.die(boom))]))
    await expect(tree.started).rejects.toBe(boom)
    expect(stage.log).toEqual(['+a', '-a'])
  })

  test('two children of one name are a programmer error', async () => {
    const stage = new Stage()
    const tree = open(buildOptions(stage, [stage.child('a'), stage.child('a')]))
    await expect(tree.started).rejects.toThrow('children share a name: a, a')
  })

  test('a crash while a later child still starts is handled when that is up', async () => {
    const stage = new Stage()
    const crashA = Effect.sync(() => stage.crash('a'))
    await open(buildOptions(stage, [stage.child('a'), stage.child('b', 'permanent', crashA)])).started
    await stage.saw('a up', 2)
    expect(stage.log).toEqual(['+a', 'a up', '+b', 'b up', 'crash a', '-a', '+a', 'a up'])
  })

  test('a tree that is stopped while a child starts releases all that was acquired', async () => {
    const stage = new Stage()
    const tree = open(buildOptions(stage, [stage.child('a'), stage.child('b', 'permanent', Effect.never)]))
    const failure = tree.started.catch((error: unknown) => error)
    await stage.saw('+b')
    await tree.stop()
    expect(await failure).toBeInstanceOf(Error)
    expect(stage.log).toEqual(['+a', 'a up', '+b', '-b', '-a'])
  })
})

describe('restarts', () => {
  test('a start that fails is tried again, and those after it follow once it is up', async () => {
    const stage = new Stage()
    const flaky = stage.child('a', 'permanent', inTurn(Effect.void, Effect.fail(boom), Effect.void))
    const tree = open(buildOptions(stage, [flaky, stage.child('b')], 'restForOne'))
    await tree.started
    stage.log.length = 0
    stage.crash('a')
    await stage.saw('b up')
    expect(stage.log).toEqual(['crash a', '-a', '-b', '+a', 'crash a', '-a', '+a', 'a up', '+b', 'b up'])
    expect(stage.crashes.map(Cause.squash)).toContain(boom)
    expect(tree.children().map((child) => child.restarts)).toEqual([2, 1])
  })

  test('a start that keeps failing gives up like any other crash', async () => {
    const stage = new Stage()
    const broken = stage.child('a', 'permanent', inTurn(Effect.void, Effect.fail(boom)))
    const tree = open({ ...buildOptions(stage, [broken]), maxRestarts: 2 })
    await tree.started
    stage.crash('a')
    expect(await catchFailure(tree)).toMatchObject({ _tag: 'SupervisorGaveUpError', child: 'a', cause: boom })
    expect(stage.crashes).toHaveLength(3)
  })

  test('of starts that fail for days nothing piles up', async () => {
    setFlagsFromString('--expose-gc')
    const collectGarbage = runInNewContext('gc') as () => void
    const failures: WeakRef<Error>[] = []
    const start = Effect.suspend(() => {
      if (failures.length === 0) return Effect.succeed({ run: failWith(failures) })
      return failWith(failures)
    })
    const children = [{ name: 'a', restart: 'permanent', start }] as const
    const tree = open({ strategy: 'restForOne', maxRestarts: Infinity, withinMs: 0, onCrash: () => {}, children })
    await tree.started
    await vi.waitUntil(() => failures.length > 20, { interval: 1, timeout: 10_000 })
    collectGarbage()
    expect(failures.filter((failure) => failure.deref() !== undefined).length).toBeLessThan(10)
  })

  test('a tree that is stopped while a child starts again releases everything', async () => {
    const stage = new Stage()
    const stuck = stage.child('a', 'permanent', inTurn(Effect.void, Effect.never))
    const tree = open(buildOptions(stage, [stuck, stage.child('b')]))
    await tree.started
    stage.crash('a')
    await stage.saw('+a', 2)
    stage.log.length = 0
    await tree.stop()
    expect(stage.log).toEqual(['-b', '-a'])
  })

  test('a supervisor that is interrupted in the pause before a restart starts nobody', async () => {
    const stage = new Stage()
    let supervisor: Supervisor | undefined
    const life = Effect.gen(function* () {
      supervisor = yield* startSupervisor(buildOptions(stage, [stage.child('a'), stage.child('b')]))
      yield* supervisor.run
    })
    // A clock that nobody moves: the pause does not end.
    const fiber = Effect.runFork(life.pipe(Effect.scoped, Effect.provide(TestClock.layer())))
    await stage.saw('b up')
    stage.crash('a')
    await vi.waitUntil(() => supervisor?.children()[0]?.state === 'restarting', { interval: 1 })
    stage.log.length = 0
    await Effect.runPromise(Fiber.interrupt(fiber))
    expect(stage.log).toEqual(['-b'])
  })
})

describe('escalation', () => {
  test('too many restarts fail the tree with the last cause, after all children were stopped', async () => {
    const stage = new Stage()
    const tree = open({ ...buildOptions(stage, [stage.child('a'), stage.child('b')]), maxRestarts: 1 })
    await tree.started
    stage.crash('b')
    await stage.saw('b up', 2)
    stage.crash('b', boom)
    const error = await catchFailure(tree)
    expect(error).toBeInstanceOf(SupervisorGaveUpError)
    expect(error).toMatchObject({ child: 'b', maxRestarts: 1, cause: boom })
    expect(stage.log.slice(-4)).toEqual(['b up', 'crash b', '-b', '-a'])
  })

  test('a supervisor under another is restarted with all its children when it gives up', async () => {
    const stage = new Stage()
    const inner = { ...buildOptions(stage, [stage.child('x'), stage.child('y')]), maxRestarts: 0 }
    const nested: ChildSpec = { name: 'inner', restart: 'permanent', start: startSupervisor(inner) }
    const tree = open(buildOptions(stage, [stage.child('a'), nested]))
    await tree.started
    stage.log.length = 0
    stage.crash('y', boom)
    await stage.saw('y up')
    expect(stage.log).toEqual(['crash y', '-y', '-x', 'crash inner', '+x', 'x up', '+y', 'y up'])
  })

  test('the tree shows supervisors with what they supervise', async () => {
    const stage = new Stage()
    const inner = buildOptions(stage, [stage.child('x')])
    const nested: ChildSpec = { name: 'inner', restart: 'permanent', start: startSupervisor(inner) }
    const tree = open(buildOptions(stage, [nested]))
    await tree.started
    stage.crash('x')
    await stage.saw('x up', 2)
    await vi.waitUntil(() => tree.children()[0]?.children[0]?.state === 'running', { interval: 1 })
    const x = { name: 'x', state: 'running', restarts: 1, children: [] }
    expect(tree.children()).toEqual([{ name: 'inner', state: 'running', restarts: 0, children: [x] }])
  })
})

describe('nothing is silent', () => {
  test('a release that throws is reported, and the others are stopped all the same', async () => {
    const stage = new Stage()
    const sore = stage.child(
      'b',
      'permanent',
      Effect.acquireRelease(Effect.void, () => Effect.die(boom))
    )
    const tree = open(buildOptions(stage, [stage.child('a'), sore]))
    await tree.started
    await tree.stop()
    expect(stage.crashes.map(Cause.squash)).toEqual([boom])
    expect(stage.log.slice(-3)).toEqual(['-b', 'crash b', '-a'])
  })

  test('a child that fails while it is being stopped is reported', async () => {
    const stage = new Stage()
    const run = Effect.never.pipe(Effect.onInterrupt(() => Effect.die(boom)))
    const tree = open(buildOptions(stage, [{ name: 'a', restart: 'permanent', start: Effect.succeed({ run }) }]))
    await tree.started
    await new Promise((done) => setImmediate(done))
    await tree.stop()
    expect(stage.crashes.map((cause) => cause.reasons.map((reason) => reason._tag))).toEqual([['Interrupt', 'Die']])
  })

  test('a child that fails while it is being stopped for another is reported even if the tree stops as well', async () => {
    const stage = new Stage()
    const gate = Deferred.makeUnsafe<void>()
    const run = Effect.never.pipe(
      Effect.onInterrupt(() => {
        stage.note('b stops')
        return Effect.andThen(Deferred.await(gate), Effect.die(boom))
      })
    )
    const sore: ChildSpec = { name: 'b', restart: 'permanent', start: Effect.succeed({ run }) }
    const tree = open(buildOptions(stage, [stage.child('a'), sore], 'oneForAll'))
    await tree.started
    stage.crash('a')
    await stage.saw('b stops')
    const stopped = tree.stop()
    Deferred.doneUnsafe(gate, Exit.void)
    await stopped
    expect(stage.log).toEqual(['+a', 'a up', 'crash a', '-a', 'b stops', 'crash b'])
  })

  test('a listener that throws is logged, and keeps nobody from being restarted', async () => {
    const stage = new Stage()
    const onCrash = (): never => {
      throw boom
    }
    const logger = Logger.make(({ message }) => stage.note(String(message)))
    const life = Effect.gen(function* () {
      const supervisor = yield* startSupervisor({ ...buildOptions(stage, [stage.child('a')]), onCrash })
      yield* supervisor.run
    })
    const fiber = Effect.runFork(life.pipe(Effect.scoped, Effect.provide(Logger.layer([logger]))))
    await stage.saw('a up')
    stage.crash('a')
    await stage.saw('a up', 2)
    expect(stage.log).toContain('the listener for crashes threw')
    await Effect.runPromise(Fiber.interrupt(fiber))
  })
})
