/** The public API of perdure. */
export { createRuntime } from './runtime.ts'
export type { Runtime, StopOptions, TransactionCalls, TransactionOptions } from './api.ts'
export type { ActorId, DurableActorRef, SnapshotObserver } from './actor-ref.ts'
export { activity, type ActivityArgs, type ActivityOptions } from './logics/activity.ts'
export { idempotencyKey } from './logics/current-work.ts'
export { all, durable, type AllOptions, type DurableOptions, type Outcome } from './logics/durable.ts'
export { durableRef } from './logics/durable-ref.ts'
export * from './logics/errors.ts'
export { job, type JobMachine } from './logics/job.ts'
export { transaction, type TransactionArgs } from './logics/transaction.ts'
export type { SendResult, SendStatus } from './actors/mailbox.ts'
export type { Subscription } from './actors/observers.ts'
export type { MigrateOptions } from './actors/migration.ts'
export type { Codec } from './actors/row-codec.ts'
export type { PersistedActor, PersistedChild, PersistedMachine, PersistedTimer } from './actors/transition.ts'
export type { RetryPolicy } from './retry-policy.ts'
export * from './errors.ts'
export { ScheduleNotFoundError } from './schedule-errors.ts'
export { StoreRefusedError } from './persistence/refusals.ts'
export type {
  ScheduleInfo,
  ScheduleOptions,
  Schedules,
  ScheduleSettings,
  TimedScheduleOptions,
  TimeField
} from './schedule-api.ts'
export type { Bounds } from './bounds.ts'
export type { LimitOptions } from './limiting/limits.ts'
export type { LimitUse } from './logics/limit-use.ts'
export type {
  Address,
  DurationInput,
  MachineEntry,
  MachineOptions,
  RuntimeOptions,
  SendOptions,
  SpawnOptions,
  WaitOptions
} from './options.ts'
export type { MissedPolicy } from './persistence/schedules.ts'
export type { ActorStatus } from './persistence/store.ts'
export type { TreeNode } from './supervisor/supervisor.ts'
export type { TelemetryEventName, TelemetryEvents } from './telemetry/catalogue.ts'
export type { TelemetryListener } from './telemetry/telemetry.ts'
