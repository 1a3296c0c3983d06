/** Remembers calls until their outcome comes, which names only the incident. Bounded: the oldest are forgotten. */
import { parseLine } from '../line.ts'
import type { AuditRecord, CallBody } from '../record.ts'

const MAX_CALLS = 10_000

export class OpenCalls {
  readonly #calls = new Map<string, CallBody>()

  /** The call that this record ends, if it is such a record and its call is not too long ago. */
  join(record: AuditRecord): CallBody | undefined {
    if (record.kind === 'call') this.#remember(record)
    if (record.kind !== 'outcome') return undefined
    return this.#calls.get(record.incident)
  }

  /** A line that was delivered before the gateway was started: its outcome may still come. */
  passed(line: Buffer): void {
    const isCall = line.includes(',"kind":"call",')
    if (!isCall && !line.includes(',"kind":"outcome",')) return
    const record = parseLine(line)
    if (typeof record === 'string') return
    this.join(record)
    this.forget(record)
  }

  /** The outcome was delivered; before that it may be asked for again. */
  forget(record: AuditRecord): void {
    if (record.kind === 'outcome') this.#calls.delete(record.incident)
  }

  #remember(call: CallBody & { readonly findings?: unknown }): void {
    // What was found can be long, and belongs to the record of the call alone.
    const { findings: _findings, ...kept } = call
    this.#calls.set(call.incident, kept)
    if (this.#calls.size > MAX_CALLS) this.#calls.delete(this.#calls.keys().next().value as string)
  }
}
