/**
 * A tree of live actors as one stored document, and back.
 *
 * The document is the root's record (`value`, `status`, `context`, …) with three things of the whole tree beside it: `timers`,
 * `unlisted` children, and the `next` number for a session or timer. Children are records within their parent's.
 *
 * Owns: the document's form. Does not own: values (snapshot-codec.ts), what actors do (live-tree.ts).
 *
 * Invariants
 * 1. Sessions are stored as numbers: what a tree is called is not in its document.
 * 2. Hydration takes all of a document or throws SnapshotIllegalError. XState itself would drop a child whose logic is gone
 *    and turn a state that is gone into an error; so every restored actor is compared with its record.
 * 3. Contexts are read after all actors exist, so that references in them are those actors.
 */
import { createActor } from 'xstate'
import { SnapshotIllegalError } from '../../errors.ts'
import type { Json } from '../../persistence/store.ts'
import { decode, encode, parseJson } from '../snapshot-codec.ts'
import {
  isMachine,
  isMachineSnapshot,
  type LiveActor,
  type LiveMachineSnapshot,
  type LiveSnapshot,
  type MachineLogic,
  type Node,
  RUNNING,
  type StateValue,
  STOPPED
} from './internals.ts'
import type { Identity, LiveTree } from './live-tree.ts'
import { sessionIdOf, sessionOf } from './references.ts'

const FORMAT = 1

interface ActorRecord {
  /** Absent: the root, which is 0. */
  session?: number
  /** Where it is not the key under which the parent has it. */
  id?: string
  src?: string
  systemId?: string
  sync?: true
  /** Of a machine: */
  value?: StateValue
  status?: LiveSnapshot['status']
  output?: unknown
  error?: unknown
  context?: unknown
  /** Order of the active nodes, where regions are active side by side: `always` transitions are asked in this order. */
  nodes?: readonly number[]
  history?: Record<string, readonly string[]>
  children?: Record<string, ActorRecord>
  /** Of all other logic: */
  snapshot?: unknown
}

interface TreeRecord extends ActorRecord {
  format: number
  /** Children that run although no parent lists them: a later child has taken their id. */
  unlisted?: readonly (ActorRecord & { readonly parent: number })[]
  timers?: readonly TimerRecord[]
  next: number
}

interface TimerRecord {
  readonly seq: number
  readonly source: number
  readonly target: number
  readonly id?: string
  readonly event: unknown
  readonly dueAt: number
  readonly nameless?: true
}

// ── writing ───────────────────────────────────────────────────────────────────────────────────────────────────────

/** Throws NotSerializableError with a path such as `context.items[3]` or `children.cart.context.total`. */
export function persistTree(tree: LiveTree): Json {
  const root = tree.root as LiveActor
  const written = new Set<LiveActor>()
  const record: TreeRecord = { format: FORMAT, next: tree.nextNumber }
  describe(root, record, '', tree, written)
  if (written.size < tree.actors.size) writeUnlisted(record, tree, written)
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
  return JSON.stringify(record)
}

/** Fills the record of an actor and, within it, those of its children. `path` is '' or ends in a dot. */
function describe(actor: LiveActor, record: ActorRecord, path: string, tree: LiveTree, written: Set<LiveActor>): void {
  written.add(actor)
  const snapshot = actor._snapshot
  const { logic } = actor
  if (!isMachine(logic)) {
    record.snapshot = encode(logic.getPersistedSnapshot?.(snapshot) ?? snapshot, `${path}snapshot`, tree.refs)
    return
  }
  if (isMachineSnapshot(snapshot)) record.value = snapshot.value
  record.status = snapshot.status
  if (snapshot.output !== undefined) record.output = encode(snapshot.output, `${path}output`, tree.refs)
  if (snapshot.error !== undefined) record.error = encode(snapshot.error, `${path}error`, tree.refs)
  if (!isMachineSnapshot(snapshot)) return
  record.context = encode(snapshot.context, `${path}context`, tree.refs)
  if (hasRegions(snapshot)) record.nodes = snapshot._nodes.map((node) => node.order)
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

function describeChild(child: LiveActor, key: string, path: string, tree: LiveTree, written: Set<LiveActor>): ActorRecord {
  const record: ActorRecord = { session: sessionOf(tree.actorId, child.sessionId) as number, src: child.src as string }
  if (child.id !== key) record.id = child.id
  if (child.systemId !== undefined) record.systemId = child.systemId
  if (child._syncSnapshot) record.sync = true
  describe(child, record, path, tree, written)
  return record
}

function writeUnlisted(record: TreeRecord, tree: LiveTree, written: Set<LiveActor>): void {
  const unlisted: (ActorRecord & { parent: number })[] = []
  for (const actor of tree.actors.values()) {
    if (written.has(actor) || !actor._parent || actor._processingStatus !== RUNNING) continue
    const parent = sessionOf(tree.actorId, actor._parent.sessionId) as number
    unlisted.push({ parent, ...describeChild(actor, actor.id, `unlisted.${actor.id}.`, tree, written) })
  }
  if (unlisted.length > 0) record.unlisted = unlisted
}

function hasRegions({ _nodes }: LiveMachineSnapshot): boolean {
  let leaves = 0
  for (const { type } of _nodes) if (type === 'atomic' || type === 'final') leaves++
  return leaves > 1
}
