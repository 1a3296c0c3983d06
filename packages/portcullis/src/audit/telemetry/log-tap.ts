/** Decides who else hears what is logged: one receiver, from when it is there, and what was logged shortly before. */
import type { Clock } from '../../core/clock.ts'
import type { LogFacts, Logger } from '../log.ts'

export type LogSeverity = 'debug' | 'info' | 'warn' | 'error'

/** As it was given to the log: nothing is taken out yet. */
export interface LogEntry {
  readonly severity: LogSeverity
  readonly message: string
  readonly facts: LogFacts
  /** Milliseconds since 1970. */
  readonly atMs: number
}

/** What is kept of the start, before anybody hears it. */
const MAX_EARLY = 256

export class LogTap {
  /** Says what it is told to the log as such, and to the receiver. */
  readonly logger: Logger
  readonly #clock: Clock
  readonly #early: LogEntry[] = []
  #receiver: ((entry: LogEntry) => void) | undefined

  constructor(log: Logger, clock: Clock) {
    this.#clock = clock
    this.logger = this.#tapped(log, {})
  }

  /** `receiver` may not log: it would hear itself. */
  attach(receiver: (entry: LogEntry) => void): void {
    this.#receiver = receiver
    for (const entry of this.#early.splice(0)) receiver(entry)
  }

  #tapped(log: Logger, bound: LogFacts): Logger {
    const both =
      (severity: LogSeverity) =>
      (message: string, facts?: LogFacts): void => {
        log[severity](message, facts)
        this.#tell({ severity, message, facts: { ...bound, ...facts }, atMs: this.#clock.now() })
      }
    return {
      debug: both('debug'),
      info: both('info'),
      warn: both('warn'),
      error: both('error'),
      child: (facts) => this.#tapped(log.child(facts), { ...bound, ...facts }),
    }
  }

  #tell(entry: LogEntry): void {
    if (this.#receiver !== undefined) this.#receiver(entry)
    else if (this.#early.length < MAX_EARLY) this.#early.push(entry)
  }
}
