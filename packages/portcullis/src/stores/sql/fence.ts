/**
 * Decides what a turn protects: whatever is written on behalf of it carries its name and holder, so that the database can refuse,
 * in the transaction that writes, a holder who was held up for longer than its turn.
 */
import { AsyncLocalStorage } from 'node:async_hooks'

export interface Fence {
  readonly name: string
  readonly holder: string
}

interface Held extends Fence {
  /** What the work has set going, such as a timer, outlives the turn and is none of it. */
  isOver: boolean
}

const held = new AsyncLocalStorage<Held>()

/** Runs the work, whose statements carry the fence until it is done. */
export async function fenced<T>({ name, holder }: Fence, work: () => Promise<T>): Promise<T> {
  const fence: Held = { name, holder, isOver: false }
  try {
    return await held.run(fence, work)
  } finally {
    fence.isOver = true
  }
}

/** Of the work on behalf of which this runs. */
export function currentFence(): Fence | undefined {
  const fence = held.getStore()
  return fence === undefined || fence.isOver ? undefined : fence
}
