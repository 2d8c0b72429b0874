/**
 * Spawning: from a caller's settings to rows, and to actors that begin here.
 *
 * Owns: which new actors begin on this node at once (as many as it has room for), and which wait for a picker; what the
 * store's answer means for the caller.
 * Does not own: the statement (the store), the life of an actor (actors/).
 */
import { uuidV7Unsafe } from 'effect/crypto/SecureRandom'
import type { Registration } from './actors/registration.ts'
import { encodeBy } from './actors/row-codec.ts'
import { copyStorable } from './actors/snapshot-codec.ts'
import {
  readFields,
  readId,
  readIfExists,
  readKeyScope,
  readList,
  readName,
  readPriority,
  readStart,
  readText
} from './arguments.ts'
import {
  DuplicateIdError,
  DuplicateKeyError,
  InvalidArgumentError,
  MachineMismatchError,
  OutcomeUnknownError
} from './errors.ts'
import { checkSize, SPAWN_MANY, type Bounds } from './bounds.ts'
import { SPAWN_OPTIONS, type SpawnSettings } from './options.ts'
import type { SpawnAnswer } from './persistence/batched-store.ts'
import type { NewActor } from './persistence/store.ts'
import type { Current } from './supervisor/node.ts'

export interface Draft {
  readonly row: NewActor
  /** Its id was made for it; nobody else can know it. */
  readonly hasFreshId: boolean
  /** A copy: what the caller does to its object later must not reach into a context. */
  readonly input: unknown
  readonly ifExists: 'reject' | 'return'
}

export interface Spawned {
  readonly row: NewActor
  readonly answer: SpawnAnswer
  readonly ifExists: Draft['ifExists']
}

/** What is to come about in one statement. Throws InvalidArgumentError, NotSerializableError or TooLargeError. */
export function draftActors(
  given: readonly SpawnSettings[],
  registration: Registration,
  bounds: Bounds
): readonly Draft[] {
  const entries = readList('entries', given)
  const remedy = 'Spawn them in several calls'
  if (entries.length > SPAWN_MANY.entries) {
    throw new InvalidArgumentError('entries', `are more than ${SPAWN_MANY.entries}`, remedy)
  }
  let inputBytes = 0
  return entries.map((entry) => {
    const draft = draftActor(entry, registration, bounds)
    inputBytes += draft.row.input === null ? 0 : Buffer.byteLength(draft.row.input)
    if (entries.length === 1 || inputBytes <= SPAWN_MANY.inputs) return draft
    throw new InvalidArgumentError('entries', `have inputs of more than ${SPAWN_MANY.inputs} bytes together`, remedy)
  })
}

/** Throws InvalidArgumentError, NotSerializableError or TooLargeError. */
export function draftActor(given: SpawnSettings, registration: Registration, bounds: Bounds): Draft {
  const settings = readFields('spawn', given, SPAWN_OPTIONS)
  const { copy, json: input } =
    settings.input === undefined ? { copy: undefined, json: null } : copyStorable(settings.input, 'input')
  if (input !== null) checkSize('input', input, bounds)
  const row: NewActor = {
    id: settings.id === undefined ? uuidV7Unsafe() : readId('id', settings.id),
    machine: registration.name,
    machineVersion: registration.version,
    key: settings.key === undefined ? null : readText('key', settings.key),
    keyScope: readKeyScope(settings.keyScope),
    queue: settings.queue === undefined ? 'default' : readName('queue', settings.queue),
    priority: readPriority(settings.priority),
    partitionKey: settings.partitionKey === undefined ? null : readText('partitionKey', settings.partitionKey),
    input: input && encodeBy(registration, input, 'input'),
    owner: null,
    parent: null,
    ...readStart(settings)
  }
  return { row, hasFreshId: settings.id === undefined, input: copy, ifExists: readIfExists(settings.ifExists) }
}

/** Inserts all in one statement; those that begin here are awake when this resolves. `poke`: others wait for a picker. */
export async function spawnDrafts(
  drafts: readonly Draft[],
  current: Current,
  poke: () => void
): Promise<readonly Spawned[]> {
  const { engine, batched, node } = current
  const rows = drafts.map(({ row }) => {
    const startsNow = row.startAt === null && row.startInMs === null
    // Whose turn it is in a partition is for the database to say.
    return startsNow && row.partitionKey === null && engine.room.take(row.queue) ? { ...row, owner: node } : row
  })
  let answers: readonly SpawnAnswer[]
  try {
    answers = await batched.insert(rows, (index) => drafts[index]?.hasFreshId === true)
  } catch (error) {
    // Rows that may have come about are leased by this node, which must then have their actors, too.
    for (const { id, queue, owner } of rows) {
      if (owner !== node) continue
      engine.room.give(queue)
      if (error instanceof OutcomeUnknownError) engine.recover(id)
    }
    throw error
  }
  const spawned = rows.map((row, index) => {
    const { ifExists } = drafts[index] as Draft
    return { row, answer: answers[index] as SpawnAnswer, ifExists }
  })
  for (const [index, { row, answer }] of spawned.entries()) {
    if (row.owner !== node) continue
    if (answer.kind === 'inserted') engine.birth(row, drafts[index]?.input)
    else engine.room.give(row.queue)
    if (answer.kind === 'unknown') engine.recover(row.id)
  }
  if (rows.some(({ owner }) => owner === null)) poke()
  return spawned
}

/**
 * The id of the actor that a spawn gives its caller.
 * Throws DuplicateKeyError, DuplicateIdError, OutcomeUnknownError, or MachineMismatchError instead of an actor of another machine.
 */
export function idOfSpawned({ row, answer, ifExists }: Spawned): string {
  if (answer.kind === 'inserted') return row.id
  if (ifExists === 'return') {
    if (answer.machine !== row.machine) throw new MachineMismatchError(answer.id, row.machine, answer.machine)
    return answer.id
  }
  if (answer.kind === 'unknown') throw new OutcomeUnknownError('spawn()', null)
  throw answer.by === 'key' ? new DuplicateKeyError(row.key ?? '', answer.id) : new DuplicateIdError(answer.id)
}

/** The ids of those that came about. Throws OutcomeUnknownError where that cannot be told of one of them. */
export function idsOfInserted(spawned: readonly Spawned[]): readonly string[] {
  if (spawned.some(({ answer }) => answer.kind === 'unknown')) throw new OutcomeUnknownError('spawnMany()', null)
  return spawned.flatMap(({ row, answer }) => (answer.kind === 'inserted' ? [row.id] : []))
}
