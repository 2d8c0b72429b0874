/**
 * A clock that is wrong, in this process: `Date` tells another time than the machine. Clocks that only measure (`performance.now`) go on.
 *
 * Owns: the global `Date`. To be imported before all that might keep it.
 */
const TrueDate = Date
/** Between two steps. */
const STEP_EVERY_MS = 50

let offMs = 0
let timer: NodeJS.Timeout | undefined

export const trueNow = (): number => TrueDate.now()

const now = (): number => TrueDate.now() + offMs

/** Off by the first of `steps`, soon by the next, and so on, round and round. */
export function stepClock(steps: readonly number[]): void {
  clearInterval(timer)
  let step = 0
  const next = (): void => void (offMs = steps[step++ % steps.length] ?? 0)
  next()
  if (steps.length > 1) timer = setInterval(next, STEP_EVERY_MS).unref()
}

globalThis.Date = new Proxy(TrueDate, {
  construct: (target, args: unknown[], self) =>
    Reflect.construct(target, args.length === 0 ? [now()] : args, self) as object,
  apply: () => new TrueDate(now()).toString(),
  get: (target, name, self) => (name === 'now' ? now : Reflect.get(target, name, self))
})
