import { Fault } from '../../core/fault.ts'
import type { Principal } from '../../core/principal.ts'
import { ownerOf } from './owner.ts'

const MAX_TASKS_EACH = 1_000
const MAX_PRINCIPALS = 10_000

/**
 * Who may see which task: the id that an upstream gave out belongs to the principal whose call created it
 * (tasks extension, "Security"). Bounded for each principal, so that nobody can push out another's tasks by creating
 * many; the oldest entry goes first, which makes its task unknown, never public.
 */
export class TaskTable {
  readonly #tasks = new Map<string, Map<string, string>>()

  bind(taskId: string, principal: Principal, upstream: string): void {
    const owner = ownerOf(principal)
    const own = this.#tasks.get(owner) ?? new Map<string, string>()
    // Whoever created a task last stands at the end, so that the principal that has been idle for longest goes first.
    this.#tasks.delete(owner)
    trim(this.#tasks, MAX_PRINCIPALS - 1)
    this.#tasks.set(owner, own)
    trim(own, MAX_TASKS_EACH - 1)
    own.set(taskId, upstream)
  }

  /** The upstream that runs the task. Throws -32602 for unknown and for foreign tasks alike. */
  upstreamOf(taskId: string, principal: Principal): string {
    const upstream = this.#tasks.get(ownerOf(principal))?.get(taskId)
    if (upstream === undefined) throw new Fault('message.invalid_params', { taskId }, { says: 'Unknown task.' })
    return upstream
  }

  owns(taskId: string, principal: Principal, upstream: string): boolean {
    return this.#tasks.get(ownerOf(principal))?.get(taskId) === upstream
  }
}

function trim(entries: Map<string, unknown>, max: number): void {
  for (const name of entries.keys()) {
    if (entries.size <= max) return
    entries.delete(name)
  }
}
