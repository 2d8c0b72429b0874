/**
 * What a campaign found, for people: counts by group, every difference by name.
 *
 * Owns: counting and layout. Does not own: verdicts (verdict.ts).
 */
import type { Finding } from './verdict.ts'

interface Row {
  cases: number
  steps: number
  hydrated: number
  equal: number
  documented: number
  different: number
}

const COLUMNS = ['group', 'cases', 'steps', 'hydrated', 'equal', 'documented', 'different']

export class Report {
  readonly #rows = new Map<string, Row>()
  /** Names of cases, by the documented difference. */
  readonly #documented = new Map<string, string[]>()
  readonly #different: { readonly group: string; readonly name: string; readonly told: string }[] = []

  constructor(findings: readonly Finding[]) {
    for (const finding of findings) this.#add(finding)
  }

  #add({ group, name, steps, hydratedSteps, verdict: { kind, told } }: Finding): void {
    const row = this.#rows.get(group) ?? { cases: 0, steps: 0, hydrated: 0, equal: 0, documented: 0, different: 0 }
    row.cases++
    row.steps += steps
    row.hydrated += hydratedSteps
    row[kind]++
    this.#rows.set(group, row)
    if (kind === 'documented') this.#documented.set(told, [...(this.#documented.get(told) ?? []), `${group}: ${name}`])
    if (kind === 'different') this.#different.push({ group, name, told })
  }

  /** What differs, and must not. */
  get different(): readonly { readonly group: string; readonly name: string; readonly told: string }[] {
    return this.#different
  }

  /** `hydrated`: steps for which the actor came back from its row. */
  tell(): string {
    const rows = [...this.#rows].map(([group, row]) => [group, ...Object.values(row).map(String)])
    const total = Object.keys([...this.#rows.values()][0] ?? {}).map((column) =>
      String([...this.#rows.values()].reduce((sum, row) => sum + row[column as keyof Row], 0))
    )
    const documented = [...this.#documented].map(([what, names]) => `  ${what} (${names.length})\n${listSome(names)}`)
    const different = this.#different.map(({ group, name, told }) => `${group}: ${name}\n${told}`)
    return [
      layOut([COLUMNS, ...rows, ['all', ...total]]),
      ...(documented.length > 0 ? ['', 'Documented differences', ...documented] : []),
      ...(different.length > 0 ? ['', 'Different', ...different] : [])
    ].join('\n')
  }
}

const SHOWN = 5

function listSome(names: readonly string[]): string {
  const more = names.length > SHOWN ? [`and ${names.length - SHOWN} more`] : []
  return [...names.slice(0, SHOWN), ...more].map((name) => `    ${name}`).join('\n')
}

/** Columns as wide as their widest cell; numbers to the right. */
function layOut(rows: readonly (readonly string[])[]): string {
  const widths = COLUMNS.map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)))
  const pad = (cell: string, column: number): string =>
    column === 0 ? cell.padEnd(widths[column] ?? 0) : cell.padStart(widths[column] ?? 0)
  return rows.map((row) => row.map(pad).join('  ')).join('\n')
}
