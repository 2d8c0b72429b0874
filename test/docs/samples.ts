/**
 * The samples of the documentation as modules: every block of TypeScript is one that runs as it stands.
 *
 *     <!-- sample: shop -->                     names the block below it
 *     <!-- continues: shop -->                  the block below goes on where that one ends: they are one module
 *     <!-- sample: open; continues: shop -->    both
 *     <!-- output -->                           the block below is all that the sample above it prints
 *
 * Owns: writing the modules, running one, checking their types. Does not own: the database that they run on.
 *
 * Invariants
 * 1. Line n of a module is line n of its page, so whatever fails names the line to mend.
 * 2. What a sample says that it prints (`console.log(…) // that`), it prints, in that order; where it has an output, that is
 *    all.
 */
import { execFile } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join, relative } from 'node:path'
import { formatWithOptions } from 'node:util'
import { expect, vi } from 'vitest'
import { blocks, root, type Block } from './pages.ts'

export interface Sample {
  /** `docs/sending.md:42` */
  readonly name: string
  readonly module: string
  /** What it says that it prints. */
  readonly prints: readonly string[]
  /** All that it prints, where the page shows that. */
  readonly output: readonly string[] | undefined
}

const folder = makeFolder()

export const samples: readonly Sample[] = blocks.filter(({ language }) => language === 'ts').map(writeSample)

function makeFolder(): string {
  mkdirSync(join(root, '.perdure'), { recursive: true })
  return mkdtempSync(join(root, '.perdure', 'docs-'))
}

export function removeSamples(): void {
  rmSync(folder, { recursive: true })
}

function writeSample(block: Block): Sample {
  const lines: string[] = []
  for (const { line, code } of listParts(block)) {
    while (lines.length < line - 1) lines.push('')
    lines.push(...code.trimEnd().split('\n'))
  }
  const text = lines.join('\n')
  const module = join(folder, block.page, `${block.line}.ts`)
  mkdirSync(dirname(module), { recursive: true })
  writeFileSync(module, text)
  const prints = [...text.matchAll(/console\.log\(.*\) \/\/ (.*)$/gm)].map((match) => match[1] as string)
  const below = blocks[blocks.indexOf(block) + 1]
  const output = below?.comment === 'output' ? below.code.trimEnd().split('\n') : undefined
  return { name: `${block.page}:${block.line}`, module, prints, output }
}

/** The blocks that it continues, and itself. */
function listParts(block: Block): readonly Block[] {
  const name = readComment(block, 'continues')
  if (name === undefined) return [block]
  const above = blocks.filter(({ page, line }) => page === block.page && line < block.line)
  const before = above.find((other) => readComment(other, 'sample') === name)
  if (before === undefined) throw new Error(`${block.page}:${block.line} continues '${name}', which is not above it`)
  return [...listParts(before), block]
}

function readComment({ comment }: Block, word: 'sample' | 'continues'): string | undefined {
  const part = comment.split('; ').find((part) => part.startsWith(`${word}: `))
  return part?.slice(word.length + 2)
}

/** Runs a sample to its end. */
export async function runSample({ module, prints, output }: Sample): Promise<void> {
  const printed: string[] = []
  vi.spyOn(console, 'log').mockImplementation((...words) => {
    printed.push(formatWithOptions({ breakLength: Infinity }, ...words))
  })
  vi.spyOn(console, 'warn').mockReturnValue()
  try {
    await import(module)
  } finally {
    vi.restoreAllMocks()
  }
  if (output) expect(printed).toEqual(output)
  let from = 0
  for (const line of prints) {
    const at = printed.indexOf(line, from)
    expect(printed.slice(from), 'what is left of what the sample has printed').toContain(line)
    from = at + 1
  }
}

/** What the compiler has against the samples, by lines of the pages. */
export async function checkTypes(): Promise<readonly string[]> {
  const config = join(folder, 'tsconfig.json')
  const files = samples.map(({ module }) => module)
  writeFileSync(config, JSON.stringify({ extends: '../../tsconfig.json', include: [], files }))
  const tsc = join(root, 'node_modules', '.bin', 'tsc')
  const output = await new Promise<string>((resolve) => {
    execFile(tsc, ['-p', config, '--pretty', 'false'], { cwd: root }, (_error, stdout) => resolve(stdout))
  })
  const prefix = `${relative(root, folder)}/`
  const complaints = output.split('\n').filter((line) => line.startsWith(prefix) || line.startsWith('error'))
  return complaints.map((line) => line.replace(prefix, '').replace(/\/\d+\.ts\((\d+),\d+\)/, ':$1'))
}
