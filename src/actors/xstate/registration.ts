/**
 * What a machine says about itself before it runs: everything in it that could not be durable, with the place and the
 * remedy.
 *
 * Owns: the static checks of a machine and of every machine that its actors name.
 * Does not own: what only shows at run time (inline `spawn` in a closure: live-tree.ts; values: snapshot-codec.ts).
 *
 * Invariants
 * 1. No code of the user's runs.
 * 2. An error is something that would lose or change what was promised; a warning, something that works and may
 *    surprise.
 */
import type { Finding, NotSerializableError } from '../../errors.ts'
import { remoteDefinitionOf } from '../../logics/definitions.ts'
import { encode } from '../snapshot-codec.ts'
import { actionsOf, nodesOf } from './action-addresses.ts'
import { type ActorKind, kindOf } from './actor-kinds.ts'
import { isMachine, type Logic, type MachineLogic, type Node } from './internals.ts'

export function checkMachine(machine: MachineLogic): readonly Finding[] {
  const findings: Finding[] = []
  new MachineCheck(machine, '', findings, new Set()).run()
  return findings
}

/** The parts of built-in actions and guards that hold names. XState keeps them on the function. */
interface BuiltIn {
  readonly type?: string
  readonly resolve?: unknown
  readonly id?: unknown
  readonly src?: unknown
  readonly delay?: unknown
  readonly collect?: unknown
  readonly assignment?: unknown
  readonly guards?: readonly unknown[]
}

interface Invocation {
  readonly node: Node
  readonly id: string
}

const NAME_IT = 'Name the logic in setup({ actors }) and use that name'

class MachineCheck {
  readonly #machine: MachineLogic
  readonly #path: string
  readonly #findings: Finding[]
  readonly #seen: Set<Logic>

  /** `path` leads from the root machine to this one; '' is the root. */
  constructor(machine: MachineLogic, path: string, findings: Finding[], seen: Set<Logic>) {
    this.#machine = machine
    this.#path = path
    this.#findings = findings
    this.#seen = seen
  }

  run(): void {
    if (this.#seen.has(this.#machine)) return
    this.#seen.add(this.#machine)
    this.#checkIds()
    this.#checkContext()
    this.#checkStates()
    this.#checkInvocations()
    for (const [place, action] of actionsOf(this.#machine)) this.#checkAction(place, action)
    for (const [name, guard] of Object.entries(this.#machine.implementations.guards))
      this.#checkGuard(`guards.${name}`, guard)
    for (const [name, logic] of Object.entries(this.#machine.implementations.actors)) {
      if (logic) this.#checkLogic(`actors.${name}`, logic)
    }
  }

  #error(place: string, problem: string, remedy: string): void {
    this.#report('error', place, problem, remedy)
  }

  #warn(place: string, problem: string, remedy: string): void {
    this.#report('warning', place, problem, remedy)
  }

  #report(level: Finding['level'], place: string, problem: string, remedy: string): void {
    this.#findings.push({ level, place: this.#path + place, problem, remedy })
  }

  // ── the machine itself ──────────────────────────────────────────────────────────────────────────────────────────

  #checkIds(): void {
    if (!this.#machine.config.id) {
      const level = this.#path === '' ? 'error' : 'warning'
      const problem = 'it has no id, by which its rows and its states are found again'
      this.#report(level, 'machine', problem, "Give it one: createMachine({ id: 'order' })")
    }
    const ids = new Set<string>()
    for (const { id } of nodesOf(this.#machine.root)) {
      if (ids.has(id)) this.#error(`#${id}`, 'two states have this id', 'Give each state an id of its own')
      ids.add(id)
    }
  }

  #checkContext(): void {
    const { context } = this.#machine.config
    if (typeof context === 'function') return
    try {
      encode(context, 'context')
    } catch (error) {
      const { path } = error as NotSerializableError
      this.#error(path, 'it cannot be stored', 'Keep plain data in context, and functions in actions, guards or actors')
    }
  }

  #checkStates(): void {
    for (const node of nodesOf(this.#machine.root)) {
      for (const delay of Object.keys(node.config.after ?? {})) {
        if (Number.isNaN(Number(delay))) this.#checkDelay(`#${node.id} after`, delay)
      }
      for (const [descriptor, transitions] of node.transitions) {
        for (const { guard } of transitions) this.#checkGuard(`#${node.id} on ${descriptor}`, guard)
      }
      for (const { guard } of node.always ?? []) this.#checkGuard(`#${node.id} always`, guard)
    }
  }

  // ── actors ──────────────────────────────────────────────────────────────────────────────────────────────────────

  #checkInvocations(): void {
    const invocations: Invocation[] = []
    for (const node of nodesOf(this.#machine.root)) {
      for (const [index, { src, onSnapshot }] of asArray(node.config.invoke).entries()) {
        const place = `#${node.id} invoke[${index}]`
        if (onSnapshot !== undefined && this.#isRemote(src)) {
          const problem = 'it wants snapshots of a child that lives in a row of its own'
          this.#error(place, problem, 'Have the child send what its parent needs to know, with sendParent')
        }
        if (typeof src === 'string') this.#checkActor(place, src)
        else this.#error(place, 'its src is inline logic, which cannot be found again after a restart', NAME_IT)
      }
      for (const { id } of node.invoke) invocations.push({ node, id })
    }
    for (const [index, first] of invocations.entries()) {
      const second = invocations
        .slice(index + 1)
        .find(({ node, id }) => id === first.id && canBothBeActive(node, first.node))
      if (!second) continue
      const place = `#${first.node.id} and #${second.node.id}`
      this.#error(
        place,
        `both invoke id '${first.id}' and can be active together`,
        'Give each invocation an id of its own'
      )
    }
  }

  #isRemote(src: unknown): boolean {
    const logic = typeof src === 'string' ? this.#machine.implementations.actors[src] : undefined
    return logic !== undefined && remoteDefinitionOf(logic) !== undefined
  }

