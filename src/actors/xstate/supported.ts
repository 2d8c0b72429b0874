/**
 * Whether the installed xstate is one that perdure can stand on: the self-test at import.
 *
 * Owns: refusing a release that lacks a private part that is relied on, by its name, or in which custom actions would not
 * wait for the commit. Does not own: the list of those parts (internals.ts).
 */
import { and, assign, createActor, createMachine, enqueueActions, fromObservable, log, raise, spawnChild } from 'xstate'
import { XStateUnsupportedError } from '../../errors.ts'
import { INTERNALS, type LiveActor, type LiveMachineSnapshot, type MachineLogic, type Owner } from './internals.ts'

/** Throws XStateUnsupportedError where the installed xstate cannot keep promise P1. */
export function assertXStateSupported(): void {
  assertInternals()
  assertActionsWait()
}

function assertInternals(): void {
  const actor = createActor(createMachine({ id: 'probe' })) as unknown as LiveActor
  for (const { owner, field, why } of INTERNALS) {
    if (!(field in findOwner(owner, actor))) throw new XStateUnsupportedError(`its ${owner} has no '${field}' (${why})`)
  }
}

/** The way to an owner leads through parts that stand before its own in the list: they are there. */
function findOwner(owner: Owner, actor: LiveActor): object {
  const machine = (actor._snapshot as LiveMachineSnapshot | undefined)?.machine as MachineLogic
  switch (owner) {
    case 'actor':
      return actor
    case 'scope':
      return actor._actorScope
    case 'system':
      return actor.system as object
    case 'scheduler':
      return (actor.system as { readonly scheduler: object }).scheduler
    case 'schedule':
      return (actor.system as { getSnapshot(): object }).getSnapshot()
    case 'snapshot':
      return actor._snapshot
    case 'machine':
      return machine
    case 'node':
      return machine.root
    case 'observable':
      return fromObservable(() => ({}) as never).getInitialSnapshot({} as never, undefined)
    case 'raise':
      return raise({ type: 'ACT' })
    case 'spawnChild':
      return spawnChild(machine as never)
    case 'assign':
      return assign({})
    case 'enqueueActions':
      return enqueueActions(() => {})
    case 'and':
      return and([])
    case 'logged':
      return resolveLog()
  }
}

/** The parameters with which XState has an executor run a `log`. */
function resolveLog(): object {
  const action = log('value', 'label') as unknown as { resolve(...args: unknown[]): readonly [unknown, object] }
  return action.resolve({}, {}, {}, undefined, action)[1]
}

/** A tiny machine in a system of ours: its action must be asked about, and not run. */
function assertActionsWait(): void {
  let actionsRun = 0
  let actionsHeld = 0
  let microsteps = 0
  let adopted: LiveActor | undefined
  const probe = createMachine({ id: 'probe', on: { ACT: { actions: () => void actionsRun++ } } })
  const system = {
    ...(createActor(probe).system as object),
    _sendInspectionEvent(event: { readonly type: string; readonly actorRef: LiveActor }) {
      if (event.type === '@xstate.microstep') microsteps++
      if (event.type !== '@xstate.actor' || event.actorRef._snapshot !== undefined) return
      adopted = event.actorRef
      adopted._parent = undefined
      adopted._actorScope.actionExecutor = () => void actionsHeld++
    }
  }
  const actor = createActor(probe, { parent: { system } } as never) as unknown as LiveActor
  if (adopted !== actor) throw new XStateUnsupportedError('new actors are not announced before their first snapshot')
  actor.start()
  actor._send({ type: 'ACT' })
  const isHeld = actionsRun === 0 && actionsHeld === 1
  if (!isHeld) throw new XStateUnsupportedError('its custom actions would not wait for the commit')
  if (microsteps === 0) throw new XStateUnsupportedError('its microsteps are not announced, so loops have no bound')
}
