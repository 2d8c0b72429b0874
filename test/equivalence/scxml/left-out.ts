/**
 * The documents that become no case, each with its reason, and the few that need care (content.ts).
 */
import type { ScxmlDocument } from './documents.ts'

export interface LeftOut {
  readonly name: string
  readonly reason: string
}

/** How a reason begins that is about a difference between XState and SCXML; a test holds these to it. */
export const XSTATE_DIFFERS = 'XState itself differs: '

const guardsRaise = `${XSTATE_DIFFERS}a guard that fails raises no event`
const outputFails = `${XSTATE_DIFFERS}an output that fails is a failure of the machine, and no event`
const inDuringActions = `${XSTATE_DIFFERS}stateIn in actions looks at the configuration before or after, not at the one between`
const noSuchState = 'a manual test, which the package expects in a state that it does not have'
const logicAtRunTime = 'what is invoked is computed at run time; XState names it in the machine'
const noForwarding = 'autoforward has no like in XState'
const noFinalize = 'finalize has no like in XState'
const noXml = 'XML as a value: there is no DOM to store'

const byName: Readonly<Record<string, string>> = {
  'error/error': 'the error event is to hold lines and columns of SCION',
  'w3c-ecma/test216': logicAtRunTime,
  'w3c-ecma/test229': noForwarding,
  'w3c-ecma/test230': noForwarding,
  'w3c-ecma/test233': noFinalize,
  'w3c-ecma/test234': noFinalize,
  'w3c-ecma/test250': noSuchState,
  'w3c-ecma/test298': outputFails,
  'w3c-ecma/test307': noSuchState,
  'w3c-ecma/test326': 'compares two copies of an object in context by identity, which storing does not keep',
  'w3c-ecma/test329': 'compares two copies of an object in context by identity, which storing does not keep',
  'w3c-ecma/test343': outputFails,
  'w3c-ecma/test344': guardsRaise,
  'w3c-ecma/test409': inDuringActions,
  'w3c-ecma/test411': inDuringActions,
  'w3c-ecma/test453': 'a function in context cannot be stored',
  'w3c-ecma/test488': outputFails,
  'w3c-ecma/test528': outputFails,
  'w3c-ecma/test530': logicAtRunTime,
  'w3c-ecma/test554': `${XSTATE_DIFFERS}an input that fails is a failure of the machine, and no event`,
  'w3c-ecma/test557': noXml,
  'w3c-ecma/test561': noXml,
  'w3c-ecma/test579': `${XSTATE_DIFFERS}the default transition of a history state has no actions`
}

/** Why the document is no case; undefined where it is one. */
export function reasonToLeaveOut({ name, text, schedule }: ScxmlDocument): string | undefined {
  if (/sub\d$/.test(name)) return 'a part of another document'
  if (text.includes('BasicHTTP')) return 'the HTTP event processor: perdure has none'
  if (!schedule) return 'a manual test, of which the package expects nothing'
  return byName[name]
}

/** Documents whose content is meant to fail. */
export const needCare: ReadonlySet<string> = new Set([
  'assign/assign_invalid',
  ...inW3c(152, 156, 159, 194, 199, 286, 311, 312, 313, 314, 322, 324, 331, 332, 346, 376, 378, 401, 402, 457, 487),
  ...inW3c(496, 521, 553)
])

function inW3c(...numbers: readonly number[]): readonly string[] {
  return numbers.map((number) => `w3c-ecma/test${number}`)
}

/** Documents that look at the moment before any event, and so cannot begin on one. */
export const beginsUnseen: ReadonlySet<string> = new Set(inW3c(319))
