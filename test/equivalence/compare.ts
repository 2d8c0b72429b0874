/**
 * Cases run both ways, and compared.
 *
 * Owns: bringing the two runs together. Does not own: the runs, what a difference means (verdict.ts).
 */
import { randomUUID } from 'node:crypto'
import type { Case } from './case.ts'
import { toData } from './data.ts'
import { type Difference, findDifference } from './difference.ts'
import { type DurableRun, runDurably } from './durable-run.ts'
import type { Observation } from './observation.ts'
import { runPlain } from './plain-run.ts'
import type { SteeredDatabase } from './steered-database.ts'

export interface Comparison {
  readonly case: Case
  /** Compared, the start among them. */
  readonly steps: number
  /** Of these, those for which the actor came back from its row. */
  readonly hydratedSteps: number
  /** The first one. */
  readonly difference: Difference | undefined
  /** What plain XState showed. */
  readonly plain: readonly Observation[]
}

/** One after the other would do as well; together they share a runtime. Answers come in the order of the cases. */
export async function compareAll(database: SteeredDatabase, cases: readonly Case[]): Promise<readonly Comparison[]> {
  const parts = await Promise.all(
    cases.map(async (each) => {
      const id = randomUUID()
      const plain = await runPlain(each, id)
      return { case: each, id, plain, logs: plain.some(hasLog) }
    })
  )
  const runs = await runDurably(database, parts)
  return parts.map(({ case: each, plain }, index) => {
    const { observations, hydratedSteps, refusal } = runs[index] as DurableRun
    const difference = refusal ? tellRefusal(refusal) : findDifference(plain, observations)
    return { case: each, steps: refusal ? 0 : plain.length, hydratedSteps, difference, plain }
  })
}

const hasLog = ({ heard }: Observation): boolean => heard.some((sound) => sound.startsWith('["log"'))

const tellRefusal = (refusal: Error): Difference => ({
  step: 0,
  path: 'registration',
  plain: undefined,
  durable: toData(refusal)
})
