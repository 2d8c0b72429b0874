/** What every file of the repository owes its readers. */
import { expect, test } from 'vitest'
import { readFiles, readTypeScript, removeComments, type SourceFile } from './repository.ts'

const everything = readFiles('').filter((file) => !file.text.includes('\0'))
const typeScript = readTypeScript('')
const sources = readTypeScript('src')

function pathsOf(files: readonly SourceFile[]): readonly string[] {
  return files.map((file) => file.path)
}

test('no file is longer than 300 lines', () => {
  expect(pathsOf(typeScript.filter((file) => file.text.split('\n').length > 301))).toEqual([])
})

test('every source file opens with a block comment', () => {
  expect(pathsOf(sources.filter((file) => !file.text.startsWith('/**')))).toEqual([])
})

test('SQL lies under sql/ only', () => {
  const openings = [
    'select',
    'insert into',
    String.raw`update \S+ set`,
    'delete from',
    String.raw`with \w+ as`,
    '(create|alter|drop) (table|index|schema|database)'
  ]
  const statement = new RegExp(String.raw`['"\x60]\s*(${openings.join('|').replaceAll(' ', String.raw`\s+`)})\s`, 'i')
  expect(pathsOf(sources.filter((file) => statement.test(removeComments(file))))).toEqual([])
})

test('no file names a folder of some machine', () => {
  const place = /(?<![\w.$}-])\/(root|home|Users|work|tmp)\/\w/
  expect(pathsOf(everything.filter((file) => place.test(file.text)))).toEqual([])
})

test('no file names a registry host, and the lock says nothing of where packages came from', () => {
  const host = /\bregistry\.[a-z-]+\.[a-z]{2,}|"resolved":/
  expect(pathsOf(everything.filter((file) => host.test(file.text) && !file.path.startsWith('test/house/')))).toEqual([])
})
