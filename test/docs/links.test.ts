/** Links of the documentation lead somewhere. */
import { existsSync } from 'node:fs'
import { join, normalize } from 'node:path'
import { expect, test } from 'vitest'
import { pages, root, type Page } from './pages.ts'

interface Link {
  readonly path: string
  readonly anchor: string | undefined
}

/** Links within the repository, from its root. */
function linksOf({ path, text }: Page): readonly Link[] {
  return [...text.matchAll(/\]\((?!https?:)([^)#]*)(?:#([^)]*))?\)/g)].map(([, target = '', anchor]) => {
    return { path: target === '' ? path : normalize(join(path, '..', target)), anchor }
  })
}

/** The anchors of a page's headings, as the hosts of repositories make them. */
function anchorsOf({ text }: Page): readonly string[] {
  const headings = text.replaceAll(/^```[^]*?^```/gm, '').matchAll(/^#+ (.*)$/gm)
  return [...headings].map(([, heading = '']) => heading.toLowerCase().replaceAll(/[^\p{L}\p{N} _-]/gu, '').replaceAll(' ', '-'))
}

test.each(pages.map((page) => [page.path, page] as const))('%s: every link leads to a file, and to a heading in it', (_, page) => {
  for (const { path, anchor } of linksOf(page)) {
    expect(existsSync(root + path), path).toBe(true)
    const target = pages.find((other) => other.path === path)
    if (anchor !== undefined) expect(target && anchorsOf(target), `${path}#${anchor}`).toContain(anchor)
  }
})
