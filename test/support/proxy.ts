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
 * 2. What is held, and what comes after it on its connection, goes nowhere before `heal`; it is lost when its client ends.
 * 3. Once `whenServerIsDone` has resolved, the server has forgotten all clients that are gone: their locks are free.
 * 4. While it is cut, no connection is open and none comes about; the server knows that all are gone.
 */
import { connect, createServer, type AddressInfo, type Socket } from 'node:net'
import { MessageReader, nameOf, type Message } from './protocol.ts'

export interface Passage {
  /** File name of the statement in sql/queries, e.g. `commit`; `BEGIN`, `SAVEPOINT`, `COMMIT`, `ROLLBACK`; '' where it is none that is known. */
  readonly statement: string
  readonly at: 'asked' | 'answered'
  /** A transaction goes on, as the server has said: what was done in it does not stand yet. */
  readonly isWithin: boolean
}

/** `hold`: neither side hears any more of it · `cut`: the connection ends, on both sides. */
export type Gate = (passage: Passage) => 'pass' | 'hold' | 'cut'

export interface Proxy {
  /** For clients: the given one, with this proxy in the server's place. */
  readonly url: string
  /** Ends every connection, and each that is tried, until `heal`. */
  cut(): void
  /** As when the server's machine loses its power: its half of each connection is gone, and the client's hears nothing of it, ever. */
  silence(): void
  /** Lets connections come about again, and what is held go on its way, in order. */
  heal(): void
  whenServerIsDone(): Promise<void>
  close(): Promise<void>
}

export async function openProxy(url: string, gate: Gate): Promise<Proxy> {
  const target = new URL(url)
  const links = new Set<Link>()
  let isCut = false
  const server = createServer({ allowHalfOpen: true }, (client) => {
    if (isCut) return void client.on('error', () => undefined).destroy()
    const link = openLink(client, connect(Number(target.port), target.hostname), gate)
    links.add(link)
    void link.ended.then(() => links.delete(link))
  })
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done))
  const own = new URL(url)
  own.host = `127.0.0.1:${(server.address() as AddressInfo).port}`

  const whenServerIsDone = async (): Promise<void> => void (await Promise.all([...links].map(({ ended }) => ended)))
  return {
    url: own.href,
    cut: () => {
      isCut = true
      for (const link of links) link.cut()
    },
    silence: () => {
      for (const link of links) link.silence()
    },
    heal: () => {
      isCut = false
      for (const link of links) link.goOn()
    },
    whenServerIsDone,
    close: async () => {
      server.close()
      await whenServerIsDone()
    }
  }
}

/** One connection. */
interface Link {
  /** Resolves once the server has ended its half. */
  readonly ended: Promise<void>
  cut(): void
  silence(): void
  goOn(): void
}

function openLink(client: Socket, server: Socket, gate: Gate): Link {
  // The client's first words and the server's greeting have a form of their own, and no statement is among them.
  let isGreeted = false
  let asking: Message[] = []
  let answering: Message[] = []
  let statement: string | null = null
  let isWithin = false
  let held: { readonly to: Socket; readonly bytes: Buffer }[] = []
  let isSilent = false

  const pass = (at: Passage['at'], messages: readonly Message[], to: Socket): void => {
    const verdict = gate({ statement: statement ?? '', at, isWithin })
    const bytes = Buffer.concat(messages)
    if (verdict === 'cut') client.destroy()
    else if (verdict === 'hold' || held.length > 0) held.push({ to, bytes })
    else to.write(bytes)
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
    if (typeOf(message) === 'Z') isWithin = message.toString('latin1', message.length - 1) !== IDLE
    if (statement === null) client.write(Buffer.concat(answering))
    else pass('answered', answering, client)
    isGreeted ||= typeOf(message) === 'Z'
    statement = null
    answering = []
  })

  client.setNoDelay(true)
  server.setNoDelay(true)
  client.on('data', (chunk) => {
    if (isSilent) return
    if (isGreeted) questions.read(chunk)
    else server.write(chunk)
  })
  server.on('data', (chunk) => answers.read(chunk))
  // The end of one half ends the other; how it ended, its owner knows.
  client.on('end', () => (isSilent ? undefined : client.end()))
  client.on('error', () => undefined).on('close', () => server.end())
  server.on('error', () => undefined).on('close', () => (isSilent ? undefined : client.destroy()))
  return {
    ended: new Promise((done) => server.on('close', () => done())),
    cut: () => void client.destroy(),
    silence: () => {
      isSilent = true
      server.destroy()
    },
    goOn: () => {
      const waiting = held
      held = []
      for (const { to, bytes } of waiting) to.write(bytes)
    }
  }
}

/** What the server says that it is, outside of a transaction, when it is ready for the next statement. */
const IDLE = 'I'

const typeOf = (message: Message): string => String.fromCharCode(message[0] as number)
