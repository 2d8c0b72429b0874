/**
 * What users may pass: the types of all options, and those of createRuntime read, with their defaults.
 *
 * Owns: the shape of options. Does not own: machines and what is given with them (registering.ts), the arguments of single calls
 * (arguments.ts).
 */
import { hostname } from 'node:os'
import type { AnyStateMachine, InputFrom } from 'xstate'
import { InvalidArgumentError } from './errors.ts'
import {
  readCount,
  readDurationMs,
  readRetentionMs,
  readFields,
  readFlag,
  readFunction,
  readName,
  readRecord,
  readTermMs,
  readText,
  type DurationInput,
  type RetryInput
} from './plain-arguments.ts'
import type { MigrateOptions } from './actors/migration.ts'
import type { Codec } from './actors/row-codec.ts'
import { readBounds, type Bounds } from './bounds.ts'
import { readLimits, type LimitOptions } from './limiting/limits.ts'
import { checkSchemaName } from './persistence/queries.ts'
import type { Pooler } from './persistence/drivers/pooler.ts'
import type { ActorStatus } from './persistence/store.ts'

export type { DurationInput } from './plain-arguments.ts'

/** How one machine is to be run. */
export interface MachineOptions<TMachine extends AnyStateMachine = AnyStateMachine> {
  readonly machine: TMachine
  /** Kept with every instance, which then runs on this version only. Default: the machine's own `version`, or none. */
  readonly version?: string
  /** An event that the present state has no transition for waits for one that has (`defer`, the default), or is dropped as in XState. */
  readonly unhandled?: 'defer' | 'drop'
  /** A machine or an action that throws is tried again, then parked. Default: it fails, as in XState. `true`: the default policy. */
  readonly retry?: RetryInput
  /**
   * Moves instances of older versions to this one, each when it is taken up next.
   * @example { machine: orderV2, migrate: { from: ['1'], snapshot: (old) => ({ ...old, value: 'draft' }) } }
   */
  readonly migrate?: MigrateOptions
  /** Encrypts or compresses what is stored of its actors. */
  readonly codec?: Codec
  /** One of the runtime's `limits`: an actor holds a slot of it while it executes, on all nodes together. */
  readonly limit?: string
  /** Instead of the runtime's `retention`. Of several versions of a machine the longest holds. */
  readonly retention?: DurationInput | false
}

export type MachineEntry = AnyStateMachine | MachineOptions
/** The machine types of a list of entries. */
export type MachineOf<Entry> = Entry extends { readonly machine: infer M extends AnyStateMachine }
  ? M
  : Entry extends AnyStateMachine
    ? Entry
    : never

export interface RuntimeOptions<Machines extends readonly MachineEntry[] = readonly MachineEntry[]> {
  /** A connection string, a `pg.Pool`, a postgres.js `Sql`, or a PGlite. What you pass is used, and not closed. */
  readonly database: unknown
  /** Postgres schema to live in; several runtimes may share a database. Default `perdure`. */
  readonly schema?: string
  /**
   * What lies between this process and Postgres. `'transaction'`: a pooler that gives each transaction another session; then nothing
   * is used that needs one. `'session'`: one that does not. Default: found out at the start.
   */
  readonly pooler?: Pooler
  readonly machines: Machines
  /** Actors executing at once on this node, by queue. `{}`: a node that only spawns and sends. Default `{ default: 100 }`. */
  readonly queues?: Readonly<Record<string, number>>
  /** Idle time before an actor leaves memory. 0: as soon as it has nothing to do. Default 10 seconds. */
  readonly passivateAfter?: DurationInput
  /** Actors in memory at most. Default 10,000. */
  readonly maxResident?: number
  /** Memory for actors at most, in bytes, as estimated from their snapshots. Default 512 MiB. */
  readonly maxResidentBytes?: number
  /** How long this node may be silent before others take its actors, where they cannot tell earlier. Default 15 seconds. */
  readonly lease?: DurationInput
  /** The longest pause between two looks for work that nobody announced. Default 2 seconds. */
  readonly poll?: DurationInput
  /** How long a dedupKey is remembered after its event was accepted. Default 7 days. */
  readonly dedupRetention?: DurationInput
  /** How long an actor stays in the database after its end. `false`: until you delete it. Default 30 days. */
  readonly retention?: DurationInput | false
  readonly bounds?: Partial<Bounds>
  /**
   * What all nodes together may do at most, by names that activities take. Give every node the same.
   * @example { stripe: { rate: 100, per: '1 second' }, gpu: { concurrency: 4 } }
   */
  readonly limits?: Readonly<Record<string, LimitOptions>>
  /** Names this node for people. Default: host name and process id. */
  readonly name?: string
  /** Free the rows of dead nodes from here. Default true. */
  readonly reaper?: boolean
  /** Clean up from here. Default true. */
  readonly janitor?: boolean
  /** Where XState's `log` action writes. Default console.log. */
  readonly log?: (...args: unknown[]) => void
  /** Where the runtime itself reports what nobody listens to: parked actors, crashes of its parts. Default console.warn. */
  readonly warn?: (message: string, detail: unknown) => void
}

export type SpawnOptions<TMachine extends AnyStateMachine> = Omit<SpawnSettings, 'input'> &
  (undefined extends InputFrom<TMachine>
    ? { readonly input?: InputFrom<TMachine> }
    : { readonly input: InputFrom<TMachine> })

