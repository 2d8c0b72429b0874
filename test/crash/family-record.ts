/**
 * What the database knows of those with whom an order has dealings, and what must be so of them: at every moment all rows tell the
 * same story, and in the end nothing is left of it that runs.
 */
import { expect } from 'vitest'
import type { Row, TestDatabase } from '../support/database.ts'
import { diaryKeyOf, isOfFlight } from './family.ts'
import type { Life } from './life.ts'
import type { OrderRecord } from './record.ts'

interface ChildRecord {
  readonly machine: 'flight' | 'parcel'
  readonly hasOwner: boolean
  readonly hasEnded: boolean
  readonly status: string
  readonly steps: readonly string[]
  /** Types of the events that wait. */
  readonly inbox: readonly string[]
}

export interface FamilyRecord {
  readonly children: readonly ChildRecord[]
  /** Joins that are not released. */
  readonly joins: number
  /** Rows of the user's own table. */
  readonly bookings: number
  /** All that the diary was sent, in order: what it has written, and what waits. */
  readonly told: readonly string[]
  readonly written: readonly string[]
}

export async function readFamily({ sql }: Pick<TestDatabase, 'sql'>, id: string): Promise<FamilyRecord> {
  const steps = `coalesce(snapshot #> '{context,steps}', '[]')`
  const inbox = `(select coalesce(json_agg(event -> 'type' order by seq), '[]') from perdure.signal where actor_id = actor.id)`
  const children = await sql(
    `select machine, owner is not null as "hasOwner", ended_at is not null as "hasEnded", status::text as status,
       ${steps} as steps, ${inbox} as inbox
     from perdure.actor where parent = $1`,
    [id]
  )
  const [counts] = await sql(
    `select (select count(*)::integer from perdure.child_join where parent = $1) as joins,
       (select count(*)::integer from booking where order_id = $1) as bookings`,
    [id]
  )
  const [diary] = await sql(`select ${steps} as steps, ${inbox} as inbox from perdure.actor where key = $1`, [
    diaryKeyOf(id)
  ])
  const written = (diary?.['steps'] ?? []) as readonly string[]
  const told = [...written, ...((diary?.['inbox'] ?? []) as readonly string[])]
  return { ...(counts as Row & Pick<FamilyRecord, 'joins' | 'bookings'>), children: children as never, told, written }
}

/** At the moment of death, in whatever state the order is. */
export function expectFamilyTruth(life: Life, { steps, inbox }: OrderRecord, family: FamilyRecord): void {
  const has = (step: string): boolean => (steps as readonly string[]).includes(step)
  const count = (type: string): number => (inbox as readonly string[]).filter((each) => each === type).length
  const { children, joins, bookings, told } = family
  const [flights, parcels] = [
    children.filter(({ machine }) => machine === 'flight'),
    children.filter(({ machine }) => machine === 'parcel')
  ]
  expect(bookings, 'rows are there with the transition, and not without').toBe(has('booked') ? 1 : 0)
  expect(told, 'what is sent is in the inbox with the transition, once and in order').toEqual(
    has('tell') ? ['noteA', 'noteB'] : []
  )

  expect(flights.length, 'a child is there with the transition').toBe(has('fly') ? 1 : 0)
  for (const flight of flights) {
    const seen = life.reports.map(({ step }) => step).filter(isOfFlight)
    expect(flight.steps, 'effects of a child come after its commit').toEqual(expect.arrayContaining(seen))
    expect(Number(has('boarded')) + count('boarded'), 'what a child tells goes with its commit').toBe(
      flight.steps.includes('takeOff') ? 1 : 0
    )
    expect([...flight.steps, ...flight.inbox].includes('land'), 'what a child is told goes with that commit').toBe(
      has('boarded')
    )
    expect(Number(has('landed')) + count('perdure.child'), 'its end is told with it').toBe(flight.hasEnded ? 1 : 0)
  }

  expect(parcels.length, 'all children are there, or none').toBe(has('pack') || has('stack') ? 3 : 0)
  if (parcels.length === 0) return
  const isOver = parcels.every(({ hasEnded }) => hasEnded)
  const isLeft = has('leave') && !has('packed')
  if (isLeft) {
    expect(joins, 'nothing waits for children that were left').toBe(0)
    for (const parcel of parcels) {
      const isAsked = parcel.hasOwner && parcel.inbox.includes('xstate.stop')
      expect(parcel.hasEnded || isAsked, 'who was left has ended, or is asked to').toBe(true)
    }
  } else {
    expect(Number(has('packed')) + count('perdure.children'), 'a join is released once, with the last end').toBe(
      isOver ? 1 : 0
    )
    expect(joins, 'a join is there until it is released').toBe(isOver ? 0 : 1)
  }
}

/** Nobody of it has anything to do any more. */
export const isAtRest = ({ children, told, written }: FamilyRecord): boolean =>
  children.every(({ hasEnded }) => hasEnded) && told.length === written.length

/** Once it is at rest. */
export function expectFamilyEnd({ steps }: OrderRecord, { children, joins, bookings, written }: FamilyRecord): void {
  expect(
    children.filter(({ hasEnded }) => !hasEnded),
    'no child is left'
  ).toEqual([])
  expect(joins, 'no join is left').toBe(0)
  expect(bookings, 'rows are written once').toBe(steps.includes('booked') ? 1 : 0)
  expect(written, 'all that was sent has come, once and in order').toEqual(
    steps.includes('tell') ? ['noteA', 'noteB'] : []
  )
  const statuses = new Set(children.map(({ status }) => status))
  if (!steps.includes('leave')) expect([...statuses].filter((status) => status !== 'done')).toEqual([])
}
