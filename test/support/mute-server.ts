/**
 * A server that lets everybody connect, and says nothing.
 *
 * Owns: its connections. Does not own: who waits for them.
 */
import { once } from 'node:events'
import { createServer, type AddressInfo, type Socket } from 'node:net'

export interface MuteServer {
  readonly url: string
  /** Resolves once so many connections were made, in all. */
  whenReached(times: number): Promise<void>
  close(): void
}

export async function openMuteServer(): Promise<MuteServer> {
  const clients: Socket[] = []
  const server = createServer((client) => void clients.push(client.on('error', () => undefined).resume()))
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done))
  return {
    url: `postgres://anyone@127.0.0.1:${(server.address() as AddressInfo).port}/any`,
    whenReached: async (times) => {
      while (clients.length < times) await once(server, 'connection')
    },
    close: () => {
      server.close()
      for (const client of clients) client.destroy()
    }
  }
}
