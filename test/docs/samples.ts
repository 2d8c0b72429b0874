/**
 * The samples of the documentation as modules: every block of TypeScript is one that runs as it stands.
 *
 *     <!-- sample: shop -->            names the block below it
 *     <!-- continues: shop -->         the block below goes on where that one ends: both are one module
 *
 * Owns: writing the modules, running one, checking their types. Does not own: the database that they run on.
 *
 * Invariants
 * 1. Line n of a module is line n of its page, so whatever fails names the line to mend.
 * 2. What a sample says that it prints (`console.log(…) // that`), it prints, in that order.
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
    for (const [index, text] of code.split('\n').entries()) lines[line + index] = text
  }
  const text = Array.from(lines, (line = '') => line).slice(1).join('\n')
  const module = join(folder, block.page, `${block.line}.ts`)
  mkdirSync(dirname(module), { recursive: true })
  writeFileSync(module, text)
  const prints = [...text.matchAll(/console\.log\(.*\) \/\/ (.*)$/gm)].map((match) => match[1] as string)
  return { name: `${block.page}:${block.line}`, module, prints }
}

/** The block, and those that it continues. */
function listParts(block: Block): readonly Block[] {
  const [, name] = /^continues: (.+)$/.exec(block.comment) ?? []
  if (name === undefined) return [block]
  const first = blocks.find(({ page, comment }) => page === block.page && comment === `sample: ${name}`)
  if (first === undefined) throw new Error(`${block.page}:${block.line} continues '${name}', which is not on its page`)
  return [first, block]
}

/** Runs a sample to its end. */
export async function runSample({ module, prints }: Sample): Promise<void> {
  const printed: string[] = []
  const print = (...words: readonly unknown[]): void =>
    void printed.push(formatWithOptions({ breakLength: Infinity }, ...words))
  vi.spyOn(console, 'log').mockImplementation(print)
  vi.spyOn(console, 'warn').mockImplementation(print)
  try {
    await import(module)
  } finally {
    vi.restoreAllMocks()
  }
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
  const place = new RegExp(`^${RegExp.escape(relative(root, folder))}/(.+)/\\d+\\.ts\\((\\d+),\\d+\\): (.*)$`, 'gm')
  return [...output.matchAll(place)].map(([, page, line, problem]) => `${page}:${line} ${problem}`)
}
