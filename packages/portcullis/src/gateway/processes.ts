/** Starts the processes of upstreams so that nothing they do goes unrecorded, and ends those whose records cannot be written. */
import type { Ledger } from '../audit/ledger.ts'
import type { Logger } from '../audit/log.ts'
import { ProcessTrail } from '../audit/process-trail.ts'
import type { Detail, Doer } from '../audit/record.ts'
import type { ProcessMetrics } from '../audit/metrics/process-usage.ts'
import type { Clock } from '../core/clock.ts'
import { Fault } from '../core/fault.ts'
import type { ExitReport, LaunchSpec, SandboxedProcess } from '../sandbox/driver.ts'
import type { LineProcess } from '../upstream/stdio-process.ts'
import { ownerOf } from './scope.ts'
import type { Walls } from './build-sandbox.ts'

/** What is needed of a process that is one call. */
export type OneRun = Pick<SandboxedProcess, 'exited' | 'kill' | 'onLine'>

/** A process that runs now. */
export interface LiveProcess {
  readonly upstream: string
  readonly tenant: string
  readonly scope: string
  readonly principal?: string
  readonly pid: number
  readonly driver: string
  /** Milliseconds since the Unix epoch. */
  readonly startedAt: number
  /** What holds its limits on this host. */
  readonly enforces: Detail
  /** From its start to now; see `Usage` of the sandbox. */
  readonly usage: Detail
}

export interface ProcessesOptions {
  readonly ledger: Ledger
  readonly clock: Clock
  readonly log: Logger
  readonly metrics?: ProcessMetrics | undefined
}

export interface ProcessWish {
  readonly upstream: string
  /** Whom it serves; read each time, because a process that waits is handed to its first caller. */
  readonly owner: { readonly scope: string }
  readonly walls: Walls
  readonly spec: LaunchSpec
}

/** Empty until the driver has started it. */
interface Launched {
  process?: SandboxedProcess
}

export class Processes {
  readonly #options: ProcessesOptions
  readonly #ending = new Set<Promise<void>>()
  readonly #trails = new WeakMap<object, ProcessTrail>()
  readonly #live = new Map<SandboxedProcess, { readonly wish: ProcessWish; readonly startedAt: number }>()

  constructor(options: ProcessesOptions) {
    this.#options = options
  }

  /** A process for many calls. Throws `audit.unavailable` when what it does could not be recorded, and what the driver throws. */
  async start(wish: ProcessWish): Promise<LineProcess> {
    const { process, trail } = await this.#launch(wish)
    return lineProcess(process, trail)
  }

  /** A process that is one call. Its `exited` waits for the records. Throws what `start` throws. */
  async run(wish: ProcessWish, incident: string | undefined): Promise<OneRun> {
    const { process, trail, recorded } = await this.#launch(wish, incident)
    return {
      kill: (reason) => process.kill(reason),
      onLine: (listener) => process.onLine(listener),
      exited: recorded.then(async () => {
        await trail.settled()
        return process.exited
      }),
    }
  }

  async #launch(wish: ProcessWish, incident?: string) {
    const { tenant } = ownerOf(wish.owner.scope)
    if (!this.#options.ledger.intact(tenant)) throw new Fault('audit.unavailable', { tenant })
    const launched: Launched = {}
    const trail = this.#trailOf(wish, launched)
    if (incident !== undefined) trail.begin(incident)
    const process = await wish.walls.driver.launch({ ...wish.spec, onAccess: (access) => trail.access(access) })
    launched.process = process
    if (trail.isBroken) process.kill('unrecorded')
    this.#trails.set(wish.owner, trail)
    trail.started(wish.walls.driver.name, { ...wish.walls.enforces })
    return { process, trail, recorded: this.#follow(wish, process, trail) }
  }

  /** Records what a process did against the rules of its protocol. */
  offended(owner: object, what: string): void {
    this.#trails.get(owner)?.access({ kind: 'refused', wall: 'protocol', what })
  }

  /** The processes that run, and what each has used. */
  live(): Promise<readonly LiveProcess[]> {
    const entries = [...this.#live].map(async ([process, { wish, startedAt }]) => {
      const usage: Detail = { ...(await process.usage().catch(() => undefined)) }
      const { tenant, scope, principal } = ownerOf(wish.owner.scope)
      const { driver, enforces } = wish.walls
      return {
        ...{ upstream: wish.upstream, tenant, scope, ...(principal !== undefined && { principal }) },
        ...{ pid: process.pid, driver: driver.name, startedAt, enforces: { ...enforces }, usage },
      }
    })
    return Promise.all(entries)
  }

  /** Resolves when the last record of every process that has ended is written, or could not be. */
  async settled(): Promise<void> {
    await Promise.all(this.#ending)
  }

  #trailOf({ upstream, owner }: ProcessWish, launched: Launched): ProcessTrail {
    const { ledger, clock, log } = this.#options
    const doer = (): Doer & { readonly tenant: string } => {
      const { tenant, scope, principal } = ownerOf(owner.scope)
      return { tenant, upstream, scope, ...(principal !== undefined && { principal }), pid: launched.process?.pid ?? 0 }
    }
    const onBroken = (error: unknown): void => {
      log.error('an upstream process ends because its accesses cannot be recorded', { upstream, error })
      launched.process?.kill('unrecorded')
    }
    return new ProcessTrail({ ledger, clock, doer, onBroken })
  }

  #follow(wish: ProcessWish, process: SandboxedProcess, trail: ProcessTrail): Promise<void> {
    const { log, metrics } = this.#options
    const { upstream, owner } = wish
    const facts = () => ({ upstream, scope: owner.scope, pid: process.pid })
    log.info('upstream process started', facts())
    process.onStderr((chunk) => log.debug('upstream said', { upstream, text: chunk.toString('utf8').trim() }))
    this.#live.set(process, { wish, startedAt: this.#options.clock.now() })
    void process.exited.then(() => this.#live.delete(process))
    if (metrics !== undefined) measured(metrics, upstream, process)
    const ended = process.exited
      .then((report) => conclude(wish, process, trail, report))
      .then(
        (end) => log.info('upstream process ended', { ...facts(), ...end }),
        (error: unknown) => log.error('the end of an upstream process is not on record', { ...facts(), error }),
      )
    this.#ending.add(ended)
    void ended.then(() => this.#ending.delete(ended))
    return ended
  }
}

function measured(metrics: ProcessMetrics, upstream: string, process: SandboxedProcess): void {
  metrics.started(upstream)
  void process.exited.then(async ({ reason }) => {
    metrics.ended(upstream, reason, { ...(await process.usage().catch(() => undefined)) })
  })
}

async function conclude({ walls }: ProcessWish, process: SandboxedProcess, trail: ProcessTrail, report: ExitReport) {
  const { code, signal, reason } = report
  const usage: Detail = { ...(await process.usage().catch(() => undefined)) }
  await trail.ended(walls.driver.name, { reason, code, signal, usage })
  return { code, signal, reason, usage }
}

/** What a call did to files is looked for before the call counts as over, and its records are durable before its answer leaves. */
function lineProcess(process: SandboxedProcess, trail: ProcessTrail): LineProcess {
  return {
    send: (line) => process.send(line),
    onDrain: (listener) => process.onDrain(listener),
    onLine: (listener) => process.onLine(listener),
    pause: () => process.pause(),
    resume: () => process.resume(),
    exited: process.exited,
    stop: (graceMs) => process.stop(graceMs),
    calls: {
      begin: (incident) => trail.begin(incident),
      end: (incident) => trail.end(incident, () => process.flush()),
    },
  }
}
