/** A client that works for as long as its transaction. */
import { EventEmitter } from 'node:events'
import { expect, test } from 'vitest'
import { leash } from '../../src/persistence/drivers/leash.ts'

/** Keeps what reaches it. */
class Client {
  readonly reached: string[] = []
  readonly name = 'the client'
  query(text: string): string {
    this.reached.push(text)
    return `answer to ${text}`
  }
  release(): void {
    this.reached.push('release')
  }
  end(): void {
    this.reached.push('end')
  }
}

/** As of postgres.js: a function that has methods. */
const makeSql = (reached: string[]) => {
  const ask = (text: string) => void reached.push(text)
  return Object.assign(ask, { unsafe: ask, end: () => ask('end') })
}

test('what is asked of it reaches the client, and the answer comes back', () => {
  const own = new Client()
  const client = leash(own).client as Client
  expect(client.query('one')).toBe('answer to one')
  expect(client.name).toBe('the client')
  expect(own.reached).toEqual(['one'])
})

test('once it has ended nothing reaches the client, not even by a method that was kept', async () => {
  const reached: string[] = []
  const lent = leash(makeSql(reached))
  const client = lent.client as ReturnType<typeof makeSql>
  const { unsafe } = client
  for (const ask of [client, unsafe]) ask('in time')
  lent.end()
  for (const ask of [client, unsafe, client.unsafe])
    await expect(ask('late')).rejects.toThrow('the transaction is over')
  expect(reached).toEqual(['in time', 'in time'])
})

test.each(['release', 'end'] as const)('it cannot be told to %s', (name) => {
  const own = new Client()
  const client = leash(own).client as Client
  expect(() => client[name]()).toThrow(`not yours to ${name}`)
  expect(own.reached).toEqual([])
})

test('libraries can tell what it is, also when it has ended', () => {
  const lent = leash(new Client())
  lent.end()
  expect(lent.client).toBeInstanceOf(Client)
  expect((lent.client as Client).constructor).toBe(Client)
  expect(typeof leash(makeSql([])).client).toBe('function')
})

test('a query that begins when it is waited for does not begin once it is over', async () => {
  const begun: string[] = []
  const lazy = (text: string) => {
    const query = {
      executed: false,
      handle: () => void (query.executed = begun.push(text) > 0),
      // oxlint-disable-next-line unicorn/no-thenable -- as those of postgres.js are
      then: (resolve: (value: string) => void) => {
        query.handle()
        resolve('answered')
      }
    }
    return query
  }
  const lent = leash(lazy)
  const client = lent.client as typeof lazy
  const [inTime, late] = [client('in time'), client('late')]
  expect(await inTime).toBe('answered')
  lent.end()
  await expect((async () => late)()).rejects.toThrow('the transaction is over')
  expect(begun).toEqual(['in time'])
})

test('the client of a savepoint ends with it', async () => {
  const reached: string[] = []
  const ask = async (text: string) => void reached.push(text)
  const lent = leash({ savepoint: (work: (inner: typeof ask) => unknown) => work(ask) })
  let kept = ask
  const client = lent.client as { savepoint(work: (inner: typeof ask) => unknown): unknown }
  client.savepoint((inner) => (kept = inner))
  await kept('in time')
  lent.end()
  await expect(kept('late')).rejects.toThrow('the transaction is over')
  expect(reached).toEqual(['in time'])
})

test('who asks with a callback is told there, when it is over', async () => {
  const lent = leash({ query: (_text: string, told: (error: Error | null) => void) => told(null) })
  const client = lent.client as { query(text: string, told: (error: Error | null) => void): void }
  lent.end()
  const error = await new Promise<Error | null>((told) => client.query('late', told))
  expect(error?.message).toContain('the transaction is over')
})

test('who listens to it may cease to when it is over, and is told nothing by that', () => {
  const own = new EventEmitter()
  const lent = leash(own)
  const client = lent.client as EventEmitter
  const heard: unknown[] = []
  const hear = (what: unknown) => void heard.push(what)
  client.on('notice', hear)
  own.emit('notice', 'in time')
  lent.end()
  client.off('notice', hear)
  expect([own.listenerCount('notice'), heard]).toEqual([0, ['in time']])
})
