/**
 * The statements of `sql/`, made ready for one schema.
 *
 * Owns: reading each file once, the schema's name in it, the name under which a statement is prepared.
 * Does not own: what the statements do (each file says so itself), running them.
 *
 * Invariants
 * 1. Files are valid SQL for the default schema. Only the qualifier `perdure` is replaced, and only by an identifier that was
 *    checked: nothing else is ever put into the text of a statement.
 * 2. Statements of the same name have the same text, so that servers and poolers may keep them by name.
 */
import { createHash } from 'node:crypto'
import { readdirSync, readFileSync } from 'node:fs'
import { InvalidArgumentError } from '../errors.ts'

export interface Statement {
  /** Unique to the text, at most 63 bytes. */
  readonly name: string
  readonly text: string
}

export interface Migration {
  readonly version: number
  readonly script: string
}

const sqlFolder = new URL('../../sql/', import.meta.url)
const texts = new Map<string, string>()

function readText(path: string): string {
  const known = texts.get(path)
  if (known !== undefined) return known
  const text = readFileSync(new URL(path, sqlFolder), 'utf8')
  texts.set(path, text)
  return text
}

const inSchema = (text: string, schema: string): string => text.replaceAll(/\bperdure(?=[.;])/g, `"${schema}"`)

/** Rejects with InvalidArgumentError a name that would need quoting or would be cut off. */
export function checkSchemaName(schema: string): void {
  if (typeof schema === 'string' && /^[a-z_][a-z0-9_]{0,47}$/.test(schema)) return
  throw new InvalidArgumentError(
    'schema',
    'is not a plain identifier',
    'Use lower-case letters, digits and underscores, at most 48, the first not a digit.'
  )
}

function loadStatement(file: string, schema: string): Statement {
  const text = inSchema(readText(`queries/${file}.sql`), schema)
  const hash = createHash('sha256').update(text).digest('hex').slice(0, 12)
  return { name: `perdure_${file}_${hash}`, text }
}

export type Queries = ReturnType<typeof loadQueries>

/** The process that answers: on a connection that has a session of its own, always the same. */
export const askPid: Statement = { name: 'perdure_pid', text: readText('queries/pid.sql') }

export function loadQueries(schema: string) {
  checkSchemaName(schema)
  const load = (file: string): Statement => loadStatement(file, schema)
  return {
    cancel: load('cancel'),
    cancelChildren: load('cancel_children'),
    changeSchedule: load('change_schedule'),
    claim: load('claim'),
    claimed: load('claimed'),
    collect: load('collect'),
    commit: load('commit'),
    commitOne: load('commit_one'),
    countEnds: load('count_ends'),
    createSchedule: load('create_schedule'),
    dueSchedules: load('due_schedules'),
    expire: load('expire'),
    findKeys: load('find_keys'),
    findLinkedLocked: load('find_linked_locked'),
    findLocked: load('find_locked'),
    findUnknown: load('find_unknown'),
    fireSchedules: load('fire_schedules'),
    forgetPermits: load('forget_permits'),
    inbox: load('inbox'),
    insert: load('insert'),
    insertFailed: load('insert_failed'),
    join: load('join'),
    joinAlone: load('join_alone'),
    joinUnlocked: load('join_unlocked'),
    knownDedup: load('known_dedup'),
    listen: load('listen'),
    listSchedules: load('list_schedules'),
    lock: load('lock'),
    lockJoins: load('lock_joins'),
    lockLinked: load('lock_linked'),
    notify: load('notify'),
    openJoins: load('open_joins'),
    pauseSchedule: load('pause_schedule'),
    pick: load('pick'),
    pinPlans: load('pin_plans'),
    purgeDedup: load('purge_dedup'),
    read: load('read'),
    releasePermits: load('release_permits'),
    reap: load('reap'),
    removeSchedule: load('remove_schedule'),
    renew: load('renew'),
    retry: load('retry'),
    rollbackToMark: load('rollback_to_mark'),
    schemaVersion: load('schema_version'),
    serverVersion: load('server_version'),
    sessionState: load('session_state'),
    resetSession: load('reset_session'),
    checkConstraints: load('check_constraints'),
    setMark: load('set_mark'),
    signal: load('signal'),
    takePermits: load('take_permits'),
    unseen: load('unseen')
  }
}

/** All migrations, the oldest first. Their files are named `<version>_<name>.sql`. */
export function loadMigrations(schema: string): readonly Migration[] {
  checkSchemaName(schema)
  return readdirSync(new URL('migrations/', sqlFolder))
    .toSorted()
    .map((file) => ({
      version: Number.parseInt(file, 10),
      script: inSchema(readText(`migrations/${file}`), schema)
    }))
}
