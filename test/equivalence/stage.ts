/** A steered database for a test file, closed after its last test. */
import { afterAll, vi } from 'vitest'
import { testDatabase } from '../support/database.ts'
import { SteeredDatabase } from './steered-database.ts'

export async function steeredDatabase(): Promise<SteeredDatabase> {
  const { url } = await testDatabase()
  const database = await SteeredDatabase.open(url)
  afterAll(() => database.close())
  // XState's development build tells of every event that comes too late; here, many do on purpose.
  vi.spyOn(console, 'warn').mockReturnValue(undefined)
  return database
}
