/**
 * What a supervisor does when a child ends: who is stopped, who is started, or whether it gives up.
 *
 * Owns: the decision. Does not own: fibers, clocks, the doing (supervisor.ts). The model is Elixir's Supervisor.
 *
 * Invariants
 * 1. Pure: the times come in, the decision goes out.
 * 2. Children stop in the reverse of the order in which they start.
 * 3. Who is stopped for another's sake is started again, unless it is temporary.
 * 4. A decision to restart counts one, however many children it concerns.
 */

/** `permanent`: always comes back · `transient`: comes back after a failure · `temporary`: never comes back. */
export type Restart = 'permanent' | 'transient' | 'temporary'

/** With the child that ended restart: nobody · all others · those that were started after it. */
export type Strategy = 'oneForOne' | 'oneForAll' | 'restForOne'

export type ExitReason = 'normal' | 'failure'

export interface RestartPolicy {
  readonly strategy: Strategy
  /** More restarts than this within the window, and the supervisor gives up. */
  readonly maxRestarts: number
  readonly withinMs: number
}

export interface Member {
  readonly name: string
  readonly restart: Restart
}

export interface ChildExit {
  readonly name: string
  readonly reason: ExitReason
  /** Epoch milliseconds, like the times of the history. */
  readonly at: number
}

export interface Decision {
  /** Names in the order of stopping. */
  readonly stop: readonly string[]
  /** Names in the order of starting. */
  readonly start: readonly string[]
  readonly giveUp: boolean
}

const comesBack: Record<Restart, Record<ExitReason, boolean>> = {
  permanent: { normal: true, failure: true },
  transient: { normal: false, failure: true },
  temporary: { normal: false, failure: false }
}

/**
 * Decides on the end of one child.
 * `members` are the children that are to run, in order of start, the ended one among them; `history` are the times of
 * earlier restarts.
 */
export function decideRestart(
  policy: RestartPolicy,
  members: readonly Member[],
  exit: ChildExit,
  history: readonly number[]
): Decision {
  const index = members.findIndex((member) => member.name === exit.name)
  const ended = members[index]
  if (!ended) throw new Error(`${exit.name} is not a child of this supervisor`)

  if (!comesBack[ended.restart][exit.reason]) return { stop: [], start: [], giveUp: false }

  if (keepRecent(policy, history, exit.at).length >= policy.maxRestarts) {
    return { stop: namesToStop(members, ended), start: [], giveUp: true }
  }
  const concerned = {
    oneForOne: [ended],
    oneForAll: members,
    restForOne: members.slice(index)
  }[policy.strategy]
  return { stop: namesToStop(concerned, ended), start: namesToStart(concerned), giveUp: false }
}

/** The restarts that still count at `now`; not those that lie ahead: the clock was set back since. */
export function keepRecent(policy: RestartPolicy, history: readonly number[], now: number): readonly number[] {
  return history.filter((at) => at <= now && now - at <= policy.withinMs)
}

const firstPauseMs = 10
const longestPauseMs = 1_000

/** The pause before a restart; `recent` is the number of restarts that count, this one included. */
export function calculatePauseMs(recent: number): number {
  return Math.min(firstPauseMs * 2 ** (recent - 1), longestPauseMs)
}

function namesToStop(members: readonly Member[], ended: Member): readonly string[] {
  return members
    .filter((member) => member !== ended)
    .map((member) => member.name)
    .toReversed()
}

function namesToStart(members: readonly Member[]): readonly string[] {
  return members.filter((member) => member.restart !== 'temporary').map((member) => member.name)
}
