/** The public API of perdure. */
export { createRuntime } from './runtime.ts'
export type { Runtime, StopOptions, TransactionCalls, TransactionOptions } from './api.ts'
export type { ActorId, DurableActorRef, SnapshotObserver } from './actor-ref.ts'
export { idempotencyKey } from './actors/idempotency.ts'
export type { SendResult, SendStatus } from './actors/mailbox.ts'
export type { Subscription } from './actors/observers.ts'
export type { MigrateOptions } from './actors/migration.ts'
export type { PersistedActor, PersistedChild, PersistedMachine, PersistedTimer } from './actors/transition.ts'
export type { RetryPolicy } from './actors/retry-policy.ts'
export * from './errors.ts'
export type { Limits } from './limits.ts'
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
export type { ActorStatus } from './persistence/store.ts'
export type { TreeNode } from './supervisor/supervisor.ts'
export type { TelemetryEventName, TelemetryEvents } from './telemetry/catalogue.ts'
export type { TelemetryListener } from './telemetry/telemetry.ts'