  #checkActor(place: string, name: string): void {
    if (this.#machine.implementations.actors[name]) return
    this.#error(place, `actor '${name}' is not implemented`, `Add ${name} to setup({ actors }) or provide({ actors })`)
  }

  #checkLogic(place: string, logic: Logic): void {
    if (remoteDefinitionOf(logic)) return
    if (isMachine(logic)) return new MachineCheck(logic, `${this.#path}${place} > `, this.#findings, this.#seen).run()
    const kind = kindOf(logic)
    if (kind === 'custom') {
      const problem = 'it is hand-written logic with a start of its own, which would run before the commit'
      this.#error(place, problem, 'Write it with fromPromise, fromCallback, fromObservable or fromTransition')
    } else if (STARTS_ANEW.has(kind)) {
      this.#warn(
        place,
        `a running ${kind} is started again, from its input, after a crash`,
        'Make its start repeatable'
      )
    }
  }

  // ── actions and guards ──────────────────────────────────────────────────────────────────────────────────────────

  #checkAction(place: string, action: unknown): void {
    const name = nameOf(action)
    if (name !== undefined) {
      if (this.#machine.implementations.actions[name] !== undefined) return
      return this.#warn(
        place,
        `action '${name}' is not implemented; XState ignores it`,
        `Add ${name} to setup({ actions })`
      )
    }
    if (typeof action !== 'function') return
    const { type, src, id, delay, collect, assignment } = action as BuiltIn
    if (type === 'xstate.spawnChild') {
      if (typeof src === 'string') this.#checkActor(place, src)
      else this.#error(place, 'it spawns inline logic, which cannot be found again after a restart', NAME_IT)
      if (id === undefined)
        this.#error(place, "it spawns without an id, which XState files under 'undefined'", 'Give it an id')
    }
    // A delayed transition is an entry action to XState; it was checked where it is written.
    const isWritten = !String(id).startsWith('xstate.after.')
    if (typeof delay === 'string' && isWritten) this.#checkDelay(place, delay)
    if (sourcesOf(collect, assignment).some((source) => SPAWNS_INLINE.test(source))) {
      this.#warn(place, 'it seems to spawn inline logic, which is refused when it runs', NAME_IT)
    }
    if (sourcesOf(collect).some((source) => ENQUEUES_CLOSURE.test(source))) {
      const problem = 'it enqueues a function made on the spot: after a crash, it is found by running the turn again'
      this.#warn(place, problem, "Name the action in setup({ actions }) and enqueue('thatName')")
    }
  }

  #checkDelay(place: string, name: string): void {
    if (this.#machine.implementations.delays[name] !== undefined) return
    this.#error(
      place,
      `delay '${name}' is not implemented; XState would not wait at all`,
      `Add ${name} to setup({ delays })`
    )
  }

  #checkGuard(place: string, guard: unknown): void {
    const name = nameOf(guard)
    if (name !== undefined) {
      if (this.#machine.implementations.guards[name] !== undefined) return
      this.#error(place, `guard '${name}' is not implemented`, `Add ${name} to setup({ guards })`)
    } else if (typeof guard === 'function') {
      for (const inner of (guard as BuiltIn).guards ?? []) this.#checkGuard(place, inner)
    }
  }
}

const STARTS_ANEW: ReadonlySet<ActorKind> = new Set(['callback', 'observable', 'event-observable'])
const SPAWNS_INLINE = /\bspawn(Child)?\(\s*(?!['"`])[\w$({]/
const ENQUEUES_CLOSURE = /\benqueue\(\s*(async\b|function\b|\(|[\w$]+\s*=>)/

/** The name by which an action or guard is looked up; undefined where it is a function. */
function nameOf(reference: unknown): string | undefined {
  if (typeof reference === 'string') return reference
  return typeof reference === 'object' && reference !== null ? (reference as BuiltIn).type : undefined
}

function sourcesOf(...bodies: readonly unknown[]): readonly string[] {
  const functions = bodies.flatMap((body) => (typeof body === 'object' && body !== null ? Object.values(body) : [body]))
  return functions.filter((body) => typeof body === 'function').map(String)
}

interface InvokeConfig {
  readonly src: unknown
  readonly onSnapshot?: unknown
}

function asArray(invoke: unknown): readonly InvokeConfig[] {
  return invoke === undefined ? [] : Array.isArray(invoke) ? invoke : [invoke as InvokeConfig]
}

/** Within one state, or one above the other, or in two regions of one parallel state. */
function canBothBeActive(a: Node, b: Node): boolean {
  let common = a
  while (!isWithin(b, common)) common = common.parent as Node
  return common === a || common === b || common.type === 'parallel'
}

function isWithin(node: Node, ancestor: Node): boolean {
  for (let at: Node | undefined = node; at; at = at.parent) if (at === ancestor) return true
  return false
}
