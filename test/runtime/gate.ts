/** A place that work enters, and stays in until the test lets it out. Shared by all runtimes of a test. */
export class Gate {
  /** Who has ever entered, in order. */
  readonly names: string[] = []
  mostInside = 0
  #waiting: (() => void)[] = []

  get inside(): number {
    return this.#waiting.length
  }

  enter(name = '', signal?: AbortSignal): Promise<void> {
    this.names.push(name)
    return new Promise((resolve, reject) => {
      const leave = (): void => {
        this.#waiting = this.#waiting.filter((each) => each !== leave)
        resolve()
      }
      this.#waiting.push(leave)
      this.mostInside = Math.max(this.mostInside, this.inside)
      signal?.addEventListener('abort', () => {
        leave()
        reject(signal.reason as Error)
      })
    })
  }

  letOneOut(): void {
    this.#waiting[0]?.()
  }

  letAllOut(): void {
    for (const leave of this.#waiting.slice()) leave()
  }
}
