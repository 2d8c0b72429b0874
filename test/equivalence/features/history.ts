/** History states, shallow and deep. */
import { assign, createMachine } from 'xstate'
import { family, schedule, visits } from './parts.ts'

/** Two states, the second with two of its own. */
const steps = {
  draft: { on: { NEXT: 'review' } },
  review: { initial: 'first', states: { first: { on: { NEXT: 'second' } }, second: {} } }
}

export const historyCases = family('history', {
  'shallow history brings back the child, deep history all below': {
    makeMachine: () =>
      createMachine({
        id: 'history',
        initial: 'work',
        states: {
          work: {
            initial: 'draft',
            states: { ...steps, recent: { type: 'history' }, exact: { type: 'history', history: 'deep' } },
            on: { PAUSE: 'paused' }
          },
          paused: { on: { RECENT: 'work.recent', EXACT: 'work.exact' } }
        }
      }),
    steps: schedule('PAUSE RECENT NEXT NEXT PAUSE EXACT PAUSE RECENT')
  },

  'a history that was never written goes to its own target': {
    makeMachine: (note) =>
      createMachine({
        id: 'target',
        initial: 'away',
        states: {
          away: { on: { BACK: 'home.last' } },
          home: {
            initial: 'kitchen',
            states: {
              kitchen: visits(note, 'kitchen'),
              garden: visits(note, 'garden'),
              last: { type: 'history', target: 'garden' }
            },
            on: { LEAVE: 'away', COOK: '.kitchen' }
          }
        }
      }),
    steps: schedule('BACK LEAVE BACK COOK LEAVE BACK')
  },

  'a history without a target of its own goes to the initial state': {
    makeMachine: (note) =>
      createMachine({
        id: 'noTarget',
        initial: 'away',
        states: {
          away: { on: { BACK: 'home.last' } },
          home: {
            initial: 'hall',
            states: { hall: visits(note, 'hall'), attic: {}, last: { type: 'history' } },
            on: { UP: '.attic', LEAVE: 'away' }
          }
        }
      }),
    steps: schedule('BACK UP LEAVE BACK LEAVE BACK')
  },

  'history of parallel regions, kept over several exits': {
    makeMachine: (note) =>
      createMachine({
        id: 'parallelHistory',
        initial: 'on',
        states: {
          on: {
            type: 'parallel',
            states: {
              left: {
                initial: 'a',
                states: { a: { on: { L: 'b' } }, b: { ...visits(note, 'left.b'), on: { L: 'a' } } }
              },
              right: {
                initial: 'a',
                states: { a: { on: { R: 'b' } }, b: { ...visits(note, 'right.b'), on: { R: 'a' } } }
              },
              back: { type: 'history', history: 'deep' }
            },
            on: { OFF: 'off' }
          },
          off: { on: { ON: 'on.back', FRESH: 'on' } }
        }
      }),
    steps: schedule('L OFF ON R OFF ON L OFF FRESH')
  },

  'shallow history of a parallel state enters its regions anew': {
    makeMachine: () =>
      createMachine({
        id: 'shallowParallel',
        initial: 'on',
        states: {
          on: {
            type: 'parallel',
            states: {
              left: { initial: 'a', states: { a: { on: { L: 'b' } }, b: {} } },
              right: { initial: 'a', states: { a: { on: { R: 'b' } }, b: {} } },
              back: { type: 'history' }
            },
            on: { OFF: 'off' }
          },
          off: { on: { ON: 'on.back' } }
        }
      }),
    steps: schedule('L R OFF ON OFF ON')
  },

  'regions below a nested state, restored by deep history from outside': {
    makeMachine: (note) =>
      createMachine({
        id: 'regionsBelow',
        initial: 'flow',
        states: {
          flow: {
            initial: 'form',
            states: {
              form: { on: { NEXT: 'checks' } },
              checks: {
                type: 'parallel',
                states: {
                  credit: {
                    initial: 'open',
                    states: { open: { on: { CREDIT: 'ok' } }, ok: visits(note, 'credit.ok') }
                  },
                  stock: { initial: 'open', states: { open: { on: { STOCK: 'ok' } }, ok: visits(note, 'stock.ok') } }
                }
              },
              exact: { type: 'history', history: 'deep' }
            },
            on: { HOLD: 'held' }
          },
          held: { on: { RESUME: 'flow.exact' } }
        }
      }),
    steps: schedule('NEXT STOCK HOLD RESUME CREDIT HOLD RESUME')
  },

  'a history in each region, each restored for itself': {
    makeMachine: () => {
      const region = (name: string) => ({
        initial: 'idle',
        states: {
          idle: { on: { [`BACK_${name}`]: 'busy.last' } },
          busy: {
            initial: 'one',
            states: {
              one: { on: { [name]: 'two' } },
              two: { on: { [name]: 'one' } },
              last: { type: 'history' as const }
            },
            on: { STOP: 'idle' }
          }
        }
      })
      return createMachine({ id: 'each', type: 'parallel', states: { A: region('A'), B: region('B') } })
    },
    steps: schedule('BACK_A A STOP BACK_B BACK_A STOP BACK_B B STOP BACK_A BACK_B')
  },

  'a history within a history': {
    makeMachine: () =>
      createMachine({
        id: 'within',
        initial: 'outer',
        states: {
          outer: {
            initial: 'x',
            states: {
              x: {
                initial: 'a',
                states: { a: { on: { NEXT: 'b' } }, b: {}, last: { type: 'history', id: 'lastOfX' } },
                on: { SIDE: 'y' }
              },
              y: { on: { RETURN: '#lastOfX' } },
              last: { type: 'history', history: 'deep' }
            },
            on: { OUT: 'out' }
          },
          out: { on: { IN: 'outer.last', DEEP: '#lastOfX' } }
        }
      }),
    steps: schedule('NEXT SIDE OUT IN RETURN OUT DEEP OUT IN')
  },

  'what is restored is entered again, with its actions and timers': {
    makeMachine: (note) =>
      createMachine({
        id: 'entered',
        context: { visits: 0 },
        initial: 'work',
        states: {
          work: {
            initial: 'a',
            states: {
              a: { on: { NEXT: 'b' } },
              b: {
                ...visits(note, 'b'),
                entry: assign({ visits: ({ context }) => context.visits + 1 }),
                after: { 100: 'c' }
              },
              c: visits(note, 'c'),
              last: { type: 'history' }
            },
            on: { PAUSE: 'paused' }
          },
          paused: { on: { RESUME: 'work.last' } }
        }
      }),
    steps: schedule('NEXT', 60, 'PAUSE', 60, 'RESUME', 60, 40, 'PAUSE RESUME')
  },

  'a transition to the history of the state it is in': {
    makeMachine: (note) =>
      createMachine({
        id: 'self',
        initial: 'p',
        states: {
          p: {
            ...visits(note, 'p'),
            initial: 'a',
            states: {
              a: { ...visits(note, 'a'), on: { NEXT: 'b' } },
              b: visits(note, 'b'),
              last: { type: 'history' }
            },
            on: { AGAIN: '.last', FRESH: { target: 'p', reenter: true } }
          }
        }
      }),
    steps: schedule('AGAIN NEXT AGAIN FRESH AGAIN')
  }
})
