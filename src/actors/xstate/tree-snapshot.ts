/**
 * A tree of live actors as one stored document.
 *
 * The document is the root's record (`value`, `status`, `context`, …) with three things of the whole tree beside it:
 * `timers`, `unlisted` children, and the `next` number for a session or timer. Children are records within their
 * parent's.
 *
 * Owns: the document's form, and writing it. Does not own: values (snapshot-codec.ts), reading it (tree-hydration.ts).
 *
 * Invariants
 * 1. Sessions are stored as numbers: what a tree is called is not in its document.
 * 2. What is empty is not written: this document is written with every transition.
 */
import type { Json } from '../../persistence/store.ts'
import { encode } from '../snapshot-codec.ts'
import { attemptOf, isPausing } from './activity-logic.ts'
import { workOf } from './actor-kinds.ts'
import {
  isMachine,
  isMachineSnapshot,
  type LiveActor,
  type LiveSnapshot,
  RUNNING,
  type StateValue
} from './internals.ts'
import type { LiveTree } from './live-tree.ts'
import { sessionOf } from './references.ts'

export const FORMAT = 1

export interface ActorRecord {
  /** Absent: the root, which is 0. */
  session?: number
  /** Where it is not the key under which the parent has it. */
  id?: string
  src?: string
  systemId?: string
  sync?: true
  status?: LiveSnapshot['status']
  output?: unknown
  error?: unknown
  context?: unknown
  /** Of started work. */
  input?: unknown
  /** Of an activity: which attempt it is at, unless the first, and whether it waits for that. */
  attempt?: number
  isPausing?: true
  /** Of a machine, unless it failed before it had a state. */
  value?: StateValue
  /**
   * Numbers of the active nodes, where `value` does not tell all: regions are asked for `always` in their order, and a machine
   * that failed as it began has not entered what its value names.
   */
  nodes?: readonly number[]
  history?: Record<string, readonly string[]>
  children?: Record<string, ActorRecord>
  /** Of other logic, in place of all these. */
  snapshot?: unknown
}

export interface TreeRecord extends ActorRecord {
  format: number
  /** Children that run although no parent lists them: a later child has taken their id. */
  unlisted?: readonly (ActorRecord & { readonly parent: number })[]
  timers?: readonly TimerRecord[]
  next: number
}

export interface TimerRecord {
  readonly seq: number
  readonly source: number
  readonly target: number
  readonly id?: string
  readonly event: unknown
  readonly dueAt: number
  readonly nameless?: true
}

/** Throws NotSerializableError with a path such as `context.items[3]` or `children.cart.context.total`. */
export function persistTree(tree: LiveTree): Json {
  const root = tree.root as LiveActor
  const written = new Set<LiveActor>()
  const record = { format: FORMAT } as TreeRecord
  describe(root, record, '', tree, written)
  if (tree.actors.size > 1) writeUnlisted(record, tree, written)
  const timers = tree.timers.all()
  if (timers.length > 0) {
    record.timers = timers.map(({ seq, source, target, id, event, dueAt, isNameless }, index) => ({
      seq,
      source: sessionOf(tree.actorId, source) as number,
      target: sessionOf(tree.actorId, target) as number,
      ...(id !== undefined && { id }),
      event: encode(event, `timers[${index}].event`, tree.refs),
      dueAt,
      ...(isNameless && { nameless: true })
    }))
  }
  record.next = tree.nextNumber
  return JSON.stringify(record)
}

/** Fills the record of an actor and, within it, those of its children. `path` is '' or ends in a dot. */
function describe(actor: LiveActor, record: ActorRecord, path: string, tree: LiveTree, written: Set<LiveActor>): void {
  written.add(actor)
  const { logic, _snapshot: snapshot } = actor
  const { refs } = tree
  if (!isMachine(logic) && !workOf(logic)) {
    record.snapshot = encode(logic.getPersistedSnapshot?.(snapshot) ?? snapshot, `${path}snapshot`, refs)
    return
  }
  if (isMachineSnapshot(snapshot)) record.value = snapshot.value
  record.status = snapshot.status
  if (snapshot.output !== undefined) record.output = encode(snapshot.output, `${path}output`, refs)
  if (snapshot.error !== undefined) record.error = encode(snapshot.error, `${path}error`, refs)
  if (snapshot.context !== undefined) record.context = encode(snapshot.context, `${path}context`, refs)
  if (snapshot.input !== undefined) record.input = encode(snapshot.input, `${path}input`, refs)
  if (!isMachineSnapshot(snapshot)) return writeAttempt(snapshot, record)
  if (hasRegions(snapshot.value) || snapshot.status === 'error')
    record.nodes = snapshot._nodes.map((node) => node.order)
  for (const [id, nodes] of Object.entries(snapshot.historyValue)) {
    record.history ??= {}
    record.history[id] = nodes.map((node) => node.id)
  }
  for (const [key, child] of Object.entries(snapshot.children)) {
    if (!child) continue
    record.children ??= {}
    record.children[key] = describeChild(child, key, `${path}children.${key}.`, tree, written)
  }
}

function writeAttempt(snapshot: LiveSnapshot, record: ActorRecord): void {
  const attempt = attemptOf(snapshot)
  if (attempt > 1) record.attempt = attempt
  if (isPausing(snapshot)) record.isPausing = true
}

function describeChild(
  child: LiveActor,
  key: string,
  path: string,
  tree: LiveTree,
  written: Set<LiveActor>
): ActorRecord {
  const record: ActorRecord = { session: sessionOf(tree.actorId, child.sessionId) as number, src: child.src as string }
  if (child.id !== key) record.id = child.id
  const systemId = tree.system.idOf(child)
  if (systemId !== undefined) record.systemId = systemId
  if (child._syncSnapshot) record.sync = true
  describe(child, record, path, tree, written)
  return record
}

function writeUnlisted(record: TreeRecord, tree: LiveTree, written: Set<LiveActor>): void {
  const unlisted: (ActorRecord & { parent: number })[] = []
  for (const actor of tree.actors.values()) {
    if (written.has(actor) || !actor._parent || actor._processingStatus !== RUNNING) continue
    const parent = sessionOf(tree.actorId, actor._parent.sessionId) as number
    unlisted.push({ parent, ...describeChild(actor, '', `unlisted.${actor.id}.`, tree, written) })
  }
  if (unlisted.length > 0) record.unlisted = unlisted
}

function hasRegions(value: StateValue): boolean {
  if (typeof value === 'string') return false
  const parts = Object.values(value)
  return parts.length > 1 || parts.some(hasRegions)
}
