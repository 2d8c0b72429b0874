/** Which machines a machine leads to: those that its durable children are made of, through all that it invokes. */
import type { AnyStateMachine } from 'xstate'
import { definitionOf, type Definition } from './definitions.ts'

/** All of them, whatever lies between; without `machine` itself. */
export function childMachinesOf(machine: AnyStateMachine): readonly AnyStateMachine[] {
  const found = new Set<AnyStateMachine>()
  walk(machine, new Set(), (definition) => {
    if (definition.kind !== 'activity') found.add(definition.machine)
  })
  return [...found].filter((child) => child !== machine)
}

function walk(machine: AnyStateMachine, seen: Set<unknown>, visit: (definition: Definition) => void): void {
  if (seen.has(machine)) return
  seen.add(machine)
  for (const logic of Object.values(machine.implementations.actors) as (object | undefined)[]) {
    if (!logic) continue
    const definition = definitionOf(logic)
    if (definition) visit(definition)
    if (definition && definition.kind !== 'activity') walk(definition.machine, seen, visit)
    else if ('implementations' in logic) walk(logic as AnyStateMachine, seen, visit)
  }
}
