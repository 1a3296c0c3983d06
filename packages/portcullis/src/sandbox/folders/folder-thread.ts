/** The main thread's end of the thread that watches folders: started with the first sandbox that has any, shared by all. */
import { extname } from 'node:path'
import { Worker } from 'node:worker_threads'
import type { FromThread, SessionRequest, ToThread } from './messages.ts'

/** What a session of the thread says by itself. `lost`: the thread has ended, and nothing is watched any more. */
export type Said = Exclude<FromThread, { kind: 'done' }> | { readonly kind: 'lost' }

interface Seat {
  readonly onSaid: (said: Said) => void
  readonly asked: Map<number, () => void>
}

export class FolderThread {
  #worker: Worker | undefined
  readonly #seats = new Map<number, Seat>()
  #sequence = 0

  /** Starts the thread early, while something else is waited for. */
  warmUp(): void {
    this.#start()
  }

  /** Opens a session; it answers with `opened` or `refused`. Returns its number. */
  open(request: SessionRequest, onSaid: (said: Said) => void): number {
    const session = ++this.#sequence
    this.#seats.set(session, { onSaid, asked: new Map() })
    const worker = this.#start()
    worker.ref()
    worker.postMessage({ kind: 'open', session, request } satisfies ToThread, [])
    return session
  }

  /** Resolves when the thread has done it, or is gone. */
  async ask(session: number, kind: 'flush' | 'end'): Promise<void> {
    const seat = this.#seats.get(session)
    if (seat === undefined) return
    const ask = ++this.#sequence
    await new Promise<void>((resolve) => {
      seat.asked.set(ask, resolve)
      this.#start().postMessage({ kind, session, ask } satisfies ToThread, [])
    })
  }

  tellKilled(session: number): void {
    this.#worker?.postMessage({ kind: 'killed', session } satisfies ToThread, [])
  }

  /** Forgets a session that has ended. With the last one, the thread no longer keeps the process alive. */
  leave(session: number): void {
    this.#seats.delete(session)
    if (this.#seats.size === 0) this.#worker?.unref()
  }

  #start(): Worker {
    if (this.#worker !== undefined) return this.#worker
    const file = new URL(`./thread${extname(import.meta.url)}`, import.meta.url)
    // Under load, its young space would grow to a share of the machine, such as 192 MiB, and keep it.
    const resourceLimits = { maxYoungGenerationSizeMb: 8 }
    const worker = new Worker(file, { name: 'folders', env: {}, execArgv: [], resourceLimits })
    worker.on('message', (message: FromThread) => this.#hear(message))
    worker.unref() // after the listener, which would keep the process alive again
    worker.on('error', () => this.#lose(worker))
    worker.on('exit', () => this.#lose(worker))
    this.#worker = worker
    return worker
  }

  #hear(message: FromThread): void {
    const seat = this.#seats.get(message.session)
    if (message.kind !== 'done') return seat?.onSaid(message)
    seat?.asked.get(message.ask)?.()
    seat?.asked.delete(message.ask)
  }

  #lose(worker: Worker): void {
    if (this.#worker !== worker) return
    this.#worker = undefined
    const seats = [...this.#seats.values()]
    this.#seats.clear()
    for (const { onSaid, asked } of seats) {
      onSaid({ kind: 'lost' })
      for (const resolve of asked.values()) resolve()
    }
  }
}
