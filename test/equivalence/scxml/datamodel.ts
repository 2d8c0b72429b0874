/**
 * SCXML's ecmascript datamodel over a machine's context: expressions and scripts, run with the context's properties as
 * their variables.
 *
 * They come from a package of tests and run in tests only; that is why `new Function` is fine here.
 *
 * Invariants
 * 1. A context is never changed: code works on a copy, and what it returns is plain data that can be stored.
 * 2. Code fails as it does in SCXML: on names that are not declared, on assignment to a system variable, on syntax.
 */
import type { EventObject } from 'xstate'
import { SCXML_PROCESSOR, showEvent } from './events.ts'

export type Data = Record<string, unknown>

export interface Moment {
  readonly context: Data
  readonly event: EventObject
}

/** XState's session ids differ from run to run, so there is one for all. */
export const SESSION = 'session'
export const SESSION_ADDRESS = `#_scxml_${SESSION}`

export class Datamodel {
  readonly #system
  readonly #definitions: string

  /** `definitions` are functions that all code of the document may call. */
  constructor(name: string | undefined, definitions: string) {
    const processor = { location: SESSION_ADDRESS }
    const _ioprocessors = { scxml: processor, [SCXML_PROCESSOR]: processor }
    this.#system = { _sessionid: SESSION, _name: name, _ioprocessors }
    this.#definitions = definitions
  }

  evaluate(expression: string, moment: Moment): unknown {
    return this.#run(`return (${expression.trim().replace(/;$/, '')}\n)`, moment)
  }

  /** The variables as the script leaves them, those of `declared` added. */
  execute(script: string, moment: Moment, declared: readonly string[] = []): Data {
    const names = new Set([...Object.keys(moment.context), ...declared])
    return this.#run(`${script}\nreturn { ${[...names].join(', ')} }`, moment) as Data
  }

  #run(body: string, { context, event }: Moment): unknown {
    const system = { ...this.#system, _event: showEvent(event) }
    const constants = `const { ${Object.keys(system).join(', ')} } = system`
    const source = `'use strict'\n${constants}\n${this.#definitions}\n${body}`
    // oxlint-disable-next-line typescript/no-implied-eval, no-new-func -- see above
    const code = new Function('system', ...Object.keys(context), source) as (...values: readonly unknown[]) => unknown
    return structuredClone(code(system, ...Object.values(structuredClone(context))))
  }
}

/** The value that a text stands for: JSON where it is that, else the words of it. */
export function readLiteral(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return text.trim().replaceAll(/\s+/g, ' ')
  }
}
