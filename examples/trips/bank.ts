/**
 * The money, as transaction steps: it is moved in the very commit in which the trip hears that it was.
 */
import type pg from 'pg'
import { transaction, type TransactionArgs } from 'perdure'

export interface Payment {
  readonly tripNo: number
  readonly traveller: string
  readonly cents: number
}

/** Where there is too little in the account, the database refuses: that is the machine's to handle, and no attempt would mend it. */
export const takeMoney = transaction(({ input, client }: TransactionArgs<Payment, pg.ClientBase>) =>
  move(client, { ...input, cents: -input.cents })
)

export const giveBack = transaction(
  ({ input, client }: TransactionArgs<Payment, pg.ClientBase>) => move(client, input),
  { retry: true }
)

async function move(client: pg.ClientBase, { tripNo, traveller, cents }: Payment): Promise<void> {
  await client.query('update trips_world.account set cents = cents + $2 where traveller = $1', [traveller, cents])
  await client.query('insert into trips_world.transfer values ($1, $2, $3)', [tripNo, traveller, cents])
}
