/**
 * The money, as transaction steps: it is moved in the very commit in which the trip hears that it was.
 */
import type pg from 'pg'
import { NonRetryableError, transaction, type TransactionArgs } from 'perdure'

export interface Payment {
  readonly tripNo: number
  readonly traveller: string
  readonly cents: number
}

export const takeMoney = transaction(
  ({ input, client }: TransactionArgs<Payment, pg.ClientBase>) => move(client, { ...input, cents: -input.cents }),
  { retry: true }
)

export const giveBack = transaction(
  ({ input, client }: TransactionArgs<Payment, pg.ClientBase>) => move(client, input),
  { retry: true }
)

/** A lost connection passes; an empty account does not. */
async function move(client: pg.ClientBase, { tripNo, traveller, cents }: Payment): Promise<void> {
  const { rowCount } = await client.query(
    'update trips_world.account set cents = cents + $2 where traveller = $1 and cents + $2 >= 0',
    [traveller, cents]
  )
  if (rowCount === 0) throw new NonRetryableError(`there is too little in the account of ${traveller}`)
  await client.query('insert into trips_world.transfer values ($1, $2, $3)', [tripNo, traveller, cents])
}
