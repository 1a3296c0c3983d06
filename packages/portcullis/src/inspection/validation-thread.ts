/** The thread for validations that take long: started for the first of them, ended when none came for a while. */
import { extname } from 'node:path'
import { Worker } from 'node:worker_threads'
import { Fault } from '../core/fault.ts'
import { writeInTurns } from '../mcp/write-json.ts'
import { TOO_COMPLEX, type Violations } from './schema-compiler.ts'

/** JSON texts: a string crosses to a thread faster than what it means. */
export interface ValidationTask {
  readonly id: number
  readonly schema: string
  readonly value: string
}

/** `failed` says why a schema that compiled in the gateway did not do so in the thread. */
export interface ValidationReport {
  readonly id: number
  readonly violations?: Violations
  readonly failed?: string
}

interface Waiting {
  readonly timer: NodeJS.Timeout
  readonly resolve: (violations: Violations | undefined) => void
  readonly reject: (fault: Fault) => void
}

/** The steps of a validation are bounded, but what one step compares is not quite. */
const PATIENCE_MS = 5_000
const IDLE_MS = 30_000
const MEMORY_MB = 512

let worker: Worker | undefined
let idle: NodeJS.Timeout | undefined
let lastId = 0
const waiting = new Map<number, Waiting>()

/** Holds a value against the JSON text of a schema. Rejects with the fault `internal` when the thread ends. */
export async function validateApart(schema: string, value: unknown): Promise<Violations | undefined> {
  const task: ValidationTask = { id: ++lastId, schema, value: await writeInTurns(value) }
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => tooLong(task.id), PATIENCE_MS)
    clearTimeout(idle)
    waiting.set(task.id, { timer, resolve, reject })
    worker ??= start()
    worker.ref()
    worker.postMessage(task, [])
  })
}

function start(): Worker {
  const own = new URL(`./validation-work${extname(import.meta.url)}`, import.meta.url)
  const started = new Worker(own, { execArgv: [], env: {}, resourceLimits: { maxOldGenerationSizeMb: MEMORY_MB } })
  started.on('message', concluded)
  started.on('error', (cause) => lose(started, cause))
  started.on('exit', () => lose(started))
  return started
}

function concluded({ id, violations, failed }: ValidationReport): void {
  const task = take(id)
  if (failed !== undefined) task?.reject(new Fault('internal', { reason: 'validation', failed }))
  else task?.resolve(violations?.[0]?.keyword === TOO_COMPLEX[0]?.keyword ? TOO_COMPLEX : violations)
  if (waiting.size > 0) return
  worker?.unref()
  idle = setTimeout(() => worker && lose(worker), IDLE_MS).unref()
}

/** What waits behind it is lost with its thread. */
function tooLong(id: number): void {
  take(id)?.resolve(TOO_COMPLEX)
  if (worker !== undefined) lose(worker)
}

function lose(ended: Worker, cause?: unknown): void {
  if (worker !== ended) return
  worker = undefined
  void ended.terminate()
  for (const id of [...waiting.keys()])
    take(id)?.reject(new Fault('internal', { reason: 'validation thread' }, { cause }))
}

function take(id: number): Waiting | undefined {
  const task = waiting.get(id)
  clearTimeout(task?.timer)
  waiting.delete(id)
  return task
}
