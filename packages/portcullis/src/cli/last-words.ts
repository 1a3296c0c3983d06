/** Decides what this process leaves behind when it ends by a mistake: an entry without secrets, and no environment. */
import { writeSync } from 'node:fs'
import { scrub } from '../audit/scrub.ts'
import { EXIT } from './exit.ts'

/** What of `process` this needs; a test hands in its own. */
export interface MortalProcess {
  readonly report?: DiagnosticReport | undefined
  on(event: 'uncaughtException', listener: (error: unknown) => void): unknown
  exit(code: number): unknown
}

/** What of `process.report` decides about its content. */
export interface DiagnosticReport {
  excludeEnv?: boolean
  excludeNetwork?: boolean
  reportOnFatalError: boolean
}

const STANDARD_ERROR = 2

/**
 * Node would write the whole error, with everything that hangs on it, and into its diagnostic report all variables of the
 * environment, where secrets for upstreams may be. What goes on after such an error nobody has thought of, so the process
 * ends at once: records of answers that have left are durable.
 */
export function guardLastWords(mortal: MortalProcess, write: (text: string) => void = toStandardError): void {
  if (mortal.report) guardReport(mortal.report)
  mortal.on('uncaughtException', (error) => {
    write(`${lastEntry(error)}\n`)
    mortal.exit(EXIT.internal)
  })
}

/**
 * When memory runs out, Node 24 asks only the flags that it was started with, and writes the environment whatever is set
 * here. So there is a report of that for whoever starts it with `--report-exclude-env` alone.
 */
function guardReport(report: DiagnosticReport): void {
  if (report.excludeEnv !== true) report.reportOnFatalError = false
  report.excludeEnv = true
  report.excludeNetwork = true
}

function lastEntry(error: unknown): string {
  try {
    return JSON.stringify({ level: 'fatal', message: 'a mistake of the gateway ends it', error: scrub(error) })
  } catch {
    return '{"level":"fatal","message":"a mistake of the gateway ends it"}'
  }
}

function toStandardError(text: string): void {
  try {
    writeSync(STANDARD_ERROR, text)
  } catch {
    // Nobody reads any more.
  }
}
