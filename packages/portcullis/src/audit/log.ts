import { pino, type DestinationStream } from 'pino'
import { scrub, scrubText } from './scrub.ts'

/**
 * Operational logging: what the gateway does, for whoever runs it. Evidence belongs to the audit trail, not here.
 *
 * Everything passes the scrubber, so a secret, a credential header or an error that quotes one does not reach the log.
 */
export interface Logger {
  debug(message: string, facts?: LogFacts): void
  info(message: string, facts?: LogFacts): void
  warn(message: string, facts?: LogFacts): void
  error(message: string, facts?: LogFacts): void
  /** A logger that adds `facts` to each entry. */
  child(facts: LogFacts): Logger
}

export type LogFacts = Readonly<Record<string, unknown>>
export type LogLevel = 'debug' | 'info' | 'warn' | 'error' | 'silent'

export interface LogOptions {
  readonly level: LogLevel
  /** `json` for machines, `text` for a person at a terminal. */
  readonly format: 'json' | 'text'
  readonly sink: LogSink
}

export interface LogSink {
  write(text: string): unknown
}

type Severity = Exclude<LogLevel, 'silent'>

export function createLogger({ level, format, sink }: LogOptions): Logger {
  const stream: DestinationStream =
    format === 'json'
      ? { write: (line) => void sink.write(line) }
      : { write: (line) => void sink.write(formatEntry(line)) }
  const out = pino(
    {
      level,
      base: null,
      timestamp: pino.stdTimeFunctions.isoTime,
      messageKey: 'message',
      formatters: { level: (label) => ({ level: label }) },
    },
    stream,
  )
  const loggerWith = (bound: LogFacts): Logger => {
    const write = (severity: Severity, message: string, facts: LogFacts = {}): void => {
      if (!out.isLevelEnabled(severity)) return
      out[severity](scrub({ ...bound, ...facts }) as object, scrubText(message))
    }
    return {
      debug: (message, facts) => write('debug', message, facts),
      info: (message, facts) => write('info', message, facts),
      warn: (message, facts) => write('warn', message, facts),
      error: (message, facts) => write('error', message, facts),
      child: (facts) => loggerWith({ ...bound, ...facts }),
    }
  }
  return loggerWith({})
}

/** Standard error: readable for a person at a terminal, JSON for everything else. */
export function stderrLogger(level: LogLevel): Logger {
  return createLogger({ level, format: process.stderr.isTTY ? 'text' : 'json', sink: process.stderr })
}

/** `12:03:11 WARN  message name=value …`, on one line whatever is in it. */
export function formatEntry(line: string): string {
  const { level, time, message, ...facts } = JSON.parse(line) as Record<string, unknown>
  const clock = String(time).slice(11, 19)
  const pairs = Object.entries(facts).map(([name, value]) => ` ${printable(name)}=${printableValue(value)}`)
  return `${clock} ${String(level).toUpperCase().padEnd(5)} ${printable(String(message))}${pairs.join('')}\n`
}

const printableValue = (value: unknown): string =>
  typeof value === 'string' && /^[\w.:/@|~+-]+$/.test(value) ? value : printable(JSON.stringify(value))

/** A caller's text must not move the cursor, change colours or begin a line of its own. */
const printable = (text: string): string =>
  // oxlint-disable-next-line no-control-regex -- these are what has to go
  text.replace(/[\u0000-\u001f\u007f-\u009f\u2028\u2029\u202a-\u202e\u2066-\u2069]/g, (character) => {
    return `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`
  })
