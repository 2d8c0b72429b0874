/**
 * Time, chance and processes, in the hands of one scheduler.
 *
 *     task ──► becomes current ──► runs ──► all microtasks that follow from it ──► the next task, by time
 *
 * A process is whatever dies and freezes as one. It owns the task that runs, and with that everything that the task begins: timers,
 * calls of the store. Nothing but a task ever runs code of a process, so a process that gets no task stands still.
 *
 * Owns: the order of everything. Does not own: what a process is (member.ts), what the language's timers mean (globals.ts).
 *
 * Invariants
 * 1. The same seed and the same tasks make the same run. Time is whole milliseconds, so that it adds up wherever it begins.
 * 2. Tasks of one process that are due at once run in the order in which they came about, those of two in an order by the seed.
 * 3. A dead process runs nothing, a frozen one nothing until it thaws, in the order in which it would have.
 * 4. The event loop of Node has no part in it: a run is over before anything else of the real process can happen.
 */
import { createHash } from 'node:crypto'
import { seeded, type Random } from '../support/random.ts'

export class Process {
  readonly name: string
  /** Whose process it is: a node that is started again has another one. */
  readonly node: number
  readonly number: number
  /** How far its wall clock is off. */
  readonly skewMs: number
  isDead = false
  frozenUntil = 0
  /** Calls that it waits for, each to be told that its connection is gone. */
  readonly hanging = new Set<() => void>()

  constructor(name: string, node: number, number: number, skewMs: number) {
    this.name = name
    this.node = node
    this.number = number
    this.skewMs = skewMs
  }
}

export interface Task {
  dueAt: number
  order: number
  /** Of two tasks that are due at once. */
  tie: number
  /** null: of the world itself, which nothing stops. */
  readonly process: Process | null
  readonly run: () => void
  isCancelled: boolean
}

/** Empties the queue of microtasks at once. Node has it for its own use; a run of the event loop would let others in. */
const settle = (process as unknown as { _tickCallback(): void })._tickCallback.bind(process)

const ID = /[\da-f]{8}(?:-[\da-f]{4}){3}-[\da-f]{12}/g

/** Tasks at one moment: more is a loop that no time passes in. */
const MAX_AT_ONCE = 20_000

export class World {
  readonly random: Random
  /** Of the world's own: what is drawn here does not depend on what the code under test draws. */
  readonly #seed: number
  readonly #hash = createHash('sha256')
  readonly #trace: string[] | null
  readonly #names = new Map<string, string>()
  #tasks: Task[] = []
  #order = 0
  #atOnce = 0
  #moment = 0
  #processes = 0
  #now = 0
  current: Process | null = null

  constructor(seed: number, options: { readonly keepsTrace: boolean }) {
    this.#seed = seed
    this.random = seeded(seed)
    this.#trace = options.keepsTrace ? [] : null
  }

  /** Milliseconds since the run began. */
  get now(): number {
    return this.#now
  }

  /** A number that grows with everything that is told: what came before what, where no time passed between. */
  moment(): number {
    return (this.#moment += 10)
  }

  open(node: number, skewMs: number): Process {
    const number = ++this.#processes
    return new Process(`node ${node} (process ${number})`, node, number, skewMs)
  }

  schedule(process: Process | null, delayMs: number, run: () => void): Task {
    const dueAt = this.#now + Math.max(0, Math.ceil(delayMs))
    const order = this.#order++
    const task = { dueAt, order, tie: this.#tieOf(dueAt, process?.number ?? -order), process, run, isCancelled: false }
    insert(this.#tasks, task)
    return task
  }

  /** Runs tasks until there is none, or `isOver`, which is asked between two. */
  run(isOver: () => boolean): void {
    while (!isOver()) {
      const task = removeFirst(this.#tasks)
      if (task === undefined) return
      this.#count(task)
      this.#now = task.dueAt
      const { process } = task
      if (task.isCancelled || process?.isDead === true) continue
      if (process !== null && process.frozenUntil > this.#now) this.#postpone(task, process)
      else this.#perform(task)
    }
  }

  /** Part of the history: what its hash is made of. `isRoutine`: people need not read it. */
  tell(line: string, isRoutine = false): void {
    const text = `${this.#now} ${line.replace(ID, (id) => this.#nameOf(id))}`
    this.#hash.update(text).update('\n')
    if (!isRoutine) this.#trace?.push(text)
  }

  get trace(): readonly string[] {
    return this.#trace ?? []
  }

  digest(): string {
    return this.#hash.copy().digest('hex')
  }

  /** Ids that go by time differ from run to run: here they are told by the order in which they come up. */
  #nameOf(id: string): string {
    const name = this.#names.get(id) ?? `#${this.#names.size}`
    this.#names.set(id, name)
    return name
  }

  #postpone(task: Task, { frozenUntil, number }: Process): void {
    task.dueAt = frozenUntil
    task.order = this.#order++
    task.tie = this.#tieOf(frozenUntil, number)
    insert(this.#tasks, task)
  }

  #perform(task: Task): void {
    this.current = task.process
    try {
      task.run()
      settle()
    } finally {
      this.current = null
    }
  }

  #count({ dueAt }: Task): void {
    this.#atOnce = dueAt === this.#now ? this.#atOnce + 1 : 0
    if (this.#atOnce > MAX_AT_ONCE) throw new Error(`time stands still at ${this.#now} ms`)
  }

  #tieOf(dueAt: number, number: number): number {
    return seeded(this.#seed ^ Math.imul(dueAt, 0x9e3779b1) ^ Math.imul(number, 0x85ebca6b)).below(1 << 30)
  }
}

const isBefore = (a: Task, b: Task): boolean =>
  a.dueAt !== b.dueAt ? a.dueAt < b.dueAt : a.tie !== b.tie ? a.tie < b.tie : a.order < b.order

/** A binary heap, the first task at its top. */
function insert(heap: Task[], task: Task): void {
  let at = heap.push(task) - 1
  while (at > 0) {
    const parent = (at - 1) >> 1
    if (!isBefore(task, heap[parent] as Task)) break
    heap[at] = heap[parent] as Task
    at = parent
  }
  heap[at] = task
}

function removeFirst(heap: Task[]): Task | undefined {
  const first = heap[0]
  const last = heap.pop()
  if (last === undefined || first === last) return first
  let at = 0
  for (;;) {
    let child = 2 * at + 1
    if (child >= heap.length) break
    if (child + 1 < heap.length && isBefore(heap[child + 1] as Task, heap[child] as Task)) child++
    if (!isBefore(heap[child] as Task, last)) break
    heap[at] = heap[child] as Task
    at = child
  }
  heap[at] = last
  return first
}
