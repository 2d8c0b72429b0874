/** Flat, nested and parallel states: what is entered and left, and in which order. */
import { assign, createMachine, raise, stateIn } from 'xstate'
import { family, schedule, seen, visits } from './parts.ts'

export const stateCases = family('states', {
  'a flat machine goes round': {
    makeMachine: (note) =>
      createMachine({
        id: 'light',
        initial: 'green',
        states: {
          green: { ...visits(note, 'green'), on: { NEXT: 'yellow' } },
          yellow: { ...visits(note, 'yellow'), on: { NEXT: 'red' } },
          red: { ...visits(note, 'red'), on: { NEXT: 'green' } }
        }
      }),
    steps: schedule('NEXT NEXT NEXT UNKNOWN NEXT')
  },

  'nested states are entered from the outside in and left from the inside out': {
    makeMachine: (note) =>
      createMachine({
        id: 'nested',
        initial: 'a',
        states: {
          a: {
            ...visits(note, 'a'),
            initial: 'one',
            states: {
              one: { ...visits(note, 'a.one'), on: { NEXT: 'two' } },
              two: { ...visits(note, 'a.two'), id: 'two', tags: 'deep' }
            },
            on: { NEXT: 'b', AGAIN: { target: 'a', reenter: true } }
          },
          b: {
            ...visits(note, 'b'),
            always: { guard: ({ event }) => event.type === 'NEVER', target: 'a' },
            on: { BACK: '#two' }
          }
        }
      }),
    steps: schedule('NEXT AGAIN NEXT NEXT BACK AGAIN UNKNOWN')
  },

  'four levels are left and entered at once': {
    makeMachine: (note) =>
      createMachine({
        id: 'deep',
        initial: 'a',
        states: {
          a: {
            ...visits(note, 'a'),
            initial: 'b',
            states: {
              b: {
                ...visits(note, 'a.b'),
                initial: 'c',
                states: { c: { ...visits(note, 'a.b.c'), on: { GO: '#far' } } }
              }
            }
          },
          x: {
            ...visits(note, 'x'),
            initial: 'z',
            states: {
              y: { ...visits(note, 'x.y'), initial: 'in', states: { in: { id: 'far', ...visits(note, 'x.y.in') } } },
              z: {}
            },
            on: { GO: 'a' }
          }
        }
      }),
    steps: schedule('GO GO GO GO')
  },

  'regions take one event together, in the order of the document': {
    makeMachine: (note) =>
      createMachine({
        id: 'together',
        type: 'parallel',
        states: {
          left: {
            initial: 'off',
            states: {
              off: { ...visits(note, 'left.off'), on: { FLIP: 'on' } },
              on: { ...visits(note, 'left.on'), on: { FLIP: 'off', LEFT: 'off' } }
            }
          },
          right: {
            initial: 'on',
            states: {
              off: { ...visits(note, 'right.off'), on: { FLIP: 'on' } },
              on: { ...visits(note, 'right.on'), on: { FLIP: 'off' } }
            }
          }
        }
      }),
    steps: schedule('FLIP FLIP LEFT FLIP LEFT FLIP')
  },

  'regions within a region': {
    makeMachine: (note) =>
      createMachine({
        id: 'regionsWithin',
        type: 'parallel',
        states: {
          outer: {
            type: 'parallel',
            states: {
              p: { initial: 'a', states: { a: { on: { P: 'b' } }, b: { ...visits(note, 'p.b'), on: { P: 'a' } } } },
              q: { initial: 'a', states: { a: { on: { Q: 'b' } }, b: { ...visits(note, 'q.b'), on: { Q: 'a' } } } }
            }
          },
          other: { initial: 'a', states: { a: { on: { P: 'b', Q: 'b' } }, b: { on: { Q: 'a' } } } }
        },
        on: { RESET: { target: '.outer', reenter: true } }
      }),
    steps: schedule('P Q Q P RESET Q P')
  },

  'a parallel state within a nested one is left and entered whole': {
    makeMachine: (note) =>
      createMachine({
        id: 'whole',
        initial: 'idle',
        states: {
          idle: { on: { GO: 'busy', TO_B: '#innerB' } },
          busy: {
            ...visits(note, 'busy'),
            type: 'parallel',
            states: {
              one: {
                ...visits(note, 'one'),
                initial: 'a',
                states: { a: visits(note, 'one.a'), b: { id: 'innerB', ...visits(note, 'one.b') } },
                on: { GO: '.b' }
              },
              two: { ...visits(note, 'two'), initial: 'a', states: { a: visits(note, 'two.a') } }
            },
            on: { STOP: 'idle' }
          }
        }
      }),
    steps: schedule('GO GO STOP TO_B STOP GO')
  },

  'regions that drive each other by always': {
    makeMachine: (note) => {
      const fill = { actions: assign({ level: ({ context }: { context: { level: number } }) => context.level + 1 }) }
      return createMachine({
        id: 'regions',
        type: 'parallel',
        context: { level: 0 },
        states: {
          tank: {
            initial: 'low',
            states: {
              low: {
                tags: ['low'],
                always: { guard: ({ context }) => context.level > 1, target: 'high', actions: () => note('tank') }
              },
              high: { tags: ['high'], always: { guard: ({ context }) => context.level < 1, target: 'low' } }
            }
          },
          pump: {
            initial: 'off',
            states: {
              off: { on: { FILL: { target: 'on', ...fill } } },
              on: {
                always: { guard: ({ context }) => context.level > 1, target: 'off', actions: () => note('pump') },
                on: { FILL: fill }
              }
            }
          }
        },
        on: { DRAIN: { actions: assign({ level: 0 }) } }
      })
    },
    steps: schedule('FILL FILL DRAIN FILL FILL FILL')
  },

  'regions ask for their always in the order in which they were entered': {
    makeMachine: (note) => {
      const region = (name: string) => ({
        initial: 'wait',
        states: {
          wait: {
            on: { [name]: 'ready' }
          },
          ready: {
            always: {
              guard: ({ context }: { context: { n: number } }) => context.n > 0,
              target: 'wait',
              actions: [() => note(name), assign({ n: ({ context }: { context: { n: number } }) => context.n - 1 })]
            }
          }
        }
      })
      return createMachine({
        id: 'turns',
        type: 'parallel',
        context: { n: 0 },
        states: { A: region('A'), B: region('B'), C: region('C') },
        on: { FEED: { actions: assign({ n: 1 }) } }
      })
    },
    steps: schedule('C A B FEED FEED C FEED')
  },

  'one region asks where another is': {
    makeMachine: (note) =>
      createMachine({
        id: 'asks',
        type: 'parallel',
        states: {
          door: {
            initial: 'closed',
            states: { closed: { id: 'closed', on: { OPEN: 'open' } }, open: { on: { CLOSE: 'closed' } } }
          },
          light: {
            initial: 'off',
            states: {
              off: { on: { PRESS: { guard: stateIn('#closed'), target: 'on' } } },
              on: { always: { guard: stateIn({ door: 'open' }), target: 'off', actions: () => note('out') } }
            }
          }
        }
      }),
    steps: schedule('OPEN PRESS CLOSE PRESS OPEN CLOSE PRESS')
  },

  'several targets in several regions': {
    makeMachine: (note) =>
      createMachine({
        id: 'several',
        initial: 'idle',
        states: {
          idle: { on: { JUMP: { target: ['#b1', '#b2'] } } },
          work: {
            type: 'parallel',
            states: {
              one: { initial: 'a', states: { a: {}, b: { id: 'b1', ...visits(note, 'one.b') } } },
              two: { initial: 'a', states: { a: {}, b: { id: 'b2', ...visits(note, 'two.b') } } },
              three: { initial: 'a', states: { a: visits(note, 'three.a') } }
            },
            on: { BACK: 'idle' }
          }
        }
      }),
    steps: schedule('JUMP BACK JUMP')
  },

  'entry actions raise, from the outside in': {
    makeMachine: (note) =>
      createMachine({
        id: 'raisesOnEntry',
        initial: 'off',
        states: {
          off: { on: { GO: 'on' } },
          on: {
            entry: [raise({ type: 'OUTER' }), () => note('enter on')],
            initial: 'one',
            states: {
              one: { entry: [raise({ type: 'INNER' }), () => note('enter one')], on: { INNER: 'two' } },
              two: { entry: seen(note, 'enter two') }
            },
            on: { OUTER: { actions: seen(note, 'outer') }, GO: 'off' }
          }
        }
      }),
    steps: schedule('GO GO GO')
  }
})
