/** Loaded before a program (`--import`): there, 'xstate' is the oldest release that is supported. */
import { register } from 'node:module'

const hooks = `export const resolve = (specifier, context, next) =>
  next(specifier.replace(/^xstate(?=$|\\/)/, 'xstate-oldest'), context)`

register(`data:text/javascript,${encodeURIComponent(hooks)}`)
