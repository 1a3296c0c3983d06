/** How long work in slices, so that limits of other sandboxes are looked after in between. */
import { setImmediate as nextTurn } from 'node:timers/promises'

const SLICE_MS = 4

export class Pace {
  #until = 0

  /** True when the slice is used up; then `rest` is due. */
  get isDue(): boolean {
    return performance.now() >= this.#until
  }

  async rest(): Promise<void> {
    await nextTurn()
    this.#until = performance.now() + SLICE_MS
  }
}
