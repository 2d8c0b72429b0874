/**
 * The few figures that a benchmark needs of a list of measurements.
 */
export const sum = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0)

export const median = (values: readonly number[]): number => quantile(values, 0.5)

/** The value below which a `fraction` of the values lies, between two of them in proportion. */
export function quantile(values: readonly number[], fraction: number): number {
  if (values.length === 0) throw new Error('a quantile of nothing')
  const sorted = values.toSorted((a, b) => a - b)
  const place = (sorted.length - 1) * fraction
  const below = sorted[Math.floor(place)] as number
  const above = sorted[Math.ceil(place)] as number
  return below + (above - below) * (place - Math.floor(place))
}

/**
 * How many times `baseline` the `values` are. Both are measured in the same rounds, one soon after the other, and compared
 * round by round, so that a machine that is slower for a while is so for both.
 */
export function ratioByRound(values: readonly number[], baseline: readonly number[]): number {
  return median(values.map((value, round) => value / (baseline[round] as number)))
}
