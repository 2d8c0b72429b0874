/** Links of the documentation lead somewhere. */
import { existsSync } from 'node:fs'
import { join, normalize } from 'node:path'
import { expect, test } from 'vitest'
import { findPage, pages, root, type Page } from './pages.ts'

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
function anchorsOf(path: string): readonly string[] {
  const headings = findPage(path)
    .text.replaceAll(/^```[^]*?^```/gm, '')
    .matchAll(/^#+ (.*)$/gm)
  return [...headings].map(([, heading = '']) =>
    heading
      .toLowerCase()
      .replaceAll(/[^\p{L}\p{N} _-]/gu, '')
      .replaceAll(' ', '-')
  )
}

function isBroken({ path, anchor }: Link): boolean {
  return !existsSync(root + path) || (anchor !== undefined && !anchorsOf(path).includes(anchor))
}

test.each(pages.map((page) => [page.path, page] as const))(
  '%s: every link leads to a file, and to a heading in it',
  (_, page) => {
    expect(linksOf(page).filter(isBroken)).toEqual([])
  }
)
