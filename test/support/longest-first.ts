/**
 * The order of test files: the longest first, so that none of them is left to run alone at the end.
 *
 * Vitest knows how long files took only where it ran before: a fresh clone has nothing but their sizes.
 */
import { relative } from 'node:path'
import { BaseSequencer, type TestSpecification } from 'vitest/node'

/** Beginnings of paths, the longest first. What is not named follows, in the order that Vitest gives it. */
const LONGEST = [
  'test/crash/kill-work',
  'test/crash/lost-work',
  'test/persistence/postgres-store',
  'test/crash/kill',
  'test/docs/samples',
  'test/cluster/',
  'test/persistence/pooler',
  'test/crash/',
  'test/equivalence/random'
]

export class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    // oxlint-disable-next-line unicorn/no-array-sort -- it is no array's.
    const inItsOrder = await super.sort(files)
    return inItsOrder.toSorted((a, b) => this.#rankOf(a) - this.#rankOf(b))
  }

  #rankOf({ moduleId }: TestSpecification): number {
    const path = relative(this.ctx.config.root, moduleId)
    const rank = LONGEST.findIndex((beginning) => path.startsWith(beginning))
    return rank === -1 ? LONGEST.length : rank
  }
}
