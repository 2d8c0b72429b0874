/**
 * A stored document back into live actors.
 *
 * XState restores the actors from an outline (states and children, nothing else); what they hold is filled in
 * afterwards.
 *
 * Owns: reading the document, and refusing one that does not come back whole.
 * Does not own: its form (tree-snapshot.ts), values (snapshot-codec.ts).
 *
 * Invariants
 * 1. All of a document is restored, or SnapshotIllegalError is thrown. XState itself would drop a child whose logic is
 *    gone, and turn a state that is gone into an error; so every actor is compared with its record.
 * 2. Contexts are read when all actors exist, so that references in them are those very actors.
 * 3. No code of the user's runs, except a `restoreSnapshot` that hand-written logic brings.
 */
import { createActor } from 'xstate'
import { SnapshotIllegalError } from '../../errors.ts'
import type { Json } from '../../persistence/store.ts'
import { decode, parseJson } from '../snapshot-codec.ts'
import { workOf } from './actor-kinds.ts'
import {
  isMachine,
  isMachineSnapshot,
  type LiveActor,
  type LiveMachineSnapshot,
  type LiveSnapshot,
  type Logic,
  type MachineLogic,
  NO_OPTIONS,
  RUNNING,
  type StateValue,
  STOPPED
} from './internals.ts'
import type { Identity, LiveTree } from './live-tree.ts'
import { sessionIdOf } from './references.ts'
import { type ActorRecord, FORMAT, type TreeRecord } from './tree-snapshot.ts'

export function hydrateTree(tree: LiveTree, stored: Json): void {
  try {
    new Hydration(tree, parseJson(stored, 'it') as TreeRecord).run()
  } catch (error) {
    if (error instanceof SnapshotIllegalError) throw error
    throw new SnapshotIllegalError(tree.actorId, (error as Error).message)
  }
}

/** Refuses a timer of a state's `after` whose state is not active: nothing would take it, and whoever waits for it would wait for ever. */
export function checkTimers(tree: LiveTree): void {
  for (const { event, target } of tree.timers.all()) {
    const snapshot = tree.actorAt(target)?._snapshot
    if (!event.type.startsWith('xstate.after.') || snapshot === undefined || !isMachineSnapshot(snapshot)) continue
    if (snapshot._nodes.some(({ transitions }) => transitions.has(event.type))) continue
    const problem = `the timer '${event.type}' is of no state that is active`
    throw new SnapshotIllegalError(tree.actorId, problem, 'Rename it in `migrate`, or leave it out')
  }
}

/** A record on its way into an actor. `path` is '' or ends in a dot. */
interface Restoring {
  readonly record: ActorRecord
  readonly path: string
  readonly identity: Identity
}

class Hydration {
  readonly #tree: LiveTree
  readonly #record: TreeRecord
  /** By the outline that XState is given for it. */
  readonly #restoring = new Map<unknown, Restoring>()

  constructor(tree: LiveTree, record: TreeRecord) {
    this.#tree = tree
    this.#record = record
    if (record?.format !== FORMAT) this.#refuse(`it is not of format ${FORMAT}`)
    if (!Number.isSafeInteger(record.next)) this.#refuse('it has no next number')
  }

  run(): void {
    const tree = this.#tree
    tree.nextNumber = this.#record.next
    tree.hydrate(
      (actor) => this.#identify(actor),
      () => {
        const outline = this.#outline(this.#record, { sessionId: sessionIdOf(tree.actorId, 0), id: tree.actorId }, '')
        const root = tree.createRoot({ snapshot: outline })
        const unlisted = (this.#record.unlisted ?? []).map((record) => this.#createUnlisted(record))
        for (const restoring of this.#restoring.values()) this.#fill(restoring)
        for (const actor of [root, ...unlisted]) if (actor._snapshot.status === 'active') actor.start()
        for (const actor of tree.actors.values()) this.#settle(actor)
        this.#restoreTimers()
      }
    )
  }

  #refuse(problem: string): never {
    throw new SnapshotIllegalError(this.#tree.actorId, problem)
  }

  // ── making the actors ───────────────────────────────────────────────────────────────────────────────────────────

  /** What XState is to restore an actor from; by this very object the actor's record is found again. */
  #outline(record: ActorRecord, identity: Identity, path: string): object {
    const outline = this.#outlineOf(record, path)
    this.#restoring.set(outline, { record, identity, path })
    return outline
  }

  #outlineOf(record: ActorRecord, path: string): object {
    const { value, status, attempt, isPausing } = record
    const { refs } = this.#tree
    if ('snapshot' in record) return decode(record.snapshot, `${path}snapshot`, refs) as object
    if (value !== undefined) return { value, status, historyValue: {}, children: this.#childOutlines(record, path) }
    return {
      status,
      output: decode(record.output, `${path}output`, refs),
      error: decode(record.error, `${path}error`, refs),
      input: decode(record.input, `${path}input`, refs),
      context: decode(record.context, `${path}context`, refs),
      ...(attempt !== undefined && { attempt }),
      ...(isPausing && { isPausing })
    }
  }

  #childOutlines({ children = {} }: ActorRecord, path: string): object {
    const outlines: Record<string, object> = {}
    for (const [key, record] of Object.entries(children)) {
      outlines[key] = this.#childOptions(record, key, `${path}children.${key}.`)
    }
    return outlines
  }

