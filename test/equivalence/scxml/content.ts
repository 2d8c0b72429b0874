/**
 * Executable content as XState's actions, each element one action.
 *
 * Owns: raise, assign, script, log, cancel, if and foreach, and how a block of them becomes a list of actions.
 * Does not own: send (sending.ts).
 *
 * In SCXML a block ends where one of its elements fails, and an error event is raised; in XState the machine fails. So
 * there are two ways to put a block together: as the plain list that one would write by hand, and with care.
 */
import { conditionOf } from './conditions.ts'
import { type Moment, readLiteral } from './datamodel.ts'
import { type Action, type Content, ContentError, kit, noteOf, type Scope } from './kit.ts'
import { sendContents } from './sending.ts'
import type { Element } from './xml.ts'

const VARIABLE = /^[\p{L}_$][\p{L}\d_$]*$/u

export function contentsOf(elements: readonly Element[], scope: Scope): readonly Content[] {
  return elements.flatMap((element) =>
    element.name === 'send' ? sendContents(element, scope) : contentOf(element, scope)
  )
}

/** The block as a list of actions. */
export function plainly(contents: readonly Content[]): readonly Action[] {
  return contents.map((content) => {
    if ('action' in content) return content.action
    return kit.enqueueActions(({ context, event, check, enqueue }) => {
      for (const action of plainly(content.choose({ context, event }, check))) enqueue(action)
    })
  })
}

/** The block as one action, which enqueues its first element and then itself for the others, unless that one fails. */
export function carefully([first, ...rest]: readonly Content[]): readonly Action[] {
  if (!first) return []
  const action = kit.enqueueActions(({ context, event, check, enqueue }) => {
    const isChoice = 'choose' in first
    try {
      const chosen = isChoice ? first.choose({ context, event }, check) : []
      if (!isChoice) {
        first.evaluate?.({ context, event })
        enqueue(first.action)
      }
      for (const action of carefully([...chosen, ...rest])) enqueue(action)
    } catch (error) {
      enqueue.raise(error instanceof ContentError ? error.event : { type: 'error.execution', from: 'platform' })
    }
  })
  return [action]
}

function contentOf(element: Element, scope: Scope): Content {
  const { datamodel } = scope
  const { event, location, expr, label, sendid, sendidexpr, src } = element.attributes
  switch (element.name) {
    case 'raise':
      return { action: kit.raise({ type: event as string, from: 'internal' }) }
    case 'assign':
      return assigning((moment) =>
        datamodel.execute(`${location} = ${expr ?? JSON.stringify(readLiteral(element.text))}`, moment)
      )
    case 'script': {
      const script = src === undefined ? element.text : scope.readFile(src)
      return assigning((moment) => datamodel.execute(script, moment))
    }
    case 'log': {
      const evaluate = (moment: Moment) =>
        expr === undefined || expr === '' ? undefined : datamodel.evaluate(expr, moment)
      return { evaluate, action: noteOf(`log ${label ?? ''}`, evaluate) }
    }
    case 'cancel': {
      if (sendidexpr === undefined) return { action: kit.cancel(sendid as string) }
      const evaluate = (moment: Moment) => String(datamodel.evaluate(sendidexpr, moment))
      return { evaluate, action: kit.cancel((moment) => evaluate(moment)) }
    }
    case 'if':
      return branching(element, scope)
    case 'foreach':
      return looping(element, scope)
    default:
      throw new Error(`<${element.name}> is not converted`)
  }
}

function assigning(evaluate: (moment: Moment) => Moment['context']): Content {
  return { evaluate, action: kit.assign((moment) => evaluate(moment)) }
}

function branching(element: Element, scope: Scope): Content {
  const branches: { readonly guard: ReturnType<typeof conditionOf>; readonly elements: Element[] }[] = []
  for (const part of [element, ...element.children]) {
    if (part === element || part.name === 'elseif' || part.name === 'else') {
      branches.push({ guard: conditionOf(part.attributes['cond'] ?? 'true', scope), elements: [] })
    } else {
      branches.at(-1)?.elements.push(part)
    }
  }
  const options = branches.map(({ guard, elements }) => ({ guard, contents: contentsOf(elements, scope) }))
  return { choose: (_, check) => options.find(({ guard }) => check(guard))?.contents ?? [] }
}

function looping(element: Element, scope: Scope): Content {
  const { array, item, index } = element.attributes
  const body = contentsOf(element.children, scope)
  return {
    choose(moment) {
      const values = scope.datamodel.evaluate(array as string, moment)
      const areNames = [item, index].every((name) => name === undefined || VARIABLE.test(name))
      if (!Array.isArray(values) || !areNames) throw new Error(`<foreach> cannot go over ${array}`)
      return values.flatMap((value, at) => [
        { action: kit.assign({ [item as string]: value, ...(index !== undefined && { [index]: at }) }) },
        ...body
      ])
    }
  }
}
