/**
 * Where the actions of a machine are written down: names for functions that have none, so that an effect can be stored.
 *
 * Owns: the walk over all actions of a machine, and the two-way table of inline ones.
 * Does not own: actions by name (the machine has them), closures made while a machine runs (they have no address).
 *
 * Invariants
 * 1. An address is a place and a digest of the source there: `#order.paying entry[0]` of another version of the machine
 *    is not taken for this one. An action that has only moved is still found, where its source is unique.
 */
import type { MachineLogic, Node } from './internals.ts'

export type RunAction = (args: unknown, params: unknown) => unknown

export interface ActionAddress {
  readonly at: string
  readonly code: string
}

/** Every action of the machine's states and of its implementations, with its place. */
export function* actionsOf(machine: MachineLogic): Generator<readonly [place: string, action: unknown]> {
  for (const node of nodesOf(machine.root)) {
    yield* numbered(node.entry, (index) => `#${node.id} entry[${index}]`)
    yield* numbered(node.exit, (index) => `#${node.id} exit[${index}]`)
    for (const [descriptor, transitions] of node.transitions) {
      for (const [order, { actions }] of transitions.entries()) {
        yield* numbered(actions, (index) => `#${node.id} on ${descriptor}[${order}].actions[${index}]`)
      }
    }
    for (const [order, { actions }] of (node.always ?? []).entries()) {
      yield* numbered(actions, (index) => `#${node.id} always[${order}].actions[${index}]`)
    }
    if (node.type === 'compound') {
      yield* numbered(node.initial.actions, (index) => `#${node.id} initial.actions[${index}]`)
    }
  }
  for (const [name, action] of Object.entries(machine.implementations.actions)) yield [`actions.${name}`, action]
}

export function* nodesOf(node: Node): Generator<Node> {
  yield node
  for (const child of Object.values(node.states)) yield* nodesOf(child)
}

function* numbered(
  actions: readonly unknown[],
  place: (index: number) => string
): Generator<readonly [string, unknown]> {
  for (const [index, action] of actions.entries()) yield [place(index), action]
}

/** undefined: the action was made while the machine ran. */
export function addressOf(machine: MachineLogic, run: RunAction): ActionAddress | undefined {
  return tableOf(machine).addresses.get(run)
}

/** undefined: this version of the machine has no such action. */
export function actionAt(machine: MachineLogic, { at, code }: ActionAddress): RunAction | undefined {
  const { places, addresses } = tableOf(machine)
  const there = places.get(at)
  if (there && addresses.get(there)?.code === code) return there
  const moved = [...addresses].filter(([, address]) => address.code === code)
  return moved.length === 1 ? moved[0]?.[0] : undefined
}

interface Table {
  readonly places: ReadonlyMap<string, RunAction>
  readonly addresses: ReadonlyMap<RunAction, ActionAddress>
}
const tables = new WeakMap<MachineLogic, Table>()

function tableOf(machine: MachineLogic): Table {
  const known = tables.get(machine)
  if (known) return known
  const places = new Map<string, RunAction>()
  const addresses = new Map<RunAction, ActionAddress>()
  for (const [at, action] of actionsOf(machine)) {
    if (!isInline(action)) continue
    places.set(at, action)
    if (!addresses.has(action)) addresses.set(action, { at, code: digest(String(action)) })
  }
  const table = { places, addresses }
  tables.set(machine, table)
  return table
}

/** A plain function; XState's own actions (`assign`, `raise`, …) are functions that can be resolved. */
function isInline(action: unknown): action is RunAction {
  return typeof action === 'function' && !('resolve' in action)
}

/** FNV-1a, 32 bits: enough to tell two versions of one action apart. */
function digest(source: string): string {
  let hash = 0x811c9dc5
  for (let index = 0; index < source.length; index++) hash = Math.imul(hash ^ source.charCodeAt(index), 0x01000193)
  return (hash >>> 0).toString(36)
}
