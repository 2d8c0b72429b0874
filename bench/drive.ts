/**
 * The ways in which contenders are given their events.
 */

/** The instances of one of several connections that work side by side. */
export const shareOf = (ids: readonly string[], place: number, connections: number): readonly string[] =>
  ids.filter((_, index) => index % connections === place)

/** Makes the event with this number durable for an instance. */
export type Send = (id: string, number: number) => Promise<unknown>

/** All instances at the same time; each is sent its next event when the one before is durable. */
export async function sendOneByOne(ids: readonly string[], events: number, send: Send): Promise<void> {
  const sendTo = async (id: string): Promise<void> => {
    for (let number = 1; number <= events; number++) await send(id, number)
  }
  await Promise.all(ids.map(sendTo))
}

/** All instances at the same time; each is sent all its events at once. */
export async function sendAllAtOnce(ids: readonly string[], events: number, send: Send): Promise<void> {
  const numbers = Array.from({ length: events }, (_, index) => index + 1)
  await Promise.all(ids.flatMap((id) => numbers.map((number) => send(id, number))))
}
