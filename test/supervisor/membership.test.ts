/** The lease of a node, by its own clock. */
import { expect, onTestFinished, test } from 'vitest'
import { DatabaseClock } from '../../src/clock.ts'
import { MemoryStore } from '../../src/persistence/memory-store.ts'
import type { Lease } from '../../src/persistence/store.ts'
import { Membership } from '../../src/supervisor/membership.ts'
import { openTree } from '../../src/supervisor/tree.ts'
import { Telemetry } from '../../src/telemetry/telemetry.ts'

const leaseMs = 300

/** A member whose database renews its lease whenever it is asked, after `beforeAnswer`. */
function join(
  beforeAnswer: (renewal: number) => Promise<void> | void,
  serverOf: (renewal: number) => string = () => 'a server'
) {
  const store = new MemoryStore(Date)
  let drops = 0
  store.dropConnections = () => void drops++
  const openLease = store.join.bind(store)
  let renewals = 0
  store.join = async (node, name): Promise<Lease> => {
    const { leave } = await openLease(node, name, leaseMs)
    const renew = async () => {
      const renewal = ++renewals
      await beforeAnswer(renewal)
      return { held: true, now: Date.now(), server: serverOf(renewal) }
    }
    return { isOpen: true, renew, leave }
  }
  const telemetry = new Telemetry()
  const membership = new Membership({ store, name: 'a node', leaseMs, clock: new DatabaseClock(), telemetry })
  const children = [membership.spec]
  const tree = openTree({
    strategy: 'restForOne',
    maxRestarts: 5,
    withinMs: 60_000,
    children,
    onCrash: () => undefined
  })
  onTestFinished(() => tree.stop())
  return { membership, telemetry, tree, drops: () => drops }
}

const never = new Promise<never>(() => undefined)

function block(ms: number): void {
  const until = performance.now() + ms
  while (performance.now() < until);
}

test('a lease that ran out while the process was blocked is not taken up again, though the database renews it', async () => {
  const { membership, telemetry, tree } = join((renewal) => (renewal === 2 ? block(leaseMs) : undefined))
  await tree.started
  const first = membership.node
  const fenced = new Promise((heard) => telemetry.on('node.fenced', heard))
  const joined = new Promise((heard) => telemetry.on('node.joined', heard))
  expect(await fenced).toMatchObject({ node: first, reason: expect.stringContaining('ran out') })
  expect(await joined).not.toMatchObject({ node: first })
})

test('a renewal that is answered after its node has joined anew says nothing of the new lease', async () => {
  let answer: () => void = () => undefined
  const { membership, telemetry, tree } = join((renewal) =>
    renewal === 2 ? new Promise((answered) => (answer = answered)) : undefined
  )
  await tree.started
  await new Promise((heard) => telemetry.on('node.joined', heard))
  const second = membership.node
  answer()
  await new Promise((later) => setImmediate(later))
  expect([membership.holdsLease, membership.node]).toEqual([true, second])
})

test('a lease does not outlive the server that gave it: the node joins anew, once', async () => {
  let heard: () => void = () => undefined
  const renewedOften = new Promise<void>((often) => (heard = often))
  const { membership, telemetry, tree } = join(
    (renewal) => (renewal === 6 ? heard() : undefined),
    (renewal) => (renewal <= 2 ? 'the first' : 'the second')
  )
  const reasons: string[] = []
  telemetry.on('node.fenced', ({ reason }) => reasons.push(reason))
  await tree.started
  const first = membership.node
  await renewedOften
  expect(membership.node).not.toBe(first)
  expect(reasons.filter((reason) => reason.includes('started anew'))).toHaveLength(1)
})

test('a database that falls silent costs all connections, and the node joins anew', async () => {
  const { membership, telemetry, tree, drops } = join((renewal) => (renewal === 2 ? never : undefined))
  await tree.started
  const fenced = new Promise((heard) => telemetry.on('node.fenced', heard))
  const joined = new Promise((heard) => telemetry.on('node.joined', heard))
  expect(await fenced).toMatchObject({ reason: expect.stringContaining('did not answer') })
  expect(drops()).toBe(1)
  expect(await joined).toMatchObject({ node: membership.node })
})

test('a node that is never answered while it joins tries again, over other connections', async () => {
  const { membership, telemetry, tree, drops } = join((renewal) => ([2, 3].includes(renewal) ? never : undefined))
  await tree.started
  const nodes: string[] = []
  telemetry.on('node.left', ({ node }) => nodes.push(node))
  const first = membership.node
  const joined = new Promise((heard) => telemetry.on('node.joined', heard))
  expect(await joined).toMatchObject({ node: expect.not.stringContaining(first as string) })
  expect(drops()).toBe(2)
  expect(nodes).toEqual([first])
})

test('a node that is joining stops, though nobody answers it', async () => {
  const asked: (() => void)[] = []
  const isAsked = new Promise<void>((heard) => asked.push(heard))
  const { membership, tree } = join(() => {
    asked[0]?.()
    return never
  })
  const started = tree.started.catch(() => 'it did not start')
  await isAsked
  await tree.stop()
  expect(await started).toBe('it did not start')
  expect(membership.node).toBeNull()
})
