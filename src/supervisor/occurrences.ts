/**
 * What is to be done about the occurrences of a schedule that are due.
 *
 * Owns: the policies for missed ones, the identity of an occurrence. Does not own: cron (cron.ts), time, doing it (the store).
 *
 * Invariants
 * 1. An occurrence has one id, made of the schedule's name and its time: whoever deals with it again finds its actor there.
 * 2. One step is bounded, whatever was missed: it computes no more than MAX_STEP moments, and what is left is still due.
 */
import { createHash } from 'node:crypto'
import { fromJson, toJson } from '../actors/snapshot-codec.ts'
import { readCron, type CronPlan } from '../cron.ts'
import type { Schedule, ScheduleMove } from '../persistence/schedules.ts'
import type { Json } from '../persistence/store.ts'

/** An occurrence is missed when it is older than this before any node looks: longer than a fail-over or a restart of the database. */
export const MISSED_AFTER_MS = 60_000
const MAX_STEP = 100

/** The step that a schedule is to take at this time. Throws where its cron expression or its input cannot be read here. */
export function planStep(schedule: Schedule, now: number): ScheduleMove {
  const { name, revision, timeField, input } = schedule
  const plan = readCron(schedule.cron, schedule.timeZone)
  const { times, nextAt } = chooseTimes(schedule, plan, now)
  const births = times.map((at) => ({
    id: idOfOccurrence(name, at),
    at,
    input: timeField === null ? null : withTime(input, timeField, at)
  }))
  return { name, revision, nextAt, lastAt: times.at(-1) ?? null, births }
}

interface Choice {
  /** Of the occurrences that an actor is to come of. */
  readonly times: readonly number[]
  readonly nextAt: number | null
}

function chooseTimes({ missed, nextAt }: Schedule, plan: CronPlan, now: number): Choice {
  if (nextAt === null || nextAt > now) return { times: [], nextAt }
  const freshFrom = now - MISSED_AFTER_MS
  const isMissed = nextAt < freshFrom
  if (isMissed && missed === 'skip') return collectDue(plan, plan.after(freshFrom - 1), now)
  if (isMissed && missed === 'once') return { times: [Math.max(plan.upTo(now) ?? 0, nextAt)], nextAt: plan.after(now) }
  return collectDue(plan, nextAt, now)
}

function collectDue(plan: CronPlan, first: number | null, now: number): Choice {
  const times: number[] = []
  let nextAt = first
  while (nextAt !== null && nextAt <= now && times.length < MAX_STEP) {
    times.push(nextAt)
    nextAt = plan.after(nextAt)
  }
  return { times, nextAt }
}

/** A UUID of version 8: made of a hash, and of nothing else. */
export function idOfOccurrence(name: string, at: number): string {
  const hash = createHash('sha256')
    .update(JSON.stringify(['perdure.schedule', name, at]))
    .digest()
  hash[6] = ((hash[6] as number) & 0x0f) | 0x80
  hash[8] = ((hash[8] as number) & 0x3f) | 0x80
  return hash.toString('hex', 0, 16).replace(/^(.{8})(.{4})(.{4})(.{4})/, '$1-$2-$3-$4-')
}

/** The input of an occurrence: that of the schedule, an object, and in it the time. */
export function withTime(input: Json | null, field: string, at: number): Json {
  const fields = input === null ? {} : (fromJson(input, 'input') as object)
  return toJson({ ...fields, [field]: new Date(at) }, 'input')
}
