/** What a command may know of the world around it, so that tests can hand in another. */
import type { Clock } from '../core/clock.ts'
import { systemClock } from '../core/clock.ts'
import { processEnvironment } from '../config/environment.ts'
import type { Environment } from '../config/environment.ts'
import { EXIT } from './exit.ts'

const SAME_SIGNAL_MS = 500

export interface Terminal {
  /** Results, one line each. */
  out(line: string): void
  /** What is said beside the results. */
  err(line: string): void
  /** Shows how far something is, each time in the place of the last; absent where nobody watches. */
  readonly progress?: (line: string) => void
  /** Whether `out` may be given colours; absent: no. */
  readonly colour?: boolean
  /** Standard input, opened when it is asked for. */
  readonly input?: () => AsyncIterable<Uint8Array>
  readonly environment: Environment
  readonly clock: Clock
  /** Aborts when the operator or the system asks to end. */
  readonly interrupted: AbortSignal
}

/** Control characters of what others have named must not reach a terminal. */
export function printable(text: string): string {
  return text.replaceAll(/[\p{Cc}\p{Cf}\u2028\u2029]/gu, '\ufffd')
}

/** Aligned columns; the last one is left as it is. */
export function table(rows: readonly (readonly string[])[]): readonly string[] {
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)))
  return rows.map((row) =>
    row.map((cell, column) => (column === row.length - 1 ? cell : cell.padEnd(widths[column] ?? 0))).join('  '),
  )
}

export function processTerminal(): Terminal {
  const controller = new AbortController()
  let askedAt = 0
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.on(signal, () => {
      // The second one means it; but a terminal, npm and a parent may each pass on the same one.
      if (controller.signal.aborted && performance.now() - askedAt > SAME_SIGNAL_MS) process.exit(EXIT.interrupted)
      askedAt = performance.now()
      controller.abort(signal)
    })
  }
  const environment = processEnvironment()
  return {
    out: (line) => void process.stdout.write(`${line}\n`),
    err: (line) => void process.stderr.write(`${line}\n`),
    ...(process.stderr.isTTY && { progress: (line: string) => void process.stderr.write(`\r\u001b[K${line}`) }),
    colour: process.stdout.isTTY && !environment['NO_COLOR'],
    environment,
    input: () => process.stdin,
    clock: systemClock,
    interrupted: controller.signal,
  }
}
