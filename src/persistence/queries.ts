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
  if (/^[a-z_][a-z0-9_]{0,47}$/.test(schema)) return
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

export function loadQueries(schema: string) {
  checkSchemaName(schema)
  const load = (file: string): Statement => loadStatement(file, schema)
  return {
    cancel: load('cancel'),
    claim: load('claim'),
    collect: load('collect'),
    commit: load('commit'),
    commitOne: load('commit_one'),
    expire: load('expire'),
    findKeys: load('find_keys'),
    findLocked: load('find_locked'),
    findUnknown: load('find_unknown'),
    inbox: load('inbox'),
    insert: load('insert'),
    join: load('join'),
    joinAlone: load('join_alone'),
    knownDedup: load('known_dedup'),
    limitWaits: load('limit_waits'),
    listen: load('listen'),
    lock: load('lock'),
    notify: load('notify'),
    pick: load('pick'),
    pinPlans: load('pin_plans'),
    purgeDedup: load('purge_dedup'),
    read: load('read'),
    reap: load('reap'),
    renew: load('renew'),
    retry: load('retry'),
    schemaVersion: load('schema_version'),
    serverVersion: load('server_version'),
    signal: load('signal'),
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