  #childOptions(record: ActorRecord, key: string, path: string): object {
    const { session, id = key, src, systemId, sync } = record
    if (!Number.isSafeInteger(session)) this.#refuse(`${path}session is not a number`)
    const identity = { sessionId: sessionIdOf(this.#tree.actorId, session as number), id }
    return { src, systemId, syncSnapshot: sync, snapshot: this.#outline(record, identity, path) }
  }

  #createUnlisted(record: ActorRecord & { readonly parent: number }): LiveActor {
    const parent = this.#tree.actorAt(sessionIdOf(this.#tree.actorId, record.parent))
    const key = record.id ?? ''
    const logic = (parent?.logic as MachineLogic | undefined)?.implementations.actors[record.src as string]
    if (!logic) this.#refuse(`its child '${key}' has no logic '${record.src}' any more`)
    const options = { ...this.#childOptions(record, key, `unlisted.${key}.`), id: key, parent }
    return createActor(logic as never, options as never) as unknown as LiveActor
  }

  #identify(actor: LiveActor): Identity {
    const restoring = this.#restoring.get(actor.options.snapshot)
    if (!restoring) return this.#refuse(`it does not hold actor '${actor.id}'`)
    return restoring.identity
  }

  // ── filling them ────────────────────────────────────────────────────────────────────────────────────────────────

  #fill({ record, path, identity }: Restoring): void {
    const actor = this.#tree.actorAt(identity.sessionId)
    const where = path === '' ? 'the root' : `'${path.slice(0, -1)}'`
    if (!actor) return this.#refuse(`${where} has no logic '${record.src}' any more`)
    if (!isFit(record, actor.logic)) this.#refuse(`the logic '${record.src}' of ${where} is of another kind now`)
    if (!isMachine(actor.logic)) return
    if (record.value === undefined) return void (actor._snapshot = actor.options.snapshot as LiveSnapshot)
    const snapshot = actor._snapshot
    if (!isMachineSnapshot(snapshot)) return this.#refuse(`${where}: ${(snapshot.error as Error).message}`)
    if (!isSameValue(snapshot.value, record.value)) {
      this.#refuse(`the states of ${where} are not those of the machine any more`)
    }
    const { refs } = this.#tree
    snapshot.value = record.value
    snapshot.output = decode(record.output, `${path}output`, refs)
    snapshot.error = decode(record.error, `${path}error`, refs)
    snapshot.context = decode(record.context, `${path}context`, refs)
    if (record.nodes) restoreNodes(snapshot, record.nodes)
    this.#restoreHistory(snapshot, record, where)
  }

  #restoreHistory({ historyValue, machine }: LiveMachineSnapshot, { history = {} }: ActorRecord, where: string): void {
    for (const [id, nodeIds] of Object.entries(history)) {
      historyValue[id] = nodeIds.map((nodeId) => {
        const node = machine.idMap.get(nodeId)
        return node ?? this.#refuse(`the history of ${where} names a state '${nodeId}' that is gone`)
      })
    }
  }

  /** XState starts what is active. The rest has ended; and nobody needs what it was restored from any more. */
  #settle(actor: LiveActor): void {
    if (actor._processingStatus !== RUNNING) actor._processingStatus = STOPPED
    actor.options = NO_OPTIONS
  }

  #restoreTimers(): void {
    const { actorId, timers, refs } = this.#tree
    for (const [index, timer] of (this.#record.timers ?? []).entries()) {
      timers.add({
        seq: timer.seq,
        source: sessionIdOf(actorId, timer.source),
        target: sessionIdOf(actorId, timer.target),
        id: timer.id,
        event: decode(timer.event, `timers[${index}].event`, refs) as never,
        dueAt: timer.dueAt,
        isNameless: timer.nameless === true
      })
    }
  }
}

function isFit(record: ActorRecord, logic: Logic): boolean {
  const isWork = workOf(logic) !== undefined
  if ('snapshot' in record) return !isMachine(logic) && !isWork
  return record.value === undefined ? isWork || (isMachine(logic) && record.status === 'error') : isMachine(logic)
}

/** The same states, whatever the order of the regions. */
function isSameValue(a: StateValue, b: StateValue): boolean {
  if (typeof a === 'string' || typeof b === 'string') return a === b
  const keys = Object.keys(a)
  const isSame = (key: string): boolean =>
    Object.hasOwn(b, key) && isSameValue(a[key] as StateValue, b[key] as StateValue)
  return keys.length === Object.keys(b).length && keys.every(isSame)
}

/**
 * XState finds the active nodes in an order of its own, and finds all of them, which it does not always do as it goes
 * (when history is entered).
 */
function restoreNodes(snapshot: LiveMachineSnapshot, numbers: readonly number[]): void {
  const active = new Map(snapshot._nodes.map((node) => [node.order, node]))
  const nodes = numbers.map((number) => active.get(number)).filter((node) => node !== undefined)
  // Where states came or went since, numbers mean nothing.
  if (nodes.length < numbers.length) return
  snapshot._nodes = nodes
  snapshot.tags = new Set(nodes.flatMap((node) => node.tags))
}
