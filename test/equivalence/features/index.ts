/** The matrix of XState's features: every one by at least one small machine. */
import type { Case } from '../case.ts'
import { actionCases } from './actions.ts'
import { childTimerCases } from './child-timers.ts'
import { childCases } from './children.ts'
import { cornerCases } from './corners.ts'
import { differenceCases } from './differences.ts'
import { endCases } from './ends.ts'
import { errorCases } from './errors.ts'
import { generationCases } from './generations.ts'
import { guardCases } from './guards.ts'
import { historyCases } from './history.ts'
import { messageCases } from './messages.ts'
import { promiseCases } from './promises.ts'
import { referenceCases } from './references.ts'
import { replacingCases } from './replacing.ts'
import { spawnedCases } from './spawned.ts'
import { stateCases } from './states.ts'
import { streamCases } from './streams.ts'
import { timerCases } from './timers.ts'
import { transitionCases } from './transitions.ts'
import { valueCases } from './values.ts'
import { watchingCases } from './watching.ts'
import { worldCases } from './world.ts'

export const featureCases: readonly Case[] = [
  ...stateCases,
  ...historyCases,
  ...transitionCases,
  ...guardCases,
  ...actionCases,
  ...timerCases,
  ...childTimerCases,
  ...valueCases,
  ...endCases,
  ...childCases,
  ...spawnedCases,
  ...replacingCases,
  ...generationCases,
  ...referenceCases,
  ...messageCases,
  ...promiseCases,
  ...streamCases,
  ...errorCases,
  ...worldCases,
  ...watchingCases,
  ...cornerCases,
  ...differenceCases
]
