/**
 * As much of Postgres's wire protocol as is needed to see statements.
 *
 * A message is a type (one byte), a length (four bytes, itself included) and a body. Bodies that matter here:
 * Parse 'P' (name, text, …) and Bind 'B' (portal, name, …), whose strings end with a zero byte.
 */
import { readdirSync, readFileSync } from 'node:fs'

export type Message = Buffer

const queries = new URL('../../sql/queries/', import.meta.url)

const HEADER_BYTES = 5

/** Cuts a stream into messages. */
export class MessageReader {
  readonly #onMessage: (message: Message) => void
  #rest: Buffer = Buffer.alloc(0)

  constructor(onMessage: (message: Message) => void) {
    this.#onMessage = onMessage
  }

  read(chunk: Buffer): void {
    this.#rest = Buffer.concat([this.#rest, chunk])
    while (this.#rest.length >= HEADER_BYTES) {
      const end = 1 + this.#rest.readInt32BE(1)
      if (this.#rest.length < end) return
      const message = this.#rest.subarray(0, end)
      this.#rest = this.#rest.subarray(end)
      this.#onMessage(message)
    }
  }
}

/**
 * The statement that a message asks for, both ways to commit being one: its file in sql/queries, by the name or by the text that a
 * Parse or a Bind has; BEGIN, SAVEPOINT, COMMIT or ROLLBACK; the first word of what is the user's own, in capitals. undefined: none of these.
 */
export function nameOf(message: Message): string | undefined {
  const [first = '', second = ''] = message.toString('utf8', HEADER_BYTES).split('\0', 2)
  const type = String.fromCharCode(message[0] as number)
  if (type === 'Q') return /^(?:--.*\n)*(begin|commit|rollback|savepoint)\b/i.exec(first)?.[1]?.toUpperCase()
  if (type === 'P' && first === '') return fileOf(second) ?? /^\s*(\w+)/.exec(second)?.[1]?.toUpperCase()
  const name = type === 'P' ? first : type === 'B' ? second : ''
  const file = /^perdure_(\w+)_[0-9a-f]{12}$/.exec(name)?.[1]
  return file === 'commit_one' ? 'commit' : file
}

let files: ReadonlyMap<string, string> | undefined

/** Of a statement in the default schema. */
function fileOf(text: string): string | undefined {
  files ??= new Map(
    readdirSync(queries).map((file) => [readFileSync(new URL(file, queries), 'utf8'), file.replace(/\.sql$/, '')])
  )
  return files.get(text.replaceAll('"perdure".', 'perdure.'))
}
