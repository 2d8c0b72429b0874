/**
 * The customers and their payment provider: everything that is said to the orders.
 *
 * Every payment is told twice. Every third is told before its order is placed. Some customers pay only when they are reminded.
 *
 * Owns: what is sent, and the count of what was answered. Does not own: the runtime that it is sent through.
 */
import type { Runtime, SendResult } from 'perdure'
import { orderMachine, type Receipt } from './order-machine.ts'

export type Shop = Runtime<typeof orderMachine>

/** Events, by the answers to their sends. */
export interface Tally {
  accepted: number
  duplicates: number
}

const customersAtOnce = 400
const timeout = '1 minute'

export const isPaidEarly = (orderNo: number): boolean => orderNo % 3 === 0
const isForgetful = (orderNo: number): boolean => orderNo % 10 === 1

/** Buys `orders` times; resolves when all parcels are on their way. */
export async function buyAll(shop: Shop, orders: number): Promise<Tally> {
  const tally: Tally = { accepted: 0, duplicates: 0 }
  const orderNos = Array.from({ length: orders }, (_, index) => index + 1).values()
  const buyOneByOne = async (): Promise<void> => {
    for (const orderNo of orderNos) await buy(shop, orderNo, tally)
  }
  await Promise.all(Array.from({ length: customersAtOnce }, buyOneByOne))
  return tally
}

async function buy(shop: Shop, orderNo: number, tally: Tally): Promise<Receipt> {
  const amount = 1_000 + ((orderNo * 37) % 9_000)
  const order = await shop.spawn(orderMachine, { key: `order:${orderNo}`, input: { orderNo, amount } })

  const count = ({ status }: SendResult): void => {
    if (status === 'duplicate') tally.duplicates++
    else tally.accepted++
  }
  const place = async () => count(await order.send({ type: 'order.placed' }))
  const pay = async () => count(await order.send({ type: 'payment.confirmed', amount }, { dedupKey: 'payment' }))

  if (isPaidEarly(orderNo)) {
    await pay()
    await place()
  } else {
    await place()
    if (isForgetful(orderNo)) await order.waitFor(({ context }) => context.reminders > 0, { timeout })
    await pay()
  }
  await pay()
  return order.result({ timeout })
}
