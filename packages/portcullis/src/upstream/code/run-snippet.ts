/** One call of run-code: a folder, a sandbox, an outcome, and nothing of it left. */
import { constants } from 'node:os'
import type { Cancellation } from '../../core/cancellation.ts'
import { Fault } from '../../core/fault.ts'
import type { ExitReason, ExitReport, HostIdentity } from '../../sandbox/driver.ts'
import { collectFiles, readOutput } from './collect.ts'
import type { Interpreter } from './interpreters.ts'
import { CODE_FILE, type LaidOut, layOut, STREAMS } from './lay-out.ts'
import type { OneRun, RunOnce, SnippetCall } from './launch.ts'
import type { Scratch } from './scratch.ts'
import type { CodeLimits, Outcome, Snippet, SnippetEnd } from './snippet.ts'

export interface SnippetRunnerOptions {
  readonly runOnce: RunOnce
  readonly interpreters: readonly Interpreter[]
  readonly limits: CodeLimits
  readonly scratch: Scratch
  readonly runAs?: HostIdentity | undefined
}

/** Output is kept in files: it may be bytes of any kind, and costs the gateway nothing while the snippet runs. */
const WITH_STREAMS = `exec "$@" <${STREAMS.stdin} >${STREAMS.stdout} 2>${STREAMS.stderr}`

const ENDS: Partial<Readonly<Record<ExitReason, SnippetEnd>>> = {
  exited: 'exited',
  'life-deadline': 'timeout',
  'out-of-memory': 'memory',
  'disk-quota': 'disk',
}

export class SnippetRunner {
  readonly #options: SnippetRunnerOptions
  /** Each with its scope. */
  readonly #running = new Map<Promise<unknown>, string>()
  readonly #processes = new Set<OneRun>()
  #closed = false

  constructor(options: SnippetRunnerOptions) {
    this.#options = options
  }

  /**
   * Throws `limits.concurrency` when too many run, `upstream.ended` when it was cancelled, `sandbox.start_failed` and
   * `sandbox.unavailable`. Whatever happens, the folder is removed; until that is done, the snippet counts as running.
   */
  async run(snippet: Snippet, call: SnippetCall, cancellation: Cancellation): Promise<Outcome> {
    if (this.#closed) throw new Fault('upstream.ended', { reason: 'the upstream was closed' })
    this.#demandPlace(call.scope)
    const folder = this.#options.scratch.folder()
    const outcome = folder.then((path) => this.#runIn(path, snippet, call, cancellation))
    const over = outcome
      .catch(() => {})
      .then(() => folder)
      .then((path) => this.#options.scratch.remove(path))
      .catch(() => {})
    this.#running.set(over, call.scope)
    void over.then(() => this.#running.delete(over))
    return outcome
  }

  /** Kills what runs and resolves when nothing of it is left. */
  async close(): Promise<void> {
    this.#closed = true
    for (const process of this.#processes) process.kill('killed')
    await Promise.all(this.#running.keys())
    await this.#options.scratch.close()
  }

  #demandPlace(scope: string): void {
    const { maxRunning, maxRunningOfScope } = this.#options.limits
    const own = [...this.#running.values()].filter((one) => one === scope).length
    if (own < maxRunningOfScope && this.#running.size < maxRunning) return
    throw new Fault('limits.concurrency', {
      reason: 'too many snippets',
      max: maxRunning,
      maxOfScope: maxRunningOfScope,
    })
  }

  async #runIn(folder: string, snippet: Snippet, call: SnippetCall, cancellation: Cancellation): Promise<Outcome> {
    const laidOut = await layOut(folder, snippet, this.#options.runAs)
    try {
      if (cancellation.cancelled) throw cancelled(cancellation)
      const process = await this.#start(folder, snippet, call)
      const report = await this.#await(process, cancellation)
      if (cancellation.cancelled) throw cancelled(cancellation)
      if (report.reason === 'setup-failed') throw new Fault('sandbox.start_failed', { reason: report.stderrTail })
      return await this.#outcome(report, laidOut)
    } finally {
      await Promise.all([laidOut.stdout.close(), laidOut.stderr.close()])
    }
  }

  #start(folder: string, { language, timeoutMs }: Snippet, call: SnippetCall): Promise<OneRun> {
    const interpreter = this.#options.interpreters.find((one) => one.language === language)
    if (interpreter === undefined) throw new Fault('upstream.unsupported', { reason: 'no interpreter', language })
    const { program, args, readOnly } = interpreter
    return this.#options.runOnce({
      ...call,
      command: '/bin/sh',
      args: ['-c', WITH_STREAMS, 'sh', program, ...args, CODE_FILE[language]],
      cwd: folder,
      readOnly,
      readWrite: [folder],
      lifeMs: timeoutMs,
    })
  }

  async #await(process: OneRun, cancellation: Cancellation): Promise<ExitReport> {
    this.#processes.add(process)
    const forget = cancellation.onCancel(() => process.kill('killed'))
    if (this.#closed) process.kill('killed')
    process.onLine(() => {})
    try {
      return await process.exited
    } finally {
      forget()
      this.#processes.delete(process)
    }
  }

  async #outcome({ reason, code, signal }: ExitReport, laidOut: LaidOut): Promise<Outcome> {
    const { limits } = this.#options
    const end = ENDS[reason] ?? 'killed'
    const stdout = await readOutput(laidOut.stdout, limits.maxOutputBytes)
    const stderr = await readOutput(laidOut.stderr, limits.maxOutputBytes)
    const { files, truncated } = await collectFiles(laidOut, limits)
    const status = end === 'exited' ? statusOf(code, signal) : { exitCode: null }
    const isCut = stdout.truncated || stderr.truncated || truncated
    return { end, ...status, stdout: stdout.text, stderr: stderr.text, files, truncated: isCut }
  }
}

/** A sandbox gives the status as a shell does; a bare process has a signal of its own. */
function statusOf(code: number | null, signal: NodeJS.Signals | null): Pick<Outcome, 'exitCode' | 'signal'> {
  if (signal !== null) return { exitCode: 128 + constants.signals[signal], signal }
  if (code === null || code <= 128) return { exitCode: code }
  const name = Object.entries(constants.signals).find(([, number]) => number === code - 128)?.[0]
  return { exitCode: code, ...(name !== undefined && { signal: name }) }
}

const cancelled = ({ reason }: Cancellation): Fault => new Fault('upstream.ended', { reason: 'cancelled', why: reason })
