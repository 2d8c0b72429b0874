/**
 * The travellers: what they have, what they want, and that each waits for a trip's end before the next is booked.
 */
import type { Runtime } from 'perdure'
import type { Sql } from 'postgres'
import type { Payment } from './bank.ts'
import { chance } from './chance.ts'
import { tripMachine } from './trip-machine.ts'

export type Agency = Runtime<typeof tripMachine>

/** In cents. */
const opening = 350_000
const tripsEach = 4
const tripsAtOnce = 40
const timeout = '1 minute'

/** Four trips for each traveller, at prices of which three or so can be paid. */
export function planTrips(trips: number, seed: string): readonly Payment[] {
  return Array.from({ length: trips }, (_, n) => ({
    tripNo: n + 1,
    traveller: `traveller ${Math.floor(n / tripsEach) + 1}`,
    cents: 60_000 + Math.floor(chance(seed, 'price', n + 1) * 80_000)
  }))
}

export async function openAccounts(sql: Sql, plan: readonly Payment[]): Promise<void> {
  const travellers = [...new Set(plan.map(({ traveller }) => traveller))]
  await sql`insert into trips_world.account select unnest(${travellers}::text[]), ${opening}, ${opening}`
}

/** Resolves when every trip has come to an end, whichever. */
export async function travel(agency: Agency, plan: readonly Payment[]): Promise<void> {
  const left = plan.values()
  const travelOneByOne = async (): Promise<void> => {
    for (const input of left) {
      const trip = await agency.spawn(tripMachine, { key: `trip:${input.tripNo}`, input })
      await trip.result({ timeout })
    }
  }
  await Promise.all(Array.from({ length: tripsAtOnce }, travelOneByOne))
}