/** A spawn, whatever the machine. */
export interface SpawnSettings {
  readonly input?: unknown
  /** A UUID; default: a new version 7 one. With an id of your own a spawn can be retried. */
  readonly id?: string
  /** Taken by one actor at a time; also an address. */
  readonly key?: string
  /** In which statuses of its actor the key counts as taken. Default `'live'`; `'always'`: for ever. */
  readonly keyScope?: 'live' | 'always' | readonly ActorStatus[]
  readonly queue?: string
  /** Lower runs first. Default 0. */
  readonly priority?: number
  /** Of the actors with the same partition key, whatever their machines and queues, one at a time executes, on all nodes together. */
  readonly partitionKey?: string
  readonly startAt?: Date | number
  readonly startIn?: DurationInput
  /** What to do where key or id are taken: reject, or give the ref of the actor that has them. Default `'reject'`. */
  readonly ifExists?: 'reject' | 'return'
}

export interface SendOptions {
  /** The same key sent again to the same actor is answered `duplicate` and not applied, for `dedupRetention`. */
  readonly dedupKey?: string
}

export interface WaitOptions {
  /** Default: for ever. */
  readonly timeout?: DurationInput
}

/** An actor's id, or the key that it was spawned with. */
export type Address = string | { readonly key: string }

export const DEFAULT_SCHEMA = 'perdure'

const DEFAULTS = {
  queues: { default: 100 },
  passivateAfterMs: 10_000,
  maxResident: 10_000,
  maxResidentBytes: 512 * 1024 * 1024,
  leaseMs: 15_000,
  // An idle node then costs the database 2.2 statements a second, with one queue; what is announced, or known to fall due, waits for no poll.
  pollMs: 2_000,
  dedupRetentionMs: 7 * 24 * 3_600_000,
  retentionMs: 30 * 24 * 3_600_000
} as const

/** The options of a runtime, read: all there, durations in milliseconds. */
export type ReadOptions = ReturnType<typeof readOptions>

export const RUNTIME_OPTIONS = [
  'database',
  'schema',
  'pooler',
  'machines',
  'queues',
  'passivateAfter',
  'maxResident',
  'maxResidentBytes',
  'lease',
  'poll',
  'dedupRetention',
  'retention',
  'bounds',
  'limits',
  'name',
  'reaper',
  'janitor',
  'log',
  'warn'
] as const satisfies readonly (keyof RuntimeOptions)[]

export const SPAWN_OPTIONS = [
  'input',
  'id',
  'key',
  'keyScope',
  'queue',
  'priority',
  'partitionKey',
  'startAt',
  'startIn',
  'ifExists'
] as const satisfies readonly (keyof SpawnSettings)[]

export function readRuntimeFields<Machines extends readonly MachineEntry[]>(
  options: RuntimeOptions<Machines>
): RuntimeOptions<Machines> {
  return readFields('createRuntime', options, RUNTIME_OPTIONS)
}

export function readOptions(given: RuntimeOptions) {
  const options = readRuntimeFields(given)
  if (options.database === undefined) {
    throw new InvalidArgumentError('database', 'is undefined', 'Is the variable set that it was read from?')
  }
  if (options.schema !== undefined) checkSchemaName(options.schema)
  checkPooler(options.pooler)
  const { passivateAfter, lease, poll, dedupRetention, maxResidentBytes } = options
  return {
    queues: readQueues(options.queues ?? DEFAULTS.queues),
    bounds: readBounds(options.bounds),
    limits: readLimits(options.limits),
    passivateAfterMs: readDurationMs('passivateAfter', passivateAfter ?? DEFAULTS.passivateAfterMs),
    leaseMs: readTermMs('lease', lease ?? DEFAULTS.leaseMs),
    pollMs: readTermMs('poll', poll ?? DEFAULTS.pollMs),
    dedupRetentionMs: readDurationMs('dedupRetention', dedupRetention ?? DEFAULTS.dedupRetentionMs),
    retentionMs: options.retention === undefined ? DEFAULTS.retentionMs : readRetentionMs(options.retention),
    maxResident: readCount('maxResident', options.maxResident ?? DEFAULTS.maxResident),
    maxResidentBytes: readCount(
      'maxResidentBytes',
      maxResidentBytes ?? DEFAULTS.maxResidentBytes,
      Number.MAX_SAFE_INTEGER
    ),
    name: readText('name', options.name ?? `${hostname()}:${process.pid}`),
    reaper: readFlag('reaper', options.reaper, true),
    janitor: readFlag('janitor', options.janitor, true),
    // oxlint-disable-next-line no-console -- what XState itself does by default
    log: readFunction('log', options.log ?? console.log),
    warn: options.warn && readFunction('warn', options.warn)
  }
}

function checkPooler(pooler: Pooler | undefined): void {
  if (pooler === undefined || ['none', 'session', 'transaction'].includes(pooler)) return
  throw new InvalidArgumentError('pooler', 'is unknown', "Pass 'none', 'session' or 'transaction', or leave it out")
}

function readQueues(given: Readonly<Record<string, number>>): Readonly<Record<string, number>> {
  const queues = readRecord('queues', given)
  for (const [queue, concurrency] of Object.entries(queues)) {
    readName('queues: a name', queue)
    readCount(`queues: '${queue}'`, concurrency)
  }
  return queues
}
