/**
 * What lies at rest of actors whose machine has a `codec`: encoded where it is put into rows, decoded where a row is read.
 *
 *     {"$type":"encoded","machine":"order","text":"…"}      in place of a document of plain JSON
 *
 * Owns: the option, the stored form, which parts of rows and commits have it. Does not own: values (snapshot-codec.ts), rows.
 *
 * Invariants
 * 1. What is stored says by whose codec it was encoded. Plain documents are read as they are, also where there is a codec: it may be
 *    given to a machine that has actors already.
 * 2. Decoding twice is decoding once. No document of a user's looks encoded: its `$type` is wrapped (snapshot-codec.ts).
 * 3. What an actor sends is encoded by the codec of its own machine, as the machine of who gets it need not be known; what comes from
 *    outside by that of the actor that it is for. Both stores copy the ends of children into inboxes as they are.
 */
import { InvalidArgumentError, NotSerializableError, SnapshotIllegalError } from '../errors.ts'
import { lookAt } from '../plain-arguments.ts'
import type { ActorRow, ClaimedRow, Commit, Json, Outgoing, Signal } from '../persistence/store.ts'
import { encodeError } from './snapshot-codec.ts'

export interface Codec {
  /** Makes what is stored of a JSON text: any text from which `decode` makes that one again. Synchronous. */
  encode(json: string): string
  decode(stored: string): string
}

interface Encoded {
  readonly $type: 'encoded'
  readonly machine: string
  readonly text: string
}

interface Coded {
  readonly name: string
  readonly codec: Codec | null
}

/** As persistence/child-events.ts has them. */
interface End {
  readonly status: string
  readonly output?: unknown
  readonly error?: unknown
}

interface Ends {
  readonly type: string
  readonly outcome?: End
  /** null: the child lives. */
  readonly outcomes?: readonly (End | null)[]
}

const ENCODED = '{"$type":"encoded",'
const OF_CHILDREN = '{"type":"perdure.child'
const COLUMNS = ['input', 'snapshot', 'journal', 'journalBefore', 'output', 'lastError'] as const

/** Throws InvalidArgumentError. */
export function readCodec(codec: Codec | undefined): Codec | null {
  if (codec === undefined) return null
  const isCodec = lookAt('codec', 'Pass { encode, decode }', () => {
    return typeof codec?.encode === 'function' && typeof codec.decode === 'function'
  })
  if (isCodec) return codec
  throw new InvalidArgumentError('codec', 'is not { encode, decode }', 'Pass two functions from text to text')
}

/** `what` names the document in a refusal. Throws NotSerializableError. */
export function encodeBy({ name, codec }: Coded, json: Json, what: string): Json {
  if (codec === null) return json
  const encoded: Encoded = { $type: 'encoded', machine: name, text: encodeText(name, codec, json, what) }
  return JSON.stringify(encoded)
}

function encodeText(name: string, codec: Codec, json: Json, what: string): string {
  let text: unknown
  try {
    text = codec.encode(json)
  } catch (error) {
    throw new NotSerializableError(what, `refused by the codec of '${name}' (${messageOf(error)})`)
  }
  if (typeof text === 'string') return text
  throw new NotSerializableError(
    what,
    `given back as ${text === null ? 'null' : typeof text} by the codec of '${name}'`
  )
}

/** Of whatever was thrown: also what cannot be told is. */
function messageOf(error: unknown): string {
  try {
    return String(error instanceof Error ? error.message : error)
  } catch {
    return 'it threw what cannot be told'
  }
}

/** The codecs that a runtime knows, by machine. */
export class Codecs {
  readonly #byMachine = new Map<string, Codec>()

