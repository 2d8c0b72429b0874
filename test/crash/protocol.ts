/**
 * As much of Postgres's wire protocol as is needed to see statements.
 *
 * A message is a type (one byte), a length (four bytes, itself included) and a body. Bodies that matter here:
 * Parse 'P' (name, text, …) and Bind 'B' (portal, name, …), whose strings end with a zero byte.
 */
export type Message = Buffer

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

/** The statement that a Parse or a Bind names, both ways to commit being one; undefined: this message names no statement. */
export function nameOf(message: Message): string | undefined {
  const [first = '', second = ''] = message.toString('latin1', HEADER_BYTES).split('\0', 2)
  const type = String.fromCharCode(message[0] as number)
  const name = type === 'P' ? first : type === 'B' ? second : ''
  const statement = /^perdure_(\w+)_[0-9a-f]{12}$/.exec(name)?.[1]
  return statement === 'commit_one' ? 'commit' : statement
}
