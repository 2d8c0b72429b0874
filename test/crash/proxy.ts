/**
 * A proxy before Postgres that knows where statements begin and end, and can stop them there.
 *
 *     client ──► statement is whole ──► gate: 'asked' ────► server
 *     client ◄── gate: 'answered' ◄── answer is whole ◄──── server
 *
 * Owns: the connections of its clients, both halves. Does not own: which statement passes; the gate says so.
 *
 * Invariants
 * 1. A statement reaches the server as a whole or not at all, and so does its answer the client.
 * 2. What is held goes nowhere; it is lost when its client ends.
 * 3. Once `whenServerIsDone` has resolved, the server has forgotten all clients that are gone: their locks are free.
 */
import { connect, createServer, type AddressInfo, type Socket } from 'node:net'
import { MessageReader, nameOf, type Message } from './protocol.ts'

export interface Passage {
  /** File name of the statement in sql/queries, e.g. `commit`; '' where it has no name. */
  readonly statement: string
  readonly at: 'asked' | 'answered'
}

/** `hold`: neither side hears any more of it · `cut`: the connection ends, on both sides. */
export type Gate = (passage: Passage) => 'pass' | 'hold' | 'cut'

export interface Proxy {
  /** For clients: the given one, with this proxy in the server's place. */
  readonly url: string
  whenServerIsDone(): Promise<void>
  close(): Promise<void>
}

export async function openProxy(url: string, gate: Gate): Promise<Proxy> {
  const target = new URL(url)
  const ends = new Set<Promise<void>>()
  const server = createServer((client) => {
    const end = link(client, connect(Number(target.port), target.hostname), gate)
    ends.add(end)
    void end.then(() => ends.delete(end))
  })
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done))
  const own = new URL(url)
  own.host = `127.0.0.1:${(server.address() as AddressInfo).port}`

  const whenServerIsDone = async (): Promise<void> => void (await Promise.all(ends))
  return {
    url: own.href,
    whenServerIsDone,
    close: async () => {
      server.close()
      await whenServerIsDone()
    }
  }
}

/** Carries one connection. Resolves once the server has ended its half. */
function link(client: Socket, server: Socket, gate: Gate): Promise<void> {
  // The client's first words and the server's greeting have a form of their own, and no statement is among them.
  let isGreeted = false
  let asking: Message[] = []
  let answering: Message[] = []
  let statement: string | null = null

  const pass = (at: Passage['at'], messages: readonly Message[], to: Socket): void => {
    const verdict = gate({ statement: statement ?? '', at })
    if (verdict === 'pass') to.write(Buffer.concat(messages))
    else if (verdict === 'cut') client.destroy()
  }
  const questions = new MessageReader((message) => {
    asking.push(message)
    statement = nameOf(message) ?? statement
    if (!['S', 'Q'].includes(typeOf(message))) return
    statement ??= ''
    pass('asked', asking, server)
    asking = []
  })
  const answers = new MessageReader((message) => {
    answering.push(message)
    if (statement !== null && typeOf(message) !== 'Z') return
    if (statement === null) client.write(Buffer.concat(answering))
    else pass('answered', answering, client)
    isGreeted ||= typeOf(message) === 'Z'
    statement = null
    answering = []
  })

  client.setNoDelay(true)
  server.setNoDelay(true)
  client.on('data', (chunk) => (isGreeted ? questions.read(chunk) : server.write(chunk)))
  server.on('data', (chunk) => answers.read(chunk))
  // The end of one half ends the other; how it ended, its owner knows.
  client.on('error', () => undefined).on('close', () => server.end())
  server.on('error', () => undefined).on('close', () => client.destroy())
  return new Promise((done) => server.on('close', () => done()))
}

const typeOf = (message: Message): string => String.fromCharCode(message[0] as number)