  /** Throws InvalidArgumentError where versions of one machine have several: what is sent to an actor fits any version of it. */
  constructor(registrations: readonly Coded[]) {
    for (const { name, codec } of registrations) if (codec !== null) this.#byMachine.set(name, codec)
    for (const { name, codec } of registrations) {
      if (codec === this.#find(name)) continue
      throw new InvalidArgumentError(
        `machines: '${name}'`,
        'has versions with different codecs',
        'Give all of them the same'
      )
    }
  }

  /** The machines that have one. */
  get machines(): readonly string[] {
    return [...this.#byMachine.keys()]
  }

  get isEmpty(): boolean {
    return this.#byMachine.size === 0
  }

  #find(machine: string): Codec | null {
    return this.#byMachine.get(machine) ?? null
  }

  /** Of a machine without a codec, or one that is not known here, a document stays as it is. Throws NotSerializableError. */
  encode(machine: string, json: Json, what: string): Json {
    return encodeBy({ name: machine, codec: this.#find(machine) }, json, what)
  }

  /** Throws NotSerializableError. */
  encodeCommit(machine: string, commit: Commit): Commit {
    if (this.isEmpty) return commit
    const encode = (json: Json | null, what: string): Json | null => json && this.encode(machine, json, what)
    return {
      ...commit,
      snapshot: encode(commit.snapshot, 'snapshot'),
      journal: encode(commit.journal, 'journal'),
      output: encode(commit.output, 'output'),
      lastError: commit.lastError && this.#encodeError(machine, commit.lastError),
      deferred: commit.deferred.map((each) => ({ ...each, event: this.encode(machine, each.event, 'event') })),
      ...(commit.outgoing && { outgoing: this.#encodeOutgoing(machine, commit.outgoing) })
    }
  }

  #encodeOutgoing(machine: string, { births, messages, ...rest }: Outgoing): Outgoing {
    return {
      ...rest,
      births: births.map((birth) => ({
        ...birth,
        input: birth.input && this.encode(birth.machine, birth.input, 'input')
      })),
      messages: messages.map(({ to, event }) => ({ to, event: this.encode(machine, event, 'event') }))
    }
  }

  /** An actor must be able to fail, also where its codec does: its error is left out then. */
  #encodeError(machine: string, json: Json): Json {
    try {
      return this.encode(machine, json, 'error')
    } catch (error) {
      return encodeError(new Error(`an error that cannot be told: ${messageOf(error)}`))
    }
  }

  /** Throws SnapshotIllegalError, in the name of the actor `id`. */
  decode(id: string, json: Json): Json {
    if (json.startsWith(ENCODED)) return this.#decode(id, JSON.parse(json) as Encoded)
    if (json.startsWith(OF_CHILDREN) && json.includes(ENCODED)) return this.#decodeEnds(id, json)
    return json
  }

  #decode(id: string, { machine, text }: Encoded): Json {
    const codec = this.#find(machine)
    if (codec === null) {
      throw new SnapshotIllegalError(id, `'${machine}' encoded it`, `Register '${machine}', with its codec`)
    }
    let json: unknown
    try {
      json = codec.decode(text)
    } catch (error) {
      throw new SnapshotIllegalError(id, `the codec of '${machine}' refused it (${messageOf(error)})`, MEND)
    }
    if (typeof json === 'string') return json
    throw new SnapshotIllegalError(id, `the codec of '${machine}' made no text of it`, MEND)
  }

  /** What an actor is told of its children holds outputs and errors as their rows do (persistence/child-events.ts). */
  #decodeEnds(id: string, json: Json): Json {
    try {
      const { outcome, outcomes, ...event } = JSON.parse(json) as Ends
      if (outcome !== undefined) return JSON.stringify({ ...event, outcome: this.#decodeEnd(id, outcome) })
      return JSON.stringify({ ...event, outcomes: outcomes?.map((each) => each && this.#decodeEnd(id, each)) })
    } catch (error) {
      if (error instanceof SnapshotIllegalError) throw error
      throw new SnapshotIllegalError(id, `what it was told of its children is malformed (${messageOf(error)})`, MEND)
    }
  }

  #decodeEnd(id: string, end: End): End {
    const field = 'output' in end ? 'output' : 'error'
    const json = JSON.stringify(end[field])
    return { ...end, [field]: JSON.parse(this.decode(id, json)) as unknown }
  }

  /** Throws SnapshotIllegalError. */
  decodeRow<Row extends ActorRow | ClaimedRow>(row: Row): Row {
    let decoded = row
    for (const column of COLUMNS) {
      const json = row[column]
      if (json?.startsWith(ENCODED)) decoded = { ...decoded, [column]: this.decode(row.id, json) }
    }
    if (!('inbox' in row) || row.inbox.length === 0) return decoded
    return { ...decoded, inbox: this.decodeSignals(row.id, row.inbox) }
  }

  /** Throws SnapshotIllegalError. */
  decodeSignals(id: string, signals: readonly Signal[]): readonly Signal[] {
    if (!signals.some(({ event }) => event.includes(ENCODED))) return signals
    return signals.map((signal) => ({ ...signal, event: this.decode(id, signal.event) }))
  }
}

const MEND = 'Give the machine the codec that wrote it'
