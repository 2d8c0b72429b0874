/** Whether connections have sessions of their own is found out from the processes that answer, however a pooler deals them out. */
import { expect, test } from 'vitest'
import { findSessions, type Probe } from '../../src/persistence/drivers/pooler.ts'

const madeUp = 4_711

/** Connections whose n-th statement is answered by process `deal(connection, n)`, n being counted over all of them. */
function poolerOf(deal: (connection: number, n: number) => number, toldPid: number | null = madeUp) {
  const counts = { opened: 0, asked: 0, ended: 0 }
  const connect = async (): Promise<Probe> => {
    const connection = counts.opened++
    return {
      toldPid,
      askPid: async () => deal(connection, counts.asked++),
      end: async () => void counts.ended++
    }
  }
  return { connect, counts }
}

test('where the process that was told answers, one statement tells', async () => {
  const { connect, counts } = poolerOf(() => madeUp)
  expect(await findSessions(connect)).toBe(true)
  expect(counts).toEqual({ opened: 1, asked: 1, ended: 1 })
})

test.each([madeUp, null])(
  'where each connection keeps a process for itself, it has a session (told: %s)',
  async (told) => {
    const { connect, counts } = poolerOf((connection) => connection, told)
    expect(await findSessions(connect)).toBe(true)
    expect(counts).toMatchObject({ opened: 2, ended: 2 })
  }
)

test('where all share one process, there are no sessions', async () => {
  expect(await findSessions(poolerOf(() => 1).connect)).toBe(false)
})

test.each([2, 3, 4, 5, 6, 7])('where %s processes take turns, there are no sessions', async (processes) => {
  for (let first = 0; first < processes; first++) {
    expect(await findSessions(poolerOf((_, n) => (first + n) % processes).connect)).toBe(false)
  }
})

test('where a connection changes its process once, there are no sessions', async () => {
  for (let change = 1; change <= 7; change++) {
    const { connect } = poolerOf((connection, n) => (n < change ? connection : connection + 10))
    expect(await findSessions(connect)).toBe(false)
  }
})

test('what was opened is ended though a question fails, and the failure is told', async () => {
  const { connect, counts } = poolerOf((connection, n) => {
    if (n === 4) throw new Error('gone')
    return connection
  })
  await expect(findSessions(connect)).rejects.toThrow('gone')
  expect(counts).toMatchObject({ opened: 2, ended: 2 })
})
