/**
 * Decides what happens to work that nobody can interrupt: it is done in a thread of its own, one piece at a time, those who
 * wait take turns, and the thread is ended with what takes too long. It is started for the first piece, and ended when none
 * came for a while.
 */
import { Worker } from 'node:worker_threads'
import { Fault } from '../core/fault.ts'
import { type Claim, requireWanted } from './claim.ts'
import { FairQueue } from './fair-queue.ts'

export interface SlowThreadOptions<Answer> {
  /** The module that runs in the thread; it calls `answerTasks`. */
  readonly work: URL
  /** What it does, for the record. */
  readonly name: string
  /** For one piece, from the moment at which it is its turn. */
  readonly patienceMs: number
  /** What is answered, or why it is refused, when that is not enough. */
  readonly late: () => Answer | Promise<Answer>
}

/** What the thread says of one piece of work. */
export type SlowReport<Answer> = { readonly answer: Answer } | { readonly failed: string }

interface Job<Task, Answer> {
  readonly task: Task
  readonly resolve: (answer: Answer | Promise<Answer>) => void
  readonly reject: (fault: unknown) => void
  readonly forget: () => void
}

const IDLE_MS = 30_000
const MEMORY_MB = 512

/** `Task` and `Answer` are copied from thread to thread (structured clone); strings cross faster than what they mean. */
export class SlowThread<Task, Answer> {
  readonly #options: SlowThreadOptions<Answer>
  readonly #waiting = new FairQueue<Job<Task, Answer>>()
  #running: Job<Task, Answer> | undefined
  #worker: Worker | undefined
  #idle: NodeJS.Timeout | undefined
  #patience: NodeJS.Timeout | undefined

  constructor(options: SlowThreadOptions<Answer>) {
    this.#options = options
  }

  /** Rejects with the fault `internal` when the thread fails at it, and with `upstream.ended` as soon as nobody wants it any more. */
  run(task: Task, claim: Claim): Promise<Answer> {
    return new Promise((resolve, reject) => {
      requireWanted(claim)
      const { key, cancellation } = claim
      const left = (): void => {
        // What the thread is at already it finishes; to end the thread for everybody who leaves would cost the others more.
        this.#waiting.drop(key, job)
        reject(new Fault('upstream.ended', { reason: cancellation?.reason }))
      }
      const forget = cancellation?.onCancel(left) ?? (() => {})
      const job = { task, resolve, reject, forget }
      this.#waiting.add(key, job)
      this.#next()
    })
  }

  /** Hands over one piece only: what the thread already has could be neither overtaken nor dropped. */
  #next(): void {
    if (this.#running !== undefined) return
    const job = this.#waiting.take()
    if (job === undefined) return this.#rest()
    clearTimeout(this.#idle)
    this.#running = job
    try {
      this.#worker ??= this.#start()
      this.#worker.ref()
      this.#worker.postMessage(job.task, [])
      this.#patience = setTimeout(() => this.#tooLong(), this.#options.patienceMs)
    } catch (cause) {
      this.#conclude(({ reject }) => reject(this.#failed({}, cause)))
    }
  }

  #start(): Worker {
    const resourceLimits = { maxOldGenerationSizeMb: MEMORY_MB }
    const started = new Worker(this.#options.work, { execArgv: [], env: {}, resourceLimits })
    started.on('message', (report: SlowReport<Answer>) => {
      if (this.#worker !== started) return
      if ('answer' in report) this.#conclude(({ resolve }) => resolve(report.answer))
      else this.#conclude(({ reject }) => reject(this.#failed({ failed: report.failed })))
    })
    started.on('error', (cause) => this.#lost(started, cause))
    started.on('exit', () => this.#lost(started))
    return started
  }

  #tooLong(): void {
    this.#end()
    this.#conclude(({ resolve }) => resolve(new Promise((settle) => settle(this.#options.late()))))
  }

  /** What waits behind is somebody else's and goes to another thread. */
  #lost(ended: Worker, cause?: unknown): void {
    if (this.#worker !== ended) return
    this.#end()
    if (this.#running !== undefined) this.#conclude(({ reject }) => reject(this.#failed({}, cause)))
  }

  #conclude(settle: (job: Job<Task, Answer>) => void): void {
    const job = this.#running
    this.#running = undefined
    clearTimeout(this.#patience)
    job?.forget()
    if (job !== undefined) settle(job)
    this.#next()
  }

  #rest(): void {
    this.#worker?.unref()
    clearTimeout(this.#idle)
    this.#idle = setTimeout(() => this.#end(), IDLE_MS).unref()
  }

  #end(): void {
    void this.#worker?.terminate()
    this.#worker = undefined
  }

  #failed(detail: { readonly failed?: string }, cause?: unknown): Fault {
    return new Fault('internal', { reason: `the thread for ${this.#options.name}`, ...detail }, { cause })
  }
}
