/** The release of XState that a test runs on: the newest, or the oldest that is supported (vitest.oldest.config.ts). */
import xstate from 'xstate/package.json' with { type: 'json' }

export const release = xstate.version

/** Whether the release is this one, like `5.32.2`, or a later one. */
export function isSince(version: string): boolean {
  return release.localeCompare(version, 'en', { numeric: true }) >= 0
}
