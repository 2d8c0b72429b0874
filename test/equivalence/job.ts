/**
 * The parts that a campaign is cut into, and what each of them answers.
 *
 * Owns: the cut, and doing one part. Does not own: which process does what (workers.ts), what is told of it (main.ts).
 *
 * Invariants
 * 1. The cut depends on the campaign alone, never on the number of processes: with what a seed shares its runtime is the
 *    same everywhere.
 * 2. Jobs and answers are plain data: they go from one process to another.
 */
import { release } from '../actors/xstate-release.ts'
import type { Case } from './case.ts'
import { compareAll } from './compare.ts'
import { featureCases } from './features/index.ts'
import { compareRandom, shrink } from './random/campaign.ts'
import { foundCases } from './random/found.ts'
import { loadScxmlCases } from './scxml/index.ts'
import type { SteeredDatabase } from './steered-database.ts'
import { type Finding, toFinding } from './verdict.ts'

export type Job =
  /** The cases that somebody wrote; of one group, where one is named. */
  | { readonly do: 'compare'; readonly source: Source; readonly group: string | undefined }
  | { readonly do: 'compareRandom'; readonly seed: number; readonly count: number }
  | { readonly do: 'shrink'; readonly seed: number }

export type Source = keyof typeof sources

export interface Answer {
  /** Of XState. */
  readonly release: string
  readonly findings: readonly Finding[]
  /** The smallest that fails, in words; '' where none was asked for. */
  readonly told: string
}

const sources = { features: () => featureCases, scxml: loadScxmlCases, found: () => foundCases }

export async function perform(job: Job, database: SteeredDatabase): Promise<Answer> {
  if (job.do === 'shrink') return { release, findings: [], told: await shrink(database, job.seed) }
  const comparisons = await (job.do === 'compare' ? compareAll(database, listCases(job)) : compareRandom(database, job))
  return { release, findings: comparisons.map(toFinding), told: '' }
}

function listCases({ source, group: wanted }: Extract<Job, { do: 'compare' }>): readonly Case[] {
  return sources[source]().filter(({ group }) => wanted === undefined || group === wanted)
}
